"""Enrollments without a valid source, and sources without an enrollment."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from lms import enrollment, sync
from lms.db import at, db
from lms.models import Certificate, Chapter, Enrollment
from tests.builders import a_request, a_student
from tests.conftest import Sql
from tests.sync.conftest import Injure, contents, sources_of
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import LONG_AGO, NOBODY, School, a_payment, forget, grant


@injection("refused")
def missing_enrollment(d: Damage, s: School) -> None:
    forget(d, s.ada, s.algebra, "enrollments", "access_sources")


@injection(dropped=("access_sources",))
def source_without_enrollment(d: Damage, s: School) -> None:
    forget(d, s.ada, s.algebra, "enrollments", "student_progress")


@injection()
def access_without_source(d: Damage, s: School) -> None:
    forget(d, s.ada, s.algebra, "access_sources")
    forget(d, s.bob, s.welcome, "access_sources")


@injection()
def default_not_granted(d: Damage, s: School) -> None:
    forget(d, s.bob, s.welcome, "enrollments", "student_progress", "access_sources")


@injection()
def source_not_valid(d: Damage, s: School) -> None:
    grant(d, s.ada, s.algebra, "payment", NOBODY)


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
        damage.run("DELETE FROM audit_entries WHERE course_id = ?", here.botany)

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
    assert sources_of(school.ada, school.algebra) == ["admin"]  # as the trail has it


def test_a_default_that_an_admin_has_ended_takes_the_access_along(
    school: School, injure: Injure
) -> None:
    def waive(damage: Damage, here: School) -> None:
        damage.run(
            "INSERT INTO access_waivers (user_id, course_id, created_at) VALUES (?, ?, ?)",
            *(here.bob, here.welcome, LONG_AGO),
        )

    injure(school, waive)
    [check] = [check for check in sync.validate().checks if check.count]
    assert (
        "unless an admin had already ended the access: then the student is unenrolled."
        in check.repair
    )
    sync.auto_fix(by=None)
    assert sources_of(school.bob, school.welcome) == []
    assert not sync.explain(school.bob, school.welcome).has_access
    assert sync.validate().ok


def test_who_lacks_only_the_default_is_not_called_unenrolled(
    school: School, injure: Injure
) -> None:
    enrollment.enroll(school.bob, school.botany, by=school.grace)

    def open_to_all(damage: Damage, here: School) -> None:
        damage.run("UPDATE courses SET is_default_unlocked = true WHERE id = ?", here.botany)

    injure(school, open_to_all)
    assert sync.explain(school.bob, school.botany).has_access
    [check] = [check for check in sync.validate().checks if check.count]
    assert (check.label, check.repair) == (
        "Students not enrolled in a course that is open to everyone",
        "They are enrolled.",
    )
    sync.auto_fix(by=None)
    assert sorted(sources_of(school.bob, school.botany)) == ["admin", "default"]


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
    assert enrolled.enrolled_at == begun


def test_undo_takes_along_a_source_that_had_been_left_over(school: School, injure: Injure) -> None:
    def forget(damage: Damage, here: School) -> None:
        damage.run("DELETE FROM enrollments WHERE user_id = ?", here.bob)
        damage.run("DELETE FROM student_progress WHERE student_id = ?", here.bob)

    injure(school, forget)
    before = contents()
    result = sync.auto_fix(by=school.grace)
    assert result.fixed["default_not_granted"] == 1
    assert sync.undo(result.run_id, by=school.grace).kept == []
    after = contents()
    assert after["enrollments"] == before["enrollments"]
    assert after["student_progress"] == before["student_progress"]
