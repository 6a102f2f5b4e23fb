"""A page costs as many statements at 10,000 enrollments as at 10, and as much of their work.

None of them reads a big table.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection

from lms import accounts
from lms.db import db
from lms.sync import reports
from tests.builders import without_limit
from tests.conftest import Sql
from tests.databases import forget
from tests.outside.school import add_courses, add_students, enroll
from tests.statements import Statement, sent_to
from tests.steps import steps_of
from tests.web.browser import PASSWORD, Browser

FEW, MANY = 150, 1112  # students with nine enrollments each
BIG = (
    "users|enrollments|student_progress|access_sources|chapter_completions|payments|decisions"
    "|notices|certificates"
)
# Not among them: access_requests, which holds only what waits, so that counting it is reading it;
# audit_entries, which SQLite reads by row id from the end, with a limit, and calls that a SCAN.
WHOLE = {
    "/api/sync/validate": "looks at the whole school",
    "/admin/courses/1/delete": "counts what goes with the course",
    "/admin/courses/1/access": "counts who had access to the course",
    "/admin/invitations": "counts who hasn't accepted: all students here",
    "/admin/payments/books": "sums up a month's payments: all of them here",
    "/api/admin/payments/books": "sums up a month's payments: all of them here",
}
"""What takes more, the more there is, and why; as do exports, which are of everything."""
FORGIVEN = {"sqlite": 300, "postgresql": 300}
"""What any page may take more of, as indexes are deeper.

PostgreSQL reads tables of a few pages whole, and then finds each of fifty rows by an index."""
CHECKS = re.compile(r"/sync/(validate|explain|findings\.csv)$|/students/\d+/courses/\d+$")
"""What tells of the invariants takes a statement or two for each of them."""


@pytest.fixture
def admin(app: Flask) -> Browser:
    return _signed_in(app, "admin")


@pytest.fixture
def student(app: Flask) -> Browser:
    return _signed_in(app, "student")


def test_a_page_costs_as_much_at_any_size(
    *, app: Flask, admin: Browser, student: Browser, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Signs of life are sent by the second, as many as a busy machine takes of them.
    monkeypatch.setattr(reports, "BEAT_SECONDS", float("inf"))
    with app.app_context():
        without_limit("export", admin.user_id, student.user_id)
    add_courses(sql)
    _add_students(app, sql, 0, 1)
    enroll(sql, student.user_id, 1, 1)
    assert admin.get("/api/sync/validate").status_code == 200  # as the worker has, before anyone
    small = _pages(app, admin, student)
    _add_students(app, sql, 1, FEW)
    enroll(sql, student.user_id, 2, 8)
    before = _work(app, _pages(app, admin, student))
    _add_students(app, sql, FEW, MANY)
    assert sql("SELECT count(*) FROM enrollments")[0][0] > 10_000
    large = _pages(app, admin, student)
    numbers = {address: len(sent) for address, sent in large.items()}
    assert numbers == {address: len(sent) for address, sent in small.items()}
    few = {address: n for address, n in numbers.items() if not CHECKS.search(address)}
    assert max(few.values()) <= 16, few
    after = _work(app, large)
    with app.app_context():
        forgiven = FORGIVEN[db.engine.dialect.name]
    grown = {
        address: (before[address], work)
        for address, work in after.items()
        if work > 2 * before[address] + forgiven
        and not address.endswith(".csv")
        and address not in WHOLE
    }
    assert not grown


def test_lists_find_their_rows_by_an_index(
    app: Flask, admin: Browser, student: Browser, sql: Sql
) -> None:
    add_courses(sql)
    _add_students(app, sql, 0, MANY)
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


def _add_students(app: Flask, sql: Sql, since: int, upto: int) -> None:
    add_students(sql, since, upto)
    with app.app_context():
        is_counting = db.engine.dialect.name == "postgresql"
    if is_counting:  # how many rows there are, by itself; SQLite plans without ever having counted
        sql("ANALYZE")


def _pages(app: Flask, admin: Browser, student: Browser) -> dict[str, list[Statement]]:
    """Return the statements of every page and list, by address."""
    pages = {}
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
                pages[address] = sent
    return pages


def _work(app: Flask, pages: dict[str, list[Statement]]) -> dict[str, int]:
    """Return what the statements of each page take: tens of SQLite's steps, pages read.

    Time would tell of the machine, and plans only of what we know to look for.
    """
    with app.app_context(), db.engine.connect() as connection:
        count = _steps if connection.dialect.name == "sqlite" else _pages_read
        return {
            address: sum(count(connection, *statement) for statement in sent)
            for address, sent in pages.items()
        }


def _steps(connection: Connection, statement: str, values: Any) -> int:
    with steps_of(connection.connection.driver_connection) as tens:
        connection.exec_driver_sql(statement, values).all()
    return len(tens)


def _pages_read(connection: Connection, statement: str, values: Any) -> int:
    reading = statement.removesuffix(" FOR UPDATE")  # which this connection may not
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {reading}"
    [[[told]]] = connection.exec_driver_sql(explain, values).all()
    buffers: int = told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"]
    return buffers


@contextmanager
def _reads(app: Flask) -> Iterator[list[Statement]]:
    """List the SELECTs that are sent while a block runs."""
    with app.app_context():
        engine = db.engine
    reads: list[Statement] = []
    with sent_to(engine, only_here=True) as sent:
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
