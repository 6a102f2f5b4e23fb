"""Timestamps that cannot be read."""

from datetime import UTC, datetime

import pytest

from lms import enrollment, sync
from lms.db import at
from lms.queries.admin import students as people
from tests.conftest import Sql
from tests.sync.conftest import Injure
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import LONG_AGO, School, a_payment, certify


@injection()
def unreadable_date(d: Damage, s: School) -> None:
    """Times as a broken export writes them; PostgreSQL takes no text, but infinity."""
    request_access = "INSERT INTO access_requests (student_id, course_id) VALUES (?, ?)"
    d.run(request_access, s.bob, s.botany)
    a_payment(d, s.bob, s.botany, "failed")
    d.run(
        "INSERT INTO notices (user_id, kind, key, title, text, created_at)"
        " VALUES (?, 'approved', 'undated', 'T', 'T', ?)",
        s.bob,
        LONG_AGO,
    )
    certify(d, s.bob, s.botany, "UNDATED")
    for table, column in (
        ("users", "created_at"),
        ("courses", "created_at"),
        ("enrollments", "enrolled_at"),
        ("student_progress", "last_activity_at"),
        ("access_sources", "granted_at"),
        ("access_requests", "created_at"),
        ("chapter_completions", "completed_at"),
        ("payments", "access_ended_at"),
        ("notices", "read_at"),
        ("certificates", "revoked_at"),
    ):
        first = f"SELECT min(id) FROM {table}"
        d.run(f"UPDATE {table} SET {column} = ? WHERE id = ({first})", d.no_time)


@injection()
def impossible_date(d: Damage, s: School) -> None:
    for paid_at in ("1969-12-31 23:59:59.000000", "2199-01-01 00:00:00.000000"):
        number = a_payment(d, s.bob, s.botany, "undeliverable")
        d.run("UPDATE payments SET paid_at = ? WHERE id = ?", paid_at, number)


def test_times_are_read_in_every_table_that_pages_show(school: School, injure: Injure) -> None:
    injure(school, "unreadable_date")
    [check] = [each for each in sync.validate().checks if each.kind == "unreadable_date"]
    assert {row.entity for row in check.sample} == {
        *("users", "courses", "enrollments", "student_progress", "access_sources"),
        *("access_requests", "chapter_completions", "payments", "notices", "certificates"),
    }


@pytest.mark.parametrize("lost", ["last_activity", "both"])
def test_the_last_activity_is_again_that_of_the_last_completion(
    school: School, injure: Injure, sql: Sql, lost: str
) -> None:
    """An empty one would tell the admins that the student had never learned."""
    completed, repaired = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
    enrollment.enroll(school.bob, school.welcome, by=school.grace)
    [(chapter,)] = sql("SELECT id FROM chapters WHERE course_id = :id", id=school.welcome)
    with at(completed):
        enrollment.complete_chapter(school.bob, chapter)

    def garble(d: Damage, here: School) -> None:
        d.run("UPDATE student_progress SET last_activity_at = ?", d.no_time)
        if lost == "both":
            d.run("UPDATE chapter_completions SET completed_at = ?", d.no_time)

    injure(school, garble)
    with at(repaired):
        assert not any(sync.auto_fix(by=None).remaining.values())
    active = {row.course_id: row.last_activity_at for row in people.detail(school.bob).enrollments}
    assert active == {school.welcome: completed if lost == "last_activity" else repaired}
