"""A page costs as many statements at 10,000 enrollments as at 10, and none reads a big table."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from lms import accounts
from lms.db import db
from lms.sync import reports
from tests.conftest import Sql
from tests.databases import forget
from tests.outside.school import add_courses, add_students, enroll
from tests.statements import Statement, sent_to
from tests.web.browser import PASSWORD, Browser

MANY = 1112  # students with nine enrollments each
BIG = (
    "users|enrollments|student_progress|access_sources|chapter_completions|payments|decisions"
    "|notices|certificates"
)
# Not among them: access_requests, which holds only what waits, so that counting it is reading it;
# audit_entries, which SQLite reads by row id from the end, with a limit, and calls that a SCAN.
CHECKS = re.compile(r"/sync/(validate|explain|findings\.csv)$|/students/\d+/courses/\d+$")
"""What tells of the invariants takes a statement or two for each of them."""


@pytest.fixture
def admin(app: Flask) -> Browser:
    return _signed_in(app, "admin")


@pytest.fixture
def student(app: Flask) -> Browser:
    return _signed_in(app, "student")


def test_a_page_costs_as_many_statements_at_any_size(
    *, app: Flask, admin: Browser, student: Browser, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Signs of life are sent by the second, as many as a busy machine takes of them.
    monkeypatch.setattr(reports, "BEAT_SECONDS", float("inf"))
    add_courses(sql)
    add_students(sql, 0, 1)
    enroll(sql, student.user_id, 1, 1)
    assert admin.get("/api/sync/validate").status_code == 200  # as the worker has, before anyone
    small = _costs(app, admin, student)
    add_students(sql, 1, MANY)
    enroll(sql, student.user_id, 2, 8)
    assert sql("SELECT count(*) FROM enrollments")[0][0] > 10_000
    large = _costs(app, admin, student)
    assert large == small
    few = {address: n for address, n in small.items() if not CHECKS.search(address)}
    assert max(few.values()) <= 16, few


def test_lists_find_their_rows_by_an_index(
    app: Flask, admin: Browser, student: Browser, sql: Sql
) -> None:
    add_courses(sql)
    add_students(sql, 0, MANY)
    enroll(sql, student.user_id, 1, 8)
    found: dict[tuple[str, str], list[str]] = {}
    for who, addresses in ((student, STUDENT_PAGES), (admin, ADMIN_LISTS)):
        for address in addresses:
            with _reads(app) as sent:
                assert who.get(address.format(id=1)).status_code == 200, address
            for statement, values in sent:
                if scans := _scans(app, statement, values):
                    found[address, statement] = scans
    assert not found


STUDENT_PAGES = (
    "/student/dashboard",
    "/student/courses",
    "/student/courses/{id}",
    "/student/progress",
    "/student/requests",
    "/student/payments",
    "/student/notices",
    "/api/student/notices",
    "/api/student/certificates",
    "/api/student/courses",
    "/api/student/enrolled-courses",
    "/api/student/progress-details",
    "/api/student/stats",
    "/api/student/requests",
    "/api/student/payments",
    "/api/sync/connection",
)
ADMIN_LISTS = (
    "/admin/requests",
    "/admin/requests/decided",
    "/admin/students",
    "/admin/search/hits?q=student",
    "/admin/search?q=student",
    "/admin/courses/2/people",
    "/admin/courses/2/people?standing=not_started",
    "/admin/courses/2/people?source=admin",
    "/admin/payments",
    "/admin/audit",
    "/api/admin/decisions",
    "/api/requests",
    "/api/requests?courseId={id}",
    "/api/students",
)


def _signed_in(app: Flask, role: Any) -> Browser:
    email = f"{role}@example.org"
    with app.app_context():
        accounts.create_account(email=email, name=role, password=PASSWORD, role=role)
    browser = Browser(app)
    browser.sign_in(email)
    return browser


def _costs(app: Flask, admin: Browser, student: Browser) -> dict[str, int]:
    """Count the statements of every page and list, by address."""
    costs = {}
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not re.match("/(student|admin|api)/", rule.rule):
            continue
        address = re.sub(r"<int:\w+>", "1", rule.rule)
        address = re.sub(r"<any\('(\w+)'[^>]*>", r"\1", address)
        address = address.replace("/admin/students/1", f"/admin/students/{student.user_id}")
        address = address.replace("/api/students/1", f"/api/students/{student.user_id}")
        for who in (student, admin):
            forget(app)
            with _reads(app) as sent:
                answer = who.get(address)
            if answer.status_code == 200:
                costs[address] = len(sent)
    return costs


@contextmanager
def _reads(app: Flask) -> Iterator[list[Statement]]:
    """List the SELECTs that are sent while a block runs."""
    with app.app_context():
        engine = db.engine
    reads: list[Statement] = []
    with sent_to(engine) as sent:
        yield reads
    reads += [each for each in sent if each.text.startswith(("SELECT", "WITH"))]


def _scans(app: Flask, statement: str, values: Any) -> list[str]:
    """Return the steps of the engine's plan that read a big table from end to end."""
    with app.app_context(), db.engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        if not is_sqlite:  # it reads a table of ten pages whole, unless told: what is left, it must
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(f"{explain} {statement}", values).all()
    steps = [str(row[-1]) for row in plan]
    pattern = (
        rf"SCAN (?:{BIG})(?!.*INDEX)" if is_sqlite else rf"Seq Scan on (?:{BIG}|audit_entries)\b"
    )
    return [step for step in steps if re.search(pattern, step)]
