"""Unenrolling, and enrolling again after it."""

import pytest

from lms import enrollment
from lms.models.payment_status import GIVING_ACCESS
from lms.refusals import (
    CourseNotFound,
    NotEnrolled,
    StudentNotFound,
)
from tests.builders import (
    a_course,
    a_course_open_to_all,
    a_public_course,
    a_student,
    an_admin,
)
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses, Touches, Trail
from tests.enrollment.sources import a_payment, kinds


def test_unenrolling_ends_every_source(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, course, admin = a_student(), a_public_course(), an_admin()
    enrollment.enroll_directly(student, course)
    enrollment.enroll(student, course, by=admin)
    trail()

    with touches("access", students=[student]):
        enrollment.unenroll(student, course, by=admin, reason="Left school")

    for table in ("enrollments", "student_progress", "access_sources"):
        assert sql(f"SELECT id FROM {table}") == []
    [entry] = trail()
    assert (entry.action, entry.reason, entry.details) == (
        "access.ended",
        "Left school",
        {"sources": ["direct", "admin"]},
    )


def test_who_is_not_enrolled_cannot_be_unenrolled(refuses: Refuses) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    with refuses(NotEnrolled):
        enrollment.unenroll(student, course, by=admin)
    with refuses(CourseNotFound):
        enrollment.unenroll(student, 999, by=admin)
    with refuses(StudentNotFound):
        enrollment.unenroll(999, course, by=admin)


def test_unenrolling_leaves_the_courses_and_students_beside_it_alone(sql: Sql) -> None:
    ada, bob, admin = a_student(), a_student("Bob"), an_admin()
    first, second = a_course(), a_course("Botany")
    for student, course in ((ada, first), (ada, second), (bob, first)):
        enrollment.enroll(student, course, by=admin)
    enrollment.unenroll(ada, first, by=admin)
    assert set(sql("SELECT user_id, course_id FROM enrollments")) == {(ada, second), (bob, first)}


def test_unenrolling_keeps_what_was_completed_and_enrolling_restores_it(
    sql: Sql, trail: Trail
) -> None:
    student, course, admin = a_student(), a_course(chapters=3), an_admin()
    enrollment.enroll(student, course, by=admin)
    [first, second, _] = [row.id for row in sql("SELECT id FROM chapters ORDER BY position")]
    enrollment.complete_chapter(student, first)
    enrollment.complete_chapter(student, second)

    enrollment.unenroll(student, course, by=admin)
    assert len(sql("SELECT id FROM chapter_completions")) == 2
    result = enrollment.enroll(student, course, by=admin)

    assert result.progress == 66
    assert sql("SELECT total_progress FROM student_progress") == [(66,)]
    [(activity,)] = sql("SELECT last_activity_at FROM student_progress")
    assert activity == max(row[0] for row in sql("SELECT completed_at FROM chapter_completions"))


def test_a_completed_course_is_completed_again_since_the_same_day(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(chapters=1), an_admin()
    enrollment.enroll(student, course, by=admin)
    [(chapter,)] = sql("SELECT id FROM chapters")
    enrollment.complete_chapter(student, chapter)
    before = sql("SELECT completed_at FROM enrollments")

    enrollment.unenroll(student, course, by=admin)
    enrollment.enroll(student, course, by=admin)

    assert sql("SELECT completed_at FROM enrollments") == before
    assert sql("SELECT completed_at FROM chapter_completions") == before


def test_unenrolling_from_a_course_open_to_all_is_remembered(sql: Sql) -> None:
    student, admin = a_student(), an_admin()
    course = a_course_open_to_all()
    enrollment.unenroll(student, course, by=admin)
    assert sql("SELECT user_id, course_id FROM access_waivers") == [(student, course)]


def test_enrolling_again_in_a_course_open_to_all_forgets_the_waiver(sql: Sql) -> None:
    student, admin = a_student(), an_admin()
    course = a_course_open_to_all()
    enrollment.unenroll(student, course, by=admin)
    enrollment.enroll(student, course, by=admin)
    assert sql("SELECT user_id FROM access_waivers") == []
    assert kinds(sql, student, course) == ["admin", "default"]


def test_unenrolling_once_more_is_remembered_once_more(sql: Sql) -> None:
    student, admin = a_student(), an_admin()
    course = a_course_open_to_all()
    enrollment.unenroll(student, course, by=admin)
    enrollment.enroll(student, course, by=admin)
    enrollment.unenroll(student, course, by=admin)
    assert sql("SELECT user_id FROM access_waivers") == [(student,)]


@pytest.mark.parametrize("status", GIVING_ACCESS)
def test_unenrolling_a_buyer_shows_the_payment_to_the_admin(
    sql: Sql, touches: Touches, status: str
) -> None:
    student, course, admin = a_student(), a_course(price_cents=500), an_admin()
    refunded = 100 if status == "partially_refunded" else 0
    payment = a_payment(sql, student, course, status=status, refunded_cents=refunded)

    with touches("access", "payments", students=[student]):
        enrollment.unenroll(student, course, by=admin)
    [row] = sql("SELECT status, access_ended_at FROM payments")
    assert row.status == "needs_review"
    assert row.access_ended_at is not None

    with touches("access", "payments", students=[student]):
        enrollment.enroll(student, course, by=admin)
    assert sql("SELECT status, access_ended_at FROM payments") == [(status, None)]
    assert kinds(sql, student, course) == ["admin", "payment"]
    assert sql("SELECT reference FROM access_sources WHERE kind = 'payment'") == [(payment,)]


def test_unenrolling_a_buyer_in_a_dispute_outlives_the_dispute(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    enrollment.enroll(student, course, by=admin)
    sql(
        """INSERT INTO payments (user_id, course_id, amount_cents, status)
        VALUES (:student, :course, 500, 'disputed')""",
        student=student,
        course=course,
    )
    enrollment.unenroll(student, course, by=admin)
    ended = "SELECT status FROM payments WHERE access_ended_at IS NOT NULL"
    assert sql(ended) == [("disputed",)]
    enrollment.enroll(student, course, by=admin)
    assert sql(ended) == []


def test_a_payment_in_review_for_another_reason_gives_no_access_back(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(price_cents=500), an_admin()
    a_payment(sql, student, course)
    enrollment.unenroll(student, course, by=admin)
    sql("UPDATE payments SET access_ended_at = NULL")
    enrollment.enroll(student, course, by=admin)
    assert kinds(sql, student, course) == ["admin"]
