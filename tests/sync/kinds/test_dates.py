"""Timestamps that cannot be read."""

from lms import sync
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


def test_times_are_read_in_every_table_that_pages_show(school: School, injure: Injure) -> None:
    injure(school, "unreadable_date")
    [check] = [each for each in sync.validate().checks if each.kind == "unreadable_date"]
    assert {row.entity for row in check.sample} == {
        *("users", "courses", "enrollments", "student_progress", "access_sources"),
        *("access_requests", "chapter_completions", "payments", "notices", "certificates"),
    }
