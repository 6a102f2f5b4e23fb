"""Times in old schools: every form that their programs write, and whose clock it was."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from lms.importing import BadAnswer, answers
from lms.importing.legacy.times import moment, read
from tests.commands import run
from tests.conftest import Sql
from tests.importing.conftest import Import
from tests.importing.old import PEOPLE, make, outcome

NOON = datetime(2026, 11, 28, 10, 30, 15, tzinfo=UTC)
EXACT = NOON.replace(microsecond=123000)
WRITTEN: list[tuple[Any, datetime | None]] = [
    ("2026-11-28 10:30:15.123 +00:00", EXACT),  # Sequelize 6 on SQLite
    ("2026-11-28 05:30:15.123 -0500", EXACT),
    ("2026-11-28T10:30:15.123Z", EXACT),
    ("2026-11-28T10:30:15.123+00:00", EXACT),  # Prisma 7
    ("2026-11-28 10:30:15.123000", EXACT),  # Django
    ("2026-11-28 10:30:15+00", NOON),  # PostgreSQL
    ("2026-11-28 10:30:15 UTC", NOON),
    ("Sat Nov 28 2026 11:30:15 GMT+0100 (Central European Standard Time)", NOON),
    ("Sat, 28 Nov 2026 10:30:15 GMT", NOON),
    ("28.11.2026 10:30", NOON.replace(second=0)),
    (1795861815, NOON),
    (1795861815123, EXACT),
    ("1795861815123456", NOON.replace(microsecond=123456)),
    (1795861815123456789, NOON.replace(microsecond=123456)),
    (2461372.9376736111, NOON),  # SQLite's julianday()
    (date(2026, 11, 28), datetime(2026, 11, 28, tzinfo=UTC)),
    ("20261128", datetime(2026, 11, 28, tzinfo=UTC)),
    (45989.4, None),  # a spreadsheet's day: January 1970 as seconds
    (0, None),
    ("infinity", None),
    ("yesterday", None),
    ("2024-02-30", None),
]


@pytest.mark.parametrize(("written", "meant"), WRITTEN)
def test_a_time_is_read_in_every_form(written: Any, meant: datetime | None) -> None:
    found = moment(written)
    assert (found and found.replace(microsecond=found.microsecond // 1000 * 1000)) == (
        meant and meant.replace(microsecond=meant.microsecond // 1000 * 1000)
    )


def test_only_a_time_without_a_zone_is_read_by_the_clock_that_is_said() -> None:
    there = ZoneInfo("America/New_York")
    assert read("2026-11-28 05:30:15", there) == (NOON, True)
    assert read("2026-11-28T10:30:15Z", there) == (NOON, False)
    assert read(1795861815, there) == (NOON, False)


def test_the_clock_is_said_once_and_for_each_column(bring_in: Import, sql: Sql) -> None:
    tables = {
        "users": [{"id": 1, "email": "a@x.org", "createdAt": "2026-11-28 05:30:15"}],
        "courses": [{"id": 1, "title": "A", "createdAt": "2026-11-28T10:30:15Z"}],
        "enrollments": [{"id": 1, "userId": 1, "courseId": 1, "enrolledAt": "2026-11-28 10:30:15"}],
    }
    types = {"enrollments.enrolledAt": "timestamp"}
    said = ["America/New_York", "enrollments.enrolledAt=UTC"]
    report = bring_in(tables, types, timezone=said)
    assert report.clocks == ["enrollments.enrolledAt: UTC", "users.createdAt: America/New_York"]
    for table, column in (("users", "created_at"), ("courses", "created_at")):
        assert "10:30:15" in str(sql(f"SELECT {column} FROM {table}")[0][0])
    assert "10:30:15" in str(sql("SELECT enrolled_at FROM enrollments")[0][0])


def test_an_unknown_zone_is_told(app: Flask, old_url: str) -> None:
    make(old_url, {"users": PEOPLE})
    with pytest.raises(BadAnswer, match="no such time zone"):
        answers(timezone=["Mars/Olympus"])
    result = run(app, "import", "legacy", old_url, "--timezone", "Mars/Olympus")
    assert result.exit_code == 1
    assert "no such time zone" in result.stderr


def test_who_was_rejected_later_is_not_let_in_by_an_earlier_approval(
    bring_in: Import, sql: Sql
) -> None:
    course = {"courseId": 1}
    report = bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": 1, "title": "A"}],
            "accessRequests": [
                {"id": 1, "studentId": 1, **course, "status": "approved", "reviewedAt": january},
                {"id": 2, "studentId": 1, **course, "status": "rejected", "reviewedAt": february},
                {"id": 3, "studentId": 2, **course, "status": "rejected", "reviewedAt": january},
                {"id": 4, "studentId": 2, **course, "status": "approved", "reviewedAt": february},
                {"id": 5, "studentId": 3, **course, "status": "approved", "reviewedAt": None},
                {"id": 6, "studentId": 3, **course, "status": "rejected", "reviewedAt": "some day"},
                {"id": 7, "studentId": 4, **course, "status": "approved", "reviewedAt": january},
                {"id": 8, "studentId": 4, **course, "status": "cancelled", "reviewedAt": february},
            ],
        }
    )
    let_in = "SELECT u.email, e.enrolled_at FROM enrollments e JOIN users u ON u.id = e.user_id"
    found = {row.email: str(row.enrolled_at)[:19] for row in sql(let_in)}
    assert found == {"u2@x.org": "2026-02-01 10:00:00", "u4@x.org": "2026-01-01 10:00:00"}
    assert "the date in decided_at can't be read" in outcome(report, "access_requests", 6)


january, february = "2026-01-01 10:00:00.000 +00:00", "2026-02-01 10:00:00.000 +00:00"
