"""Access requests: a student makes one, an admin decides it, once."""

import pytest

from lms import enrollment
from lms.refusals import (
    AlreadyEnrolled,
    AlreadyReviewed,
    CourseFull,
    CourseNotFound,
    RequestNotFound,
    RequestPending,
    StudentNotFound,
    UserNotFound,
)
from tests.builders import a_course, a_public_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses, Touches, Trail


def test_a_request_waits_in_the_queue(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, course = a_student(), a_course()
    trail()

    with touches("requests", students=[student]):
        made = enrollment.request_access(student, course, message="I have read the book.")

    assert sql("SELECT id, student_id, course_id, status, message FROM access_requests") == [
        (made.id, student, course, "pending", "I have read the book.")
    ]
    assert (made.student_id, made.course_id, made.message) == (
        student,
        course,
        "I have read the book.",
    )
    [entry] = trail()
    assert (entry.action, entry.actor_id, entry.student_id, entry.course_id) == (
        "request.made",
        student,
        student,
        course,
    )
    assert (entry.actor_name, entry.student_name, entry.course_title) == ("Ada", "Ada", "Algebra")


def test_a_second_request_for_the_same_course_is_refused(refuses: Refuses) -> None:
    student, course = a_student(), a_course()
    a_request(student, course)
    with refuses(RequestPending):
        enrollment.request_access(student, course)


def test_a_course_with_a_price_can_be_requested(sql: Sql) -> None:
    a_request(a_student(), a_course(price_cents=900))
    assert len(sql("SELECT id FROM access_requests")) == 1


def test_an_enrolled_student_has_nothing_to_request(refuses: Refuses) -> None:
    student, course = a_student(), a_public_course()
    enrollment.enroll_directly(student, course)
    with refuses(AlreadyEnrolled):
        enrollment.request_access(student, course)


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_a_course_that_students_do_not_see_cannot_be_requested(
    refuses: Refuses, status: str
) -> None:
    student, course = a_student(), a_course(status=status)
    with refuses(CourseNotFound):
        enrollment.request_access(student, course)


def test_nobody_requests_what_is_not_there(refuses: Refuses) -> None:
    student, course = a_student(), a_course()
    with refuses(CourseNotFound):
        enrollment.request_access(student, 999)
    with refuses(StudentNotFound):
        enrollment.request_access(999, course)


def test_an_admin_does_not_request(refuses: Refuses) -> None:
    admin, course = an_admin(), a_course()
    with refuses(StudentNotFound):
        enrollment.request_access(admin, course)


def test_cancelling_takes_the_request_out_of_the_queue(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course = a_student(), a_course()
    request = a_request(student, course)
    trail()

    with touches("requests", students=[student]):
        enrollment.cancel_request(request, by=student)

    assert sql("SELECT id FROM access_requests") == []
    assert [(e.action, e.student_id, e.course_id, e.details) for e in trail()] == [
        ("request.cancelled", student, course, {"request_id": request})
    ]


def test_after_cancelling_a_student_may_ask_again() -> None:
    student, course = a_student(), a_course()
    first = a_request(student, course)
    enrollment.cancel_request(first, by=student)
    assert a_request(student, course) > first


def test_a_request_is_cancelled_once(refuses: Refuses) -> None:
    student, course = a_student(), a_course()
    request = a_request(student, course)
    enrollment.cancel_request(request, by=student)
    with refuses(RequestNotFound):
        enrollment.cancel_request(request, by=student)


def test_nobody_cancels_the_request_of_another(refuses: Refuses) -> None:
    request = a_request(a_student(), a_course())
    stranger = a_student("Eve")
    with refuses(RequestNotFound):
        enrollment.cancel_request(request, by=stranger)
    with refuses(UserNotFound):
        enrollment.cancel_request(request, by=999)


def test_a_stranger_does_not_learn_what_was_decided(refuses: Refuses) -> None:
    request, admin, stranger = a_request(a_student(), a_course()), an_admin(), a_student("Eve")
    enrollment.reject(request, by=admin)
    with refuses(RequestNotFound):
        enrollment.cancel_request(request, by=stranger)


def test_a_decided_request_cannot_be_cancelled(refuses: Refuses) -> None:
    student, admin = a_student(), an_admin()
    request = a_request(student, a_course())
    enrollment.reject(request, by=admin)
    with refuses(AlreadyReviewed, decision="rejected", decided_by="Grace"):
        enrollment.cancel_request(request, by=student)


def test_approving_enrolls_and_clears_the_queue(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, course, admin = a_student(), a_course(chapters=2), an_admin()
    request = a_request(student, course, "Please.")
    trail()

    with touches("requests", "access", students=[student]):
        made = enrollment.approve(request, by=admin, reason="Welcome.")

    assert (made.request_id, made.student_id, made.course_id, made.status) == (
        request,
        student,
        course,
        "approved",
    )
    assert sql("SELECT id FROM access_requests") == []
    [decision] = sql("SELECT * FROM decisions")
    assert decision.request_id == request
    assert (decision.student_id, decision.student_name) == (student, "Ada")
    assert (decision.course_id, decision.course_title) == (course, "Algebra")
    assert (decision.status, decision.reason, decision.message) == (
        "approved",
        "Welcome.",
        "Please.",
    )
    assert (decision.decided_by, decision.decided_by_name) == (admin, "Grace")
    assert sql("SELECT user_id, course_id, progress FROM enrollments") == [(student, course, 0)]
    assert sql("SELECT kind, reference, granted_by FROM access_sources") == [
        ("approval", decision.id, admin)
    ]
    assert [(e.action, e.actor_id, e.reason) for e in trail()] == [
        ("request.approved", admin, "Welcome."),
        ("access.granted", admin, "Welcome."),
    ]


def test_the_second_admin_learns_who_was_first(refuses: Refuses) -> None:
    student, course = a_student(), a_course()
    first, second = an_admin("Grace"), an_admin("Edith")
    request = a_request(student, course)
    enrollment.approve(request, by=first)
    for verb in (enrollment.approve, enrollment.reject):
        with refuses(AlreadyReviewed, decided_by="Grace", decision="approved"):
            verb(request, by=second)


def test_rejecting_clears_the_queue_and_enrolls_nobody(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    request = a_request(student, course)
    trail()

    with touches("requests", students=[student]):
        made = enrollment.reject(request, by=admin, reason="Next term.")

    assert made.status == "rejected"
    assert sql("SELECT id FROM access_requests") == []
    assert sql("SELECT id FROM enrollments") == []
    assert sql("SELECT status, reason FROM decisions") == [("rejected", "Next term.")]
    assert [(e.action, e.reason) for e in trail()] == [("request.rejected", "Next term.")]


def test_a_rejected_student_may_ask_again_and_be_let_in(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    enrollment.reject(a_request(student, course), by=admin)
    enrollment.approve(a_request(student, course), by=admin)
    assert sql("SELECT status FROM decisions ORDER BY id") == [("rejected",), ("approved",)]


def test_nobody_decides_a_request_that_is_not_there(refuses: Refuses) -> None:
    admin = an_admin()
    for verb in (enrollment.approve, enrollment.reject):
        with refuses(RequestNotFound):
            verb(999, by=admin)


def test_a_decided_row_that_an_old_dump_brought_in_is_not_decided_again(
    sql: Sql, refuses: Refuses
) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    sql(
        """INSERT INTO access_requests (student_id, course_id, status)
        VALUES (:student, :course, 'approved')""",
        student=student,
        course=course,
    )
    [(request,)] = sql("SELECT id FROM access_requests")
    with refuses(RequestNotFound):
        enrollment.approve(request, by=admin)
    sql("DELETE FROM access_requests")


def test_approving_into_a_full_course_leaves_the_request_waiting_for_a_seat(sql: Sql) -> None:
    course, admin = a_course(capacity=1), an_admin()
    enrollment.enroll(a_student(), course, by=admin)
    request = a_request(a_student("Bob"), course)
    with pytest.raises(CourseFull, match="is waiting in line"):
        enrollment.approve(request, by=admin, reason="Welcome.")
    assert sql("SELECT id, status, awaits_seat, approved_by FROM access_requests") == [
        (request, "pending", True, admin)
    ]
    assert len(sql("SELECT id FROM enrollments")) == 1
    assert sql("SELECT id FROM decisions") == []


def test_a_request_for_a_course_that_was_archived_meanwhile_can_be_approved(sql: Sql) -> None:
    course, admin = a_course(), an_admin()
    request = a_request(a_student(), course)
    enrollment.archive_course(course, by=admin)
    enrollment.approve(request, by=admin)
    assert len(sql("SELECT id FROM enrollments")) == 1


def test_many_requests_are_decided_each_on_its_own(sql: Sql) -> None:
    admin, course, small = an_admin(), a_course(), a_course("Botany", capacity=0)
    good, decided = a_request(a_student(), course), a_request(a_student(), course)
    full = a_request(a_student(), small)
    enrollment.reject(decided, by=admin)

    outcomes = enrollment.decide_many([full, decided, 999, good, good], "approve", by=admin)

    [_, (approved,)] = sql("SELECT id FROM decisions ORDER BY id")
    assert outcomes == [
        (full, "course_full", None, ""),
        (decided, "already_reviewed", None, "Grace"),
        (999, "not_found", None, ""),
        (good, "approved", approved, ""),
    ]
    assert sql("SELECT id FROM access_requests") == [(full,)]


def test_many_requests_are_rejected_with_one_reason(sql: Sql) -> None:
    admin, course = an_admin(), a_course()
    requests = [a_request(a_student(), course) for _ in range(3)]
    outcomes = enrollment.decide_many(requests, "reject", by=admin, reason="Too early.")
    assert [(each.request_id, each.outcome) for each in outcomes] == [
        (request, "rejected") for request in requests
    ]
    assert sql("SELECT reason FROM decisions") == [("Too early.",)] * 3
