"""The preview: first what nobody may miss, then the rest; and schools that real libraries wrote.

The files in schools/ were written by sequelize 6 and Prisma 7 (better-sqlite3 adapter) and dumped
with the shell of SQLite; prisma-postgresql is written by hand, as `prisma migrate` writes its DDL.
"""

import sqlite3
import warnings
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from tests.commands import run
from tests.conftest import Sql
from tests.databases import Postgresql
from tests.importing.conftest import import_soundly
from tests.importing.old import PEOPLE, make

SCHOOLS = Path(__file__).with_name("schools")


def _loaded(name: str, folder: Path) -> str:
    path = folder / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((SCHOOLS / f"{name}.sql").read_text())
    return str(path)


@pytest.mark.parametrize("name", ["sequelize-6", "prisma-7"])
def test_a_school_that_a_library_wrote_comes_over_to_the_cent_and_the_second(
    name: str, context: Flask, tmp_path: Path, sql: Sql
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of types such as TINYINT(1), with a path of the sources
        report = import_soundly(_loaded(name, tmp_path))
    assert (report.read, report.refused, report.questions, report.clocks) == (19, 0, [], [])
    courses = sql("SELECT title, status, is_public, price_cents, currency FROM courses ORDER BY 1")
    assert [tuple(row) for row in courses] == [
        ("Closed Chemistry", "active", False, 0, "usd"),
        ("Intro to Algebra", "published", True, 0, "usd"),
        ("Paid Physics", "published", True, 1999, "usd"),
    ]
    payments = sql("SELECT amount_cents, status, paid_at, stripe_session_id FROM payments")
    assert [(*row[:2], str(row[2])[:19], row[3]) for row in payments] == [
        (1999, "paid", "2025-09-02 13:14:15", "cs_test_a1B2c3D4")
    ]
    enrolled = sql(
        "SELECT u.name, c.title, e.progress, e.enrolled_at FROM enrollments e"
        " JOIN users u ON u.id = e.user_id JOIN courses c ON c.id = e.course_id ORDER BY 1, 2"
    )
    assert [(*row[:3], str(row[3])[:19]) for row in enrolled] == [
        ("Ada Lind", "Intro to Algebra", 60, "2025-09-01 12:00:00"),
        ("Ben Grün", "Closed Chemistry", 0, "2026-05-07 07:07:07"),
        ("Ben Grün", "Paid Physics", 0, "2025-09-02 13:14:15"),
    ]
    people = sql("SELECT name, role FROM users ORDER BY name")
    assert [tuple(row) for row in people][2] == ("Root Admin", "admin")


def test_what_sequelize_has_deleted_is_not_brought_back(
    context: Flask, tmp_path: Path, sql: Sql
) -> None:
    import_soundly(_loaded("sequelize-6-paranoid", tmp_path))
    assert sql("SELECT email FROM users WHERE is_active") == [("ada@s.example",)]
    assert sql("SELECT status FROM courses ORDER BY title") == [("published",), ("archived",)]
    assert sql("SELECT count(*) FROM enrollments") == [(0,)]


def test_what_nobody_may_miss_comes_first(app: Flask, old_url: str) -> None:
    make(
        old_url,
        {
            "users": [
                *PEOPLE[:1],
                {"id": 8, "email": "Z@X.org", "name": "Z", "role": "STUDENT", "passwordHash": "?"},
            ],
            "courses": [{"id": 1, "title": "A", "price": "ask", "capacity": 3, "mood": 1}],
            "enrollments": [{"id": 1, "userId": 1, "courseId": 1, "status": "CANCELLED"}],
            "accessRequests": [{"id": 1, "studentId": 8, "courseId": 1, "status": "Approved"}],
            "chapters": [{"id": 1, "courseId": 9, "title": "Orphan"}],
        },
    )
    result = run(app, "import", "legacy", old_url)
    assert result.exit_code == 0
    headings = [line for line in result.stdout.splitlines() if line.endswith(":")]
    assert headings == [
        "Money:",
        "Access:",
        "People who can't sign in with their old password:",
        "Not read:",
    ]
    told, _, rest = result.stdout.partition("\nNot read:\n")
    assert "courses: 1 repaired: the price is unreadable" in told
    assert "enrollments: 1 refused: no access in the earlier system: its status is" in told
    assert "access_requests: 1 repaired: approved, but not enrolled" in told
    assert "users: 1 repaired: the password can't be verified" in told
    assert "2 new accounts have no password" in told
    assert rest.splitlines()[0] == "  courses.mood"
    assert "chapters: 1 read, 0 created, 0 merged, 0 repaired, 1 refused" in rest
    assert "  1 refused: its course does not exist" in rest
    assert "price" not in rest  # what stands above is not told twice


def test_another_case_is_no_repair(app: Flask, old_url: str) -> None:
    make(
        old_url,
        {
            "users": [{"id": 1, "email": " Ada@X.org", "name": "Ada", "role": "STUDENT"}],
            "courses": [{"id": 1, "title": "A", "status": " PUBLISHED "}],
            "accessRequests": [{"id": 1, "studentId": 1, "courseId": 1, "status": "PENDING"}],
        },
    )
    result = run(app, "import", "legacy", old_url)
    assert "3 rows: 3 created, 0 merged, 0 repaired, 0 refused" in result.stdout


def test_a_school_of_prisma_on_postgresql_comes_over_with_its_types(
    context: Flask, postgresql: Postgresql, sql: Sql
) -> None:
    with postgresql.empty() as url:
        with psycopg.connect(url) as connection:
            connection.execute((SCHOOLS / "prisma-postgresql.sql").read_bytes())
        sign = "&" if "?" in url else "?"
        report = import_soundly(f"{url}{sign}schema=public&pgbouncer=true&connection_limit=1")
    assert report.questions == []
    assert report.clocks == ["User.createdAt: UTC"]
    courses = sql("SELECT title, status, is_public, price_cents FROM courses ORDER BY title")
    assert [tuple(row) for row in courses] == [
        ("Draft", "draft", True, 0),
        ("Paid", "published", True, 2000),
    ]
    enrolled = sql(
        "SELECT u.email, c.title, e.progress, e.enrolled_at FROM enrollments e"
        " JOIN users u ON u.id = e.user_id JOIN courses c ON c.id = e.course_id"
    )
    assert [(*row[:3], str(row[3])[:19]) for row in enrolled] == [
        ("ada@x.org", "Paid", 50, "2026-01-05 13:00:00")
    ]
    assert sql(
        "SELECT ch.title, ch.position FROM chapter_completions cc JOIN chapters ch"
        " ON ch.id = cc.chapter_id"
    ) == [("Two", 2)]
    assert sql("SELECT amount_cents, status FROM payments") == [(2000, "paid")]
    assert sql("SELECT email, role, is_active FROM users ORDER BY email") == [
        ("ada@x.org", "student", True),
        ("gone@x.org", "student", False),
        ("root@x.org", "admin", True),
    ]
