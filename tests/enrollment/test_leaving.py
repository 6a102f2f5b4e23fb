"""A student leaves a course that wasn't bought."""

import pytest

from lms import enrollment
from lms.refusals import CourseNotFound, NotEnrolled, OpenToAll, PaidFor
from lms.sync import validate
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
from tests.enrollment.sources import a_payment, kinds, withdraw_source


def test_leaving_ends_every_source_and_frees_the_seat_for_who_waits(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    leaving, waiting, course = a_student(), a_student("Bob"), a_public_course(capacity=1)
    enrollment.enroll_directly(leaving, course)
    enrollment.enroll(leaving, course, by=an_admin())
    a_request(waiting, course)
    trail()
    with touches("access", "catalogue", "requests", students=[leaving, waiting]):
        enrollment.leave(leaving, course)
    assert kinds(sql, leaving, course) == []
    assert kinds(sql, waiting, course) == ["direct"]
    ended = trail()[0]
    assert (ended.action, ended.actor_id, ended.student_id) == ("access.ended", leaving, leaving)
    assert ended.details == {"sources": ["direct", "admin"]}
    assert sql("SELECT id FROM notices WHERE user_id = :id", id=leaving) == []


def test_who_comes_back_finds_what_was_completed(sql: Sql) -> None:
    student, course = a_student(), a_public_course(chapters=2)
    enrollment.enroll_directly(student, course)
    first = sql("SELECT min(id) FROM chapters")[0][0]
    enrollment.complete_chapter(student, first)
    enrollment.leave(student, course)
    assert enrollment.enroll_directly(student, course).progress == 50


def test_sync_leaves_an_approval_alone_whose_student_has_left(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    enrollment.approve(a_request(student, course), by=admin)
    enrollment.leave(student, course)
    assert validate().total == 0
    assert sql("SELECT id FROM enrollments") == []


@pytest.mark.parametrize("status", ["paid", "partially_refunded", "disputed", "needs_review"])
def test_a_course_that_was_bought_cannot_be_left(sql: Sql, refuses: Refuses, status: str) -> None:
    student, course = a_student(), a_course(price_cents=1900)
    enrollment.enroll(student, course, by=an_admin())
    a_payment(sql, student, course, status=status)
    with refuses(PaidFor):
        enrollment.leave(student, course)


def test_a_refund_lets_a_student_leave_what_another_source_gives(sql: Sql) -> None:
    student, course = a_student(), a_course(price_cents=1900)
    enrollment.enroll(student, course, by=an_admin())
    payment = a_payment(sql, student, course, status="refunded")
    withdraw_source(student, course, "payment", payment)
    enrollment.leave(student, course)
    assert sql("SELECT id FROM enrollments") == []


def test_what_is_everybodys_or_not_ones_own_cannot_be_left(refuses: Refuses) -> None:
    student, everybodys, other = a_student(), a_course_open_to_all(), a_course()
    for course, refusal in ((everybodys, OpenToAll), (other, NotEnrolled), (999, CourseNotFound)):
        with refuses(refusal):
            enrollment.leave(student, course)
        with refuses(refusal):
            enrollment.check_leaving(student, course)
