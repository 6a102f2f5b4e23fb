"""Enrolling and unenrolling, and the sources that access rests on."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from lms import enrollment
from lms.ledger.access import end_sources, let_in
from lms.ledger.locks import lock_course, lock_student
from lms.ledger.sources import Source
from lms.models import SourceKind
from lms.models.payment_status import GIVING_ACCESS
from lms.refusals import (
    CourseFull,
    CourseNotFound,
    NotEnrolled,
    NotPublic,
    PaymentRequired,
    StudentNotFound,
)
from lms.transaction import transactional
from tests.builders import (
    a_course,
    a_course_open_to_all,
    a_public_course,
    a_request,
    a_student,
    an_admin,
)
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses, Touches, Trail


@transactional
def grant_source(
    session: Session, student: int, course: int, kind: SourceKind, reference: int = 0
) -> bool:
    """Grant as payments do; return whether the student is new in the course."""
    lock_course(session, course, "seats")
    lock_student(session, student)
    source = Source(student, course, kind, reference)
    return bool(let_in(session, [source], by=None).enrolled)


@transactional
def withdraw_source(
    session: Session, student: int, course: int, kind: SourceKind, reference: int = 0
) -> bool:
    """Withdraw as payments do; return whether the enrollment ended."""
    lock_course(session, course, "seats")
    lock_student(session, student)
    source = Source(student, course, kind, reference)
    return bool(end_sources(session, [source], by=None))


def a_payment(sql: Sql, student: int, course: int, **columns: object) -> int:
    """Add a paid payment with its access, as Stripe's facts will."""
    values = {"amount_cents": 500, "refunded_cents": 0, "status": "paid", **columns}
    [(payment,)] = sql(
        """INSERT INTO payments
        (user_id, course_id, course_title, user_email, amount_cents, refunded_cents, status)
        VALUES (:student, :course, 'Algebra', 'ada@example.org',
            :amount_cents, :refunded_cents, :status) RETURNING id""",
        student=student,
        course=course,
        **values,
    )
    grant_source(student, course, "payment", payment)
    return int(payment)


def kinds(sql: Sql, student: int, course: int) -> list[str]:
    rows = sql(
        """SELECT kind FROM access_sources WHERE user_id = :student AND course_id = :course
        ORDER BY id""",
        student=student,
        course=course,
    )
    return [row.kind for row in rows]


def test_a_student_joins_a_public_course(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, course = a_student(), a_public_course()
    trail()

    with touches("access", students=[student]):
        result = enrollment.enroll_directly(student, course)

    assert (result.progress, result.source, result.is_new) == (0, "direct", True)
    assert sql("SELECT user_id, course_id FROM enrollments") == [(student, course)]
    assert sql("SELECT student_id, course_id, last_activity_at FROM student_progress") == [
        (student, course, None)
    ]
    [entry] = trail()
    assert (entry.action, entry.actor_id, entry.student_id, entry.course_id) == (
        "access.granted",
        student,
        student,
        course,
    )
    assert entry.details == {"source": "direct", "reference": 0, "enrolled": True}


def test_joining_twice_is_joining_once(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, course = a_student(), a_public_course()
    enrollment.enroll_directly(student, course)
    trail()
    with touches():
        result = enrollment.enroll_directly(student, course)
    assert (result.is_new, result.source) == (False, "direct")
    assert len(sql("SELECT id FROM enrollments")) == 1
    assert trail() == []


def test_taking_one_of_few_seats_refreshes_the_catalogue(touches: Touches) -> None:
    student, course = a_student(), a_public_course(capacity=2)
    with touches("access", "catalogue", students=[student]):
        enrollment.enroll_directly(student, course)


def test_giving_up_one_of_few_seats_refreshes_the_catalogue(touches: Touches) -> None:
    student, course, admin = a_student(), a_public_course(capacity=2), an_admin()
    enrollment.enroll_directly(student, course)
    with touches("access", "catalogue", students=[student]):
        enrollment.unenroll(student, course, by=admin)


def test_a_course_with_a_price_is_not_joined_directly(refuses: Refuses) -> None:
    student, course = a_student(), a_public_course(price_cents=100)
    with refuses(PaymentRequired):
        enrollment.enroll_directly(student, course)


def test_a_course_that_is_not_public_is_not_joined_directly(refuses: Refuses) -> None:
    student, course = a_student(), a_course()
    with refuses(NotPublic):
        enrollment.enroll_directly(student, course)


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_a_course_that_students_do_not_see_is_not_joined(refuses: Refuses, status: str) -> None:
    student, course = a_student(), a_public_course(status=status)
    with refuses(CourseNotFound):
        enrollment.enroll_directly(student, course)


def test_a_full_course_is_not_joined(refuses: Refuses) -> None:
    course = a_public_course(capacity=1)
    enrollment.enroll_directly(a_student(), course)
    late = a_student("Bob")
    with refuses(CourseFull):
        enrollment.enroll_directly(late, course)


def test_who_is_in_a_full_course_stays_in(sql: Sql) -> None:
    student, course = a_student(), a_public_course(capacity=1)
    enrollment.enroll_directly(student, course)
    assert enrollment.enroll_directly(student, course).is_new is False
    assert enrollment.enroll(student, course, by=an_admin()).is_new is False


def test_joining_supersedes_the_pending_request(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, course = a_student(), a_public_course()
    request = a_request(student, course)
    trail()
    with touches("access", "requests", students=[student]):
        enrollment.enroll_directly(student, course)
    assert sql("SELECT id FROM access_requests") == []
    assert [(e.action, e.details.get("request_id")) for e in trail()] == [
        ("request.superseded", request),
        ("access.granted", None),
    ]


def test_nobody_joins_what_is_not_there(refuses: Refuses) -> None:
    student, course, admin = a_student(), a_public_course(), an_admin()
    with refuses(CourseNotFound):
        enrollment.enroll_directly(student, 999)
    with refuses(StudentNotFound):
        enrollment.enroll_directly(999, course)
    with refuses(StudentNotFound):
        enrollment.enroll_directly(admin, course)


@pytest.mark.parametrize(
    "fields", [{}, {"status": "draft"}, {"status": "archived"}, {"price_cents": 900}]
)
def test_an_admin_enrolls_anyone_in_anything(sql: Sql, fields: dict[str, Any]) -> None:
    student, course, admin = a_student(), a_course(**fields), an_admin()
    result = enrollment.enroll(student, course, by=admin, reason="Scholarship")
    assert (result.is_new, result.source) == (True, "admin")
    assert sql("SELECT kind, granted_by FROM access_sources") == [("admin", admin)]


def test_an_admins_enrollment_is_told_with_its_reason(trail: Trail, touches: Touches) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    trail()
    with touches("access", students=[student]):
        enrollment.enroll(student, course, by=admin, reason="Scholarship")
    [entry] = trail()
    assert (entry.actor_name, entry.reason) == ("Grace", "Scholarship")


def test_enrolling_twice_is_enrolling_once(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    enrollment.enroll(student, course, by=admin)
    trail()
    with touches():
        result = enrollment.enroll(student, course, by=admin)
    assert result.is_new is False
    assert len(sql("SELECT id FROM enrollments")) == 1
    assert trail() == []


def test_an_admins_word_is_kept_beside_another_source(sql: Sql) -> None:
    student, course, admin = a_student(), a_public_course(), an_admin()
    enrollment.enroll_directly(student, course)
    assert enrollment.enroll(student, course, by=admin).is_new is False
    assert kinds(sql, student, course) == ["direct", "admin"]


def test_enrolling_clears_the_pending_request(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    a_request(student, course)
    enrollment.enroll(student, course, by=admin)
    assert sql("SELECT id FROM access_requests") == []


def test_an_admin_does_not_fill_a_course_beyond_its_seats(refuses: Refuses) -> None:
    course, admin = a_course(capacity=0), an_admin()
    student = a_student()
    with refuses(CourseFull):
        enrollment.enroll(student, course, by=admin)


def test_a_freed_seat_can_be_taken(sql: Sql) -> None:
    course, admin = a_course(capacity=1), an_admin()
    first, second = a_student(), a_student()
    enrollment.enroll(first, course, by=admin)
    enrollment.unenroll(first, course, by=admin)
    enrollment.enroll(second, course, by=admin)
    assert sql("SELECT user_id FROM enrollments") == [(second,)]


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


def test_losing_one_source_of_two_keeps_access(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, course, admin = a_student(), a_course(price_cents=500), an_admin()
    payment = a_payment(sql, student, course)
    enrollment.enroll(student, course, by=admin)
    sql("UPDATE payments SET status = 'refunded', refunded_cents = 500")
    trail()

    with touches("access", students=[student]):
        assert withdraw_source(student, course, "payment", payment) is False

    assert kinds(sql, student, course) == ["admin"]
    assert len(sql("SELECT id FROM enrollments")) == 1
    [entry] = trail()
    assert (entry.action, entry.details["remaining"]) == ("access.source_withdrawn", ["admin"])


def test_losing_the_last_source_ends_access(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, course = a_student(), a_course(price_cents=500)
    payment = a_payment(sql, student, course)
    sql("UPDATE payments SET status = 'refunded', refunded_cents = 500")
    trail()

    with touches("access", students=[student]):
        assert withdraw_source(student, course, "payment", payment) is True

    assert sql("SELECT id FROM enrollments") == []
    assert sql("SELECT id FROM student_progress") == []
    assert [e.action for e in trail()] == ["access.source_withdrawn", "access.ended"]


def test_withdrawing_what_was_never_given_changes_nothing(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    enrollment.enroll(student, course, by=admin)
    trail()
    with touches():
        assert withdraw_source(student, course, "payment", 7) is False
        assert withdraw_source(student, course, "direct") is False
    assert trail() == []
    assert kinds(sql, student, course) == ["admin"]


def test_two_purchases_of_one_course_are_two_sources(sql: Sql) -> None:
    student, course = a_student(), a_course(price_cents=500)
    first, second = a_payment(sql, student, course), a_payment(sql, student, course)
    sql("UPDATE payments SET status = 'refunded', refunded_cents = 500 WHERE id = :id", id=first)
    withdraw_source(student, course, "payment", first)
    assert sql("SELECT reference FROM access_sources") == [(second,)]


def test_the_same_source_is_granted_once(sql: Sql, trail: Trail) -> None:
    student, course = a_student(), a_course()
    assert grant_source(student, course, "import") is True
    trail()
    assert grant_source(student, course, "import") is False
    assert trail() == []
    assert kinds(sql, student, course) == ["import"]


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


def test_access_without_any_source_is_told_as_imported(sql: Sql) -> None:
    student, course = a_student(), a_public_course()
    enrollment.enroll_directly(student, course)
    sql("DELETE FROM access_sources")
    assert enrollment.enroll_directly(student, course).source == "import"
    grant_source(student, course, "import")
