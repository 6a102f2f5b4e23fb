"""Enrolling, by a student and by an admin."""

from typing import Any

import pytest

from lms import enrollment
from lms.refusals import (
    CourseFull,
    CourseNotFound,
    NotPublic,
    PaymentRequired,
    StudentNotFound,
)
from tests.builders import (
    a_course,
    a_public_course,
    a_request,
    a_student,
    an_admin,
)
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses, Touches, Trail
from tests.enrollment.sources import kinds


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
