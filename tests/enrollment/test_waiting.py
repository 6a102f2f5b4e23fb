"""The waiting list: whose turn it is when a seat becomes free."""

from typing import Any

import pytest

from lms import enrollment
from lms.enrollment import CourseFields
from lms.refusals import CourseFull
from tests.builders import a_course, a_request, a_student, an_admin
from tests.conftest import Sql

ENROLLED = "SELECT user_id FROM enrollments WHERE course_id = :course ORDER BY id"
OFFERED = "SELECT student_id FROM offers WHERE status = 'open' ORDER BY id"
TOLD = "SELECT user_id, kind FROM notices WHERE key LIKE 'seat-%' ORDER BY id"


def a_full_course(**fields: Any) -> tuple[int, int]:
    """Return a course with one seat, and the student who has it."""
    course, student = a_course(capacity=1, **fields), a_student("Eve")
    enrollment.enroll(student, course, by=an_admin())
    return course, student


def in_line(course: int, *names: str) -> list[int]:
    """Put students in the queue, one after the other."""
    students = [a_student(name) for name in names]
    for student in students:
        a_request(student, course)
    return students


def approve_all(sql: Sql) -> None:
    admin = an_admin()
    for (request,) in sql("SELECT id FROM access_requests ORDER BY id DESC"):
        with pytest.raises(CourseFull):
            enrollment.approve(request, by=admin)


def test_a_request_for_a_full_course_waits_for_a_seat(sql: Sql) -> None:
    course, _ = a_full_course()
    in_line(course, "Ada")
    assert sql("SELECT awaits_seat FROM access_requests") == [(True,)]
    in_line(a_course(capacity=1), "Bob")
    assert sql("SELECT awaits_seat FROM access_requests ORDER BY id") == [(True,), (False,)]


def test_a_free_seat_is_the_first_ones_whose_request_is_approved(sql: Sql) -> None:
    course, leaving = a_full_course()
    first, second = in_line(course, "Ada", "Bob")
    approve_all(sql)
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(ENROLLED, course=course) == [(first,)]
    enrollment.unenroll(first, course, by=an_admin())
    assert sql(ENROLLED, course=course) == [(second,)]
    assert sql("SELECT id FROM access_requests") == []


def test_a_free_seat_in_a_course_that_is_sold_by_offers_is_offered(sql: Sql) -> None:
    course, leaving = a_full_course(price_cents=900, requires_approval=True)
    first, second = in_line(course, "Ada", "Bob")
    approve_all(sql)
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(OFFERED) == [(first,)]
    [(offer,)] = sql("SELECT id FROM offers")
    enrollment.decline_offer(offer, by=first)
    assert sql(OFFERED) == [(second,)]


def test_where_anybody_may_buy_the_next_is_offered_the_seat_without_approval(sql: Sql) -> None:
    course, leaving = a_full_course(price_cents=900)
    first, second = in_line(course, "Ada", "Bob")
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(OFFERED) == [(first,)]
    assert len(sql("SELECT id FROM access_requests")) == 2
    [(offer,)] = sql("SELECT id FROM offers")
    enrollment.decline_offer(offer, by=first)
    assert sql(OFFERED) == [(second,)]
    [(offer,)] = sql("SELECT id FROM offers WHERE status = 'open'")
    enrollment.decline_offer(offer, by=second)
    assert sql(OFFERED) == [], "both have let it pass, and may ask again"


def test_where_anybody_may_join_the_next_has_the_seat(sql: Sql) -> None:
    course, leaving = a_full_course(is_public=True)
    first, second = in_line(course, "Ada", "Bob")
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(ENROLLED, course=course) == [(first,)]
    assert sql("SELECT student_id FROM access_requests") == [(second,)]
    assert sql("SELECT kind FROM access_sources WHERE user_id = :who", who=first) == [("direct",)]


def test_who_waits_for_a_decision_is_told_of_a_seat_one_for_each_in_order(sql: Sql) -> None:
    course, leaving = a_full_course()
    first, second, third = in_line(course, "Ada", "Bob", "Cy")
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(TOLD) == [(first, "offer")]
    enrollment.fill_free_seats()
    assert sql(TOLD) == [(first, "offer")], "once for each seat"
    edit(course, capacity=2)
    assert sql(TOLD) == [(first, "offer"), (second, "offer")]
    assert sql("SELECT student_id FROM access_requests WHERE seat_since IS NULL") == [(third,)]
    assert len(sql("SELECT id FROM outbox_emails WHERE key LIKE 'seat-%'")) == 2


def test_a_seat_that_was_lost_to_another_is_told_of_again(sql: Sql) -> None:
    course, leaving = a_full_course()
    [first] = in_line(course, "Ada")
    enrollment.unenroll(leaving, course, by=an_admin())
    enrollment.enroll(leaving, course, by=an_admin())
    assert sql("SELECT awaits_seat, seat_since FROM access_requests") == [(True, None)]
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(TOLD) == [(first, "offer"), (first, "offer")]


def test_a_seat_that_nobody_approved_lets_nobody_in(sql: Sql) -> None:
    course, leaving = a_full_course()
    in_line(course, "Ada")
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(ENROLLED, course=course) == []


def test_requests_in_a_course_with_seats_wait_for_a_decision_alone(sql: Sql) -> None:
    course = a_course(capacity=3, is_public=True)
    in_line(course, "Ada")
    leaving = a_student("Eve")
    enrollment.enroll(leaving, course, by=an_admin())
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(ENROLLED, course=course) == []
    assert sql(TOLD) == []


def test_a_request_from_before_the_course_was_full_has_its_place(sql: Sql) -> None:
    course = a_course(capacity=1, is_public=True)
    [first] = in_line(course, "Ada")
    leaving = a_student("Eve")
    enrollment.enroll(leaving, course, by=an_admin())
    in_line(course, "Bob")
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(ENROLLED, course=course) == [(first,)]


def test_rows_that_no_verb_wrote_wait_too(sql: Sql) -> None:
    course, leaving = a_full_course(is_public=True)
    student = a_student()
    sql(
        "INSERT INTO access_requests (student_id, course_id) VALUES (:student, :course)",
        student=student,
        course=course,
    )
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(ENROLLED, course=course) == [(student,)]


def test_who_is_deactivated_is_passed_over(sql: Sql) -> None:
    course, leaving = a_full_course(is_public=True)
    first, second = in_line(course, "Ada", "Bob")
    enrollment.deactivate_user(first, by=an_admin())
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(ENROLLED, course=course) == [(second,)]


@pytest.mark.parametrize("capacity", [2, None])
def test_more_seats_are_for_those_who_wait(sql: Sql, capacity: int | None) -> None:
    course, _ = a_full_course()
    first, second = in_line(course, "Ada", "Bob")
    approve_all(sql)
    edit(course, capacity=capacity)
    let_in = [row[0] for row in sql(ENROLLED, course=course)][1:]
    assert let_in == ([first, second] if capacity is None else [first])


def test_a_deleted_persons_seat_is_the_nexts(sql: Sql) -> None:
    course, leaving = a_full_course()
    [first] = in_line(course, "Ada")
    approve_all(sql)
    enrollment.delete_user(leaving, by=an_admin())
    assert sql(ENROLLED, course=course) == [(first,)]


def test_nobody_passes_those_who_wait(sql: Sql) -> None:
    course, leaving = a_full_course(is_public=True)
    [first] = in_line(course, "Ada")
    enrollment.unenroll(leaving, course, by=an_admin())
    with pytest.raises(CourseFull):
        enrollment.enroll_directly(leaving, course)
    assert sql(ENROLLED, course=course) == [(first,)]


def edit(course: int, **fields: Any) -> None:
    values = {"title": "Algebra", "status": "published", **fields}
    enrollment.edit_course(course, CourseFields(**values), by=None)
