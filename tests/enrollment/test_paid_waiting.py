"""Whoever has paid and found no seat: a free one is theirs first, and nobody pays twice."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from lms import enrollment, payments, sync
from lms.db import now
from lms.payments import ManualPayment, record_payment
from lms.payments.recording import record_refund
from lms.refusals import CourseFull, PaymentInReview
from lms.sync.explain import explain
from tests.builders import a_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses
from tests.enrollment.test_offers import a_sold_course, let_pass

SOURCES = "SELECT user_id, kind FROM access_sources WHERE course_id = :course ORDER BY id"
STATES = "SELECT user_id, status, attention FROM payments ORDER BY id"
OPEN = "SELECT student_id FROM offers WHERE status = 'open' ORDER BY id"


def pay(student: int, course: int, cents: int = 4900) -> int:
    """Record that a student has paid by transfer."""
    reference = f"{student}-{now():%f}"
    paid = ManualPayment(student, course, cents, "eur", "transfer", reference)
    return record_payment(paid, by=an_admin()).payment_id


def a_taken_course(**fields: Any) -> tuple[int, int]:
    """Return a course that is sold and full, and who has its seat."""
    course, student = a_course(**{"price_cents": 4900, "capacity": 1, **fields}), a_student("Eve")
    enrollment.enroll(student, course, by=an_admin())
    return course, student


def unenroll(course: int, student: int, _sql: Sql) -> None:
    enrollment.unenroll(student, course, by=an_admin())


def delete(_course: int, student: int, _sql: Sql) -> None:
    enrollment.delete_user(student, by=an_admin())


def allow_more(course: int, _student: int, _sql: Sql) -> None:
    fields = enrollment.CourseFields(
        title="Algebra", status="published", price_cents=4900, requires_approval=True, capacity=2
    )
    enrollment.edit_course(course, fields, by=None)


def lose_the_row(course: int, _student: int, sql: Sql) -> None:
    """Free a seat past all verbs: the worker alone can notice."""
    sql("DELETE FROM access_sources WHERE course_id = :course", course=course)
    sql("DELETE FROM enrollments WHERE course_id = :course", course=course)
    assert enrollment.fill_free_seats() == 1
    assert enrollment.fill_free_seats() == 0


@pytest.mark.parametrize("free", [unenroll, delete, allow_more, lose_the_row])
def test_a_free_seat_is_theirs_who_paid_first_before_the_queue(
    sql: Sql, free: Callable[[int, int, Sql], None]
) -> None:
    course, leaving = a_taken_course(requires_approval=True)
    asked, first, second = (a_student(name) for name in ("Ada", "Bob", "Cy"))
    with pytest.raises(CourseFull):
        enrollment.approve(a_request(asked, course), by=an_admin())
    paid, later = pay(first, course), pay(second, course)
    sql("UPDATE payments SET paid_at = '2026-01-02 00:00:00.000000' WHERE id = :id", id=paid)
    sql("UPDATE payments SET paid_at = '2026-01-03 00:00:00.000000' WHERE id = :id", id=later)

    free(course, leaving, sql)

    assert (first, "payment") in sql(SOURCES, course=course)
    [(_, status, attention), (*_, of_second)] = sql(STATES)
    assert (status, attention) == ("paid", "")
    assert "full" in of_second
    assert sql(OPEN) == []
    enrollment.unenroll(first, course, by=an_admin())
    assert (second, "payment") in sql(SOURCES, course=course)
    enrollment.unenroll(second, course, by=an_admin())
    assert sql(OPEN) == [(asked,)]


def test_a_refund_frees_the_seat_for_the_next_who_paid(sql: Sql) -> None:
    course, leaving = a_taken_course()
    number, waiting = pay(leaving, course), a_student()
    pay(waiting, course)
    sql("DELETE FROM access_sources WHERE kind <> 'payment'")
    record_refund(number, by=an_admin())
    assert sql(SOURCES, course=course) == [(waiting, "payment")]


def test_an_offer_that_ends_is_theirs_who_paid(sql: Sql) -> None:
    course, holding, waiting = a_sold_course(capacity=1), a_student(), a_student("Bob")
    made = enrollment.approve(a_request(holding, course), by=an_admin())
    pay(waiting, course)
    assert made.offer is not None
    enrollment.decline_offer(made.offer.id, by=holding)
    assert sql(SOURCES, course=course) == [(waiting, "payment")]


def test_who_paid_later_does_not_pass_who_waits(sql: Sql) -> None:
    course, holding = a_sold_course(capacity=1), a_student()
    enrollment.approve(a_request(holding, course), by=an_admin())
    first, second = a_student("Bob"), a_student("Cy")
    pay(first, course)
    let_pass(sql)
    pay(second, course)
    assert sql(SOURCES, course=course) == [(first, "payment")]


def test_what_an_admin_has_dealt_with_waits_for_nothing(sql: Sql) -> None:
    course, leaving = a_taken_course()
    payments.dismiss(pay(a_student(), course), by=an_admin())
    enrollment.unenroll(leaving, course, by=an_admin())
    assert sql(SOURCES, course=course) == []
    assert enrollment.fill_free_seats() == 0


def test_who_is_enrolled_by_an_admin_waits_no_longer(sql: Sql) -> None:
    course, leaving = a_taken_course()
    waiting = a_student()
    enrollment.deactivate_user(waiting, by=an_admin())
    pay(waiting, course)
    enrollment.unenroll(leaving, course, by=an_admin())
    enrollment.reactivate_user(waiting, by=an_admin())
    assert [row.status for row in sql(STATES)] == ["undeliverable"]
    sql("UPDATE courses SET capacity = NULL")  # else their turn has come before
    enrollment.enroll(waiting, course, by=an_admin())
    assert [row.status for row in sql(STATES)] == ["paid"]


def test_an_approval_lets_in_by_what_has_been_paid(sql: Sql) -> None:
    course, student, admin = a_sold_course(), a_student(), an_admin()
    number = pay(student, course)
    enrollment.unenroll(student, course, by=admin)
    made = enrollment.approve(a_request(student, course), by=admin)
    assert (made.status, made.offer) == ("approved", None)
    assert sql(SOURCES, course=course) == [(student, "payment")]
    assert sql("SELECT status FROM offers") == [("accepted",)]
    assert sql("SELECT id FROM notices WHERE key LIKE 'offer-%'") == []
    record_refund(number, by=admin)
    assert sql(SOURCES, course=course) == []
    assert sync.validate().ok


def test_approved_ahead_of_a_seat_what_has_been_paid_is_let_in_with_it(sql: Sql) -> None:
    course, student, admin = a_sold_course(capacity=1), a_student(), an_admin()
    pay(student, course)
    enrollment.unenroll(student, course, by=admin)
    other = a_student("Eve")
    enrollment.enroll(other, course, by=admin)
    with pytest.raises(CourseFull):
        enrollment.approve(a_request(student, course), by=admin)
    enrollment.unenroll(other, course, by=admin)
    assert sql(SOURCES, course=course) == [(student, "payment")]


def test_money_in_review_is_decided_about_before_its_student_is_asked_to_pay(
    app: Flask, sql: Sql, refuses: Refuses
) -> None:
    course, student, admin = a_sold_course(), a_student(), an_admin()
    number = pay(student, course)
    app.config["LMS_KEPT_PERCENT"] = 50
    record_refund(number, amount_cents=4000, by=admin)
    request = a_request(student, course)
    with refuses(PaymentInReview):
        enrollment.approve(request, by=admin)
    assert [each.outcome for each in enrollment.decide_many([request], "approve", by=admin)] == [
        "payment_in_review"
    ]
    assert any("access needs 50%" in reason for reason in explain(student, course).reasons)
    payments.dismiss(number, by=admin)
    assert enrollment.approve(request, by=admin).offer is not None


def test_who_waits_for_what_is_paid_is_asked_for_no_second_payment(refuses: Refuses) -> None:
    course, _ = a_taken_course()
    student = a_student()
    pay(student, course)
    with refuses(PaymentInReview, detail=PaymentInReview.for_seat):
        payments.buy(None, student, course, origin="")


def test_whom_an_admin_unenrolls_no_payment_lets_in_again(sql: Sql) -> None:
    course, student = a_taken_course()
    pay(student, course)
    sql("DELETE FROM access_sources WHERE kind = 'payment'")
    sql("UPDATE payments SET status = 'undeliverable', attention = 'There was no seat.'")
    enrollment.unenroll(student, course, by=an_admin())
    assert sql(SOURCES, course=course) == []
    assert [row.status for row in sql(STATES)] == ["needs_review"]
    assert enrollment.fill_free_seats() == 0


def test_an_approval_promises_no_access_that_the_payment_cannot_give(
    sql: Sql, refuses: Refuses
) -> None:
    student, course, admin = a_student(), a_sold_course(), an_admin()
    request = a_request(student, course)
    enrollment.deactivate_user(student, by=admin)
    pay(student, course)
    with refuses(PaymentInReview):
        enrollment.approve(request, by=admin)
    assert sql(OPEN) == []
    enrollment.reactivate_user(student, by=admin)
    assert enrollment.approve(request, by=admin).offer is None
    assert sql(SOURCES, course=course) == [(student, "payment")]


def test_a_buyer_whose_account_is_deactivated_gets_no_seat_by_itself(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(price_cents=4900, capacity=0), an_admin()
    pay(student, course)
    enrollment.deactivate_user(student, by=admin)
    assert explain(student, course).action.startswith(
        "The student has paid, but the account is deactivated. Reactivate it and"
    )


def test_what_an_admin_has_reviewed_is_explained_as_done(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(price_cents=4900, capacity=0), an_admin()
    payment = pay(student, course)
    assert "gets the next available seat" in explain(student, course).action
    payments.dismiss(payment, by=admin)
    sql("UPDATE courses SET capacity = NULL")
    assert "can buy the course" in explain(student, course).action


def test_an_offer_whose_time_is_over_is_explained_as_none(sql: Sql) -> None:
    student, course = a_student(), a_sold_course()
    enrollment.approve(a_request(student, course), by=an_admin())
    sql("UPDATE offers SET expires_at = :past", past=now() - timedelta(minutes=1))
    assert "course needs approval first" in explain(student, course).action
