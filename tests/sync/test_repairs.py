"""What a repair chooses where there is a choice: the best reason in evidence, the oldest date."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from lms import enrollment, sync
from lms.db import at, db
from lms.models import Certificate, Chapter, Enrollment
from tests.builders import a_request, a_student
from tests.conftest import Sql
from tests.sync.conftest import Injure, contents
from tests.sync.damage import Damage
from tests.sync.school import (
    LONG_AGO,
    NOBODY,
    School,
    a_payment,
    a_request_row,
    enroll_raw,
    tell_of_session,
)

LATER = "2030-01-02 03:04:05.000000"


def test_times_are_read_in_every_table_that_pages_show(school: School, injure: Injure) -> None:
    injure(school, "unreadable_date")
    [check] = [each for each in sync.validate().checks if each.kind == "unreadable_date"]
    assert {row.entity for row in check.sample} == {
        *("users", "courses", "enrollments", "student_progress", "access_sources"),
        *("access_requests", "chapter_completions", "payments", "notices", "certificates"),
    }


def test_a_lost_reason_is_inferred_from_what_tells_it(
    school: School, injure: Injure, sql: Sql
) -> None:
    approved, paid, ended, unknown = (a_student() for _ in range(4))
    enrollment.approve(a_request(approved, school.algebra), by=school.grace)
    for student in (paid, ended, unknown):
        enrollment.enroll(student, school.botany, by=school.grace)

    def lose(damage: Damage, here: School) -> None:
        a_payment(damage, paid, here.botany, "partially_refunded")
        payment = a_payment(damage, ended, here.botany, "paid")
        damage.run("UPDATE payments SET access_ended_at = ? WHERE id = ?", LONG_AGO, payment)
        damage.run("DELETE FROM access_sources")

    injure(school, lose)
    assert not any(sync.auto_fix(by=None).remaining.values())
    sources = {
        (row.user_id, row.course_id): (row.kind, row.reference)
        for row in sql("SELECT user_id, course_id, kind, reference FROM access_sources")
    }
    [(decision,)] = sql("SELECT id FROM decisions")
    [(payment,)] = sql(f"SELECT id FROM payments WHERE user_id = {paid}")
    assert sources[approved, school.algebra] == ("approval", decision)
    assert sources[paid, school.botany] == ("payment", payment)
    assert sources[unknown, school.botany] == ("import", 0)
    assert sources[school.bob, school.welcome] == ("default", 0)
    assert sources[ended, school.botany][0] == "import"


def test_an_invalid_reason_goes_and_the_access_stays(school: School, injure: Injure) -> None:
    def invent(damage: Damage, here: School) -> None:
        damage.run(
            "UPDATE access_sources SET kind = 'payment', reference = ?"
            " WHERE user_id = ? AND course_id = ?",
            *(NOBODY, here.ada, here.algebra),
        )

    injure(school, invent)
    assert sync.auto_fix(by=None).fixed["source_not_valid"] == 1
    assert _kinds(school.ada, school.algebra) == ["import"]


def test_a_default_that_an_admin_has_ended_takes_the_access_along(
    school: School, injure: Injure
) -> None:
    def waive(damage: Damage, here: School) -> None:
        damage.run(
            "INSERT INTO access_waivers (user_id, course_id, created_at) VALUES (?, ?, ?)",
            *(here.bob, here.welcome, LONG_AGO),
        )

    injure(school, waive)
    sync.auto_fix(by=None)
    assert _kinds(school.bob, school.welcome) == []
    assert not sync.explain(school.bob, school.welcome).has_access
    assert sync.validate().ok


def test_of_two_rows_of_a_pair_the_first_stays_with_the_best_dates(
    school: School, injure: Injure
) -> None:
    first = [_row("enrollments", school.ada)["id"], _row("student_progress", school.ada)["id"]]

    def double(damage: Damage, here: School) -> None:
        damage.lift("enrollments", "student_progress")
        pair = (here.ada, here.algebra)
        damage.run(
            "INSERT INTO enrollments (user_id, course_id, progress, enrolled_at)"
            " VALUES (?, ?, 25, ?)",
            *(*pair, LONG_AGO),
        )
        damage.run(
            "INSERT INTO student_progress (student_id, course_id, total_progress,"
            " last_activity_at) VALUES (?, ?, 25, ?)",
            *(*pair, LATER),
        )

    injure(school, double)
    assert not any(sync.auto_fix(by=None).remaining.values())
    kept, mirror = _row("enrollments", school.ada), _row("student_progress", school.ada)
    assert [kept["id"], mirror["id"]] == first
    assert str(kept["enrolled_at"]).startswith("2026-01-02")
    assert str(mirror["last_activity_at"]).startswith("2030-01-02")


@pytest.mark.parametrize("lost", ["student_progress", "access_sources"])
def test_who_had_completed_a_course_has_done_so_on_that_day(
    school: School, injure: Injure, lost: str
) -> None:
    begun, completed = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    with at(begun):
        enrollment.enroll(school.bob, school.botany, by=school.grace)
    for chapter in db.session.scalars(select(Chapter.id).filter_by(course_id=school.botany)).all():
        with at(completed):
            enrollment.complete_chapter(school.bob, chapter)

    def lose(damage: Damage, here: School) -> None:
        for table in ("enrollments", lost, "certificates"):
            student = "student_id" if table == "student_progress" else "user_id"
            damage.run(f"DELETE FROM {table} WHERE {student} = ?", here.bob)

    injure(school, lose)
    assert not any(sync.auto_fix(by=None).remaining.values())
    mine = (Enrollment.user_id == school.bob, Enrollment.course_id == school.botany)
    [enrolled] = db.session.scalars(select(Enrollment).where(*mine))
    [certificate] = db.session.scalars(select(Certificate).where(Certificate.user_id == school.bob))
    assert (enrolled.completed_at, certificate.completed_at) == (completed, completed)
    assert enrolled.enrolled_at == (begun if lost == "student_progress" else completed)


def test_a_refund_ends_nothing_that_an_approval_gives_too(school: School, injure: Injure) -> None:
    """The table of sources is lost, and with it what would have told them apart."""

    def refund(damage: Damage, here: School) -> None:
        a_payment(damage, here.bob, here.botany, "refunded")
        enroll_raw(damage, here.bob, here.botany)
        a_request_row(damage, here.bob, here.botany, "approved")

    injure(school, refund)
    preview = sync.auto_fix(by=None, dry_run=True)
    result = sync.auto_fix(by=None)
    assert _kinds(school.bob, school.botany) == ["approval"]
    assert result.fixed == preview.fixed
    assert result.fixed["refunded_still_enrolled"] == 0


def test_who_is_let_in_waits_no_longer_even_without_the_trigger(
    school: School, injure: Injure
) -> None:
    def approve(damage: Damage, here: School) -> None:
        damage.lift("access_requests")
        a_request_row(damage, here.bob, here.algebra, "approved")
        a_request_row(damage, here.bob, here.algebra, " Pending")

    injure(school, approve)
    preview = sync.auto_fix(by=None, dry_run=True)
    assert sync.auto_fix(by=None).fixed == preview.fixed
    assert contents()["access_requests"] == []


def test_a_payment_for_what_is_gone_says_so_for_good(school: School, injure: Injure) -> None:
    injure(school, _pay_for_nothing)
    assert not any(sync.auto_fix(by=None).remaining.values())
    [payment] = contents()["payments"]
    assert (payment["user_id"], payment["course_id"]) == (None, None)
    assert payment["user_email"] == "unknown, a deleted account"
    assert payment["course_title"] == "unknown, a deleted course"


def test_a_payment_that_says_more_than_stripe_is_left_alone(school: School, injure: Injure) -> None:
    def claim(damage: Damage, here: School) -> None:
        tell_of_session(damage, a_payment(damage, here.bob, here.botany, "refunded"), "paid")
        tell_of_session(damage, a_payment(damage, here.bob, here.botany, "dispute_lost"), "paid")
        tell_of_session(damage, a_payment(damage, here.bob, here.botany, "disputed"), "open")
        a_payment(damage, here.bob, here.botany, "needs_review")
        tell_of_session(damage, a_payment(damage, here.bob, here.botany, "failed"), "expired")

    injure(school, claim)
    assert sync.validate().ok


def _pay_for_nothing(damage: Damage, _: School) -> None:
    a_payment(damage, NOBODY, NOBODY, "paid")


def _kinds(student: int, course: int) -> list[str]:
    rows = contents()["access_sources"]
    return [row["kind"] for row in rows if (row["user_id"], row["course_id"]) == (student, course)]


def _row(table: str, student: int) -> dict[str, Any]:
    """Return the student's only row with progress; in the other course there is none."""
    column = "user_id" if table == "enrollments" else "student_id"
    rows = [row for row in contents()[table] if row[column] == student]
    [row] = [row for row in rows if row["progress" if column == "user_id" else "total_progress"]]
    return row
