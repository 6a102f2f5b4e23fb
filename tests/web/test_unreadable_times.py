"""A time or a number that is none, from a careless import, takes no page away."""

import re

import pytest
from flask import Flask

from lms import enrollment
from lms.db import Base, UtcDateTime
from lms.models.columns import numbers
from lms.refusals import PaymentRequired
from tests.builders import a_chapter, a_course, a_request
from tests.conftest import Sql
from tests.databases import Sqlite
from tests.sync.damage import damaging
from tests.web.browser import Browser
from tests.web.conftest import Act

_OUR_OWN = {"sign_ins", "allowances"}


@pytest.fixture
def server(sqlite: Sqlite) -> Sqlite:
    """The engine whose columns take any text."""
    return sqlite


@pytest.fixture
def browsers(app: Flask, act: Act, sql: Sql, student: Browser, admin: Browser) -> list[Browser]:
    """Those of a student and an admin of a school in which there is something of everything."""
    course, other = act(a_course, chapters=1, price_cents=900), act(a_course)
    act(enrollment.enroll, student.user_id, course, by=admin.user_id)
    act(enrollment.complete_chapter, student.user_id, 1)
    act(a_chapter, course)
    act(enrollment.reject, act(a_request, student.user_id, other), by=admin.user_id)
    act(a_request, student.user_id, other)
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents, status, paid_at, created_at)"
        f" VALUES ({student.user_id}, {course}, 900, 'refunded', '', '')",
        "INSERT INTO sync_runs (trigger, status) VALUES ('manual', 'finished')",
        "INSERT INTO outbox_emails (key, recipient, subject, body) VALUES ('k', 'a', 's', 'b')",
    )
    return [student, admin]


@pytest.mark.parametrize(
    ("time", "number"), [("garbage", "garbage"), ("2026-02-30 10:00:00", 50.5)]
)
def test_no_page_fails(
    app: Flask, browsers: list[Browser], database_url: str, time: str, number: object
) -> None:
    with damaging(database_url) as damage:
        for table, column in _times():
            damage.run(f"UPDATE {table} SET {column} = ?", time)
        for table, column in _numbers():
            damage.run(f"UPDATE {table} SET {column} = ?", number)
    answers = [
        (address, browser.get(address).status_code)
        for browser in browsers
        for address in _addresses(app, browsers[0].user_id)
    ]
    assert [address for address, status in answers if status == 500] == []
    assert ("/student/progress", 200) in answers
    assert ("/admin/analytics", 200) in answers
    with app.app_context(), pytest.raises(PaymentRequired):  # what has no price is not free
        enrollment.enroll_directly(browsers[0].user_id, 2)


def _times() -> list[tuple[str, str]]:
    return [
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, UtcDateTime) and table.name not in _OUR_OWN
    ]


def _numbers() -> list[tuple[str, str]]:
    """Return the columns that count: what refers to nothing is an orphan, who is not active out."""
    return [
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in numbers(table)
        if not re.search("_(id|by|active)$|^(shard|value)$", column.name)
        and table.name not in _OUR_OWN
    ]


def _addresses(app: Flask, student_id: int) -> list[str]:
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and re.match("/(student|admin|api)/", rule.rule):
            address = re.sub(r"<any\('(\w+)'[^>]*>", r"\1", rule.rule)
            address = re.sub("<int:student_id>", str(student_id), address)
            found.append(re.sub(r"<int:\w+>", "1", address))
    return found
