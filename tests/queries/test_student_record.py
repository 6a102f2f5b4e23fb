"""A student's requests, decisions and payments."""

import pytest

from lms import enrollment
from lms.queries import student as queries
from tests.builders import (
    a_course,
    a_request,
    a_student,
    an_admin,
)
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("context")


def test_requests_come_newest_first_with_what_was_decided() -> None:
    student_id, admin_id = a_student(), an_admin()
    first, second, third = a_course("A"), a_course("B"), a_course("C")
    rejected = a_request(student_id, first, "One")
    approved = a_request(student_id, second, "Two")
    waiting = a_request(student_id, third, "Three")
    enrollment.reject(rejected, by=admin_id, reason="Not yet")
    enrollment.approve(approved, by=admin_id)
    found = queries.requests(student_id)
    assert [each.id for each in found] == [waiting, approved, rejected]
    assert [each.status for each in found] == ["pending", "approved", "rejected"]
    assert [each.message for each in found] == ["Three", "Two", "One"]
    assert [each.reason for each in found] == [None, "", "Not yet"]
    assert [each.course_title for each in found] == ["C", "B", "A"]
    assert found[0].reviewed_at is None
    assert found[2].reviewed_at is not None
    assert found[2].reviewed_at > found[2].requested_at
    assert queries.requests(student_id, first) == found[2:]


def test_a_decision_outlives_its_course_under_its_last_name() -> None:
    student_id, admin_id = a_student(), an_admin()
    course_id = a_course("Latin")
    enrollment.reject(a_request(student_id, course_id), by=admin_id)
    assert queries.requests(student_id)[0].is_open
    enrollment.archive_course(course_id, by=admin_id)
    assert not queries.requests(student_id)[0].is_open
    enrollment.delete_course(course_id, by=admin_id)
    decided = queries.requests(student_id)[0]
    assert (decided.course_title, decided.course_id) == ("Latin", course_id)
    assert not decided.is_open


def test_decided_rows_of_an_old_dump_are_not_pending(sql: Sql) -> None:
    student_id, course_id = a_student(), a_course()
    sql(
        "INSERT INTO access_requests (student_id, course_id, status) VALUES (:s, :c, 'rejected')",
        s=student_id,
        c=course_id,
    )
    assert queries.requests(student_id) == []
    assert queries.stats(student_id).pending_requests == 0
    assert not queries.courses(student_id)[0].has_pending_request


def test_payments_are_the_students_own_newest_first_and_outlive_the_course(sql: Sql) -> None:
    student_id, other = a_student(), a_student()
    course_id = a_course("Chess", price_cents=900)
    for user_id, day, kept in [(student_id, 1, "Chess"), (student_id, 2, ""), (other, 3, "Chess")]:
        sql(
            "INSERT INTO payments (user_id, course_id, course_title, amount_cents, status,"
            " created_at) VALUES (:u, :c, :kept, 900, 'paid', :at)",
            u=user_id,
            c=course_id,
            kept=kept,
            at=f"2026-01-0{day} 10:00:00+00:00",
        )
    found = queries.payments(student_id)
    assert [payment.created_at.day for payment in found] == [2, 1]
    assert [payment.course_title for payment in found] == ["Chess"] * 2
    assert queries.payments(student_id, course_id) == found
    assert queries.payments(student_id, course_id + 1) == []
    enrollment.delete_course(course_id, by=None)
    assert [payment.course_title for payment in queries.payments(student_id)] == ["Chess"] * 2
    assert queries.payments(student_id)[0].course_id is None
