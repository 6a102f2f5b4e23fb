"""Money that comes late: what it was for may have ended, and what is said of it is true."""

from datetime import timedelta
from typing import Any

import pytest
from flask import current_app

from lms import enrollment, payments
from lms.db import now
from lms.demo.stripe import StripeStandIn
from lms.enrollment import CourseFields
from lms.ledger.projection import SALE_ENDED
from lms.payments import Gateway
from tests.builders import a_course, a_request, a_student
from tests.conftest import Sql
from tests.payments.conftest import Hear, check_invariants

pytestmark = pytest.mark.usefixtures("context")
FULL = "The course is full. Raise its capacity, or refund the payment."


def buy(gateway: Gateway, student: int, course: int) -> str:
    return payments.buy(gateway, student, course, origin="http://localhost")


def a_seat(**fields: Any) -> int:
    """Make a course with one seat, sold to whoever is approved."""
    sold: dict[str, Any] = {"price_cents": 4900, "capacity": 1, "requires_approval": True, **fields}
    return a_course("Bread", **sold)


def approved(course: int, admin: int, name: str = "Ada") -> int:
    """Return a student who has asked for the course and was approved, if a seat was free."""
    student = a_student(name)
    enrollment.approve(a_request(student, course), by=admin)
    return student


def a_checkout_by_offer(gateway: Gateway, admin: int) -> tuple[int, int, str]:
    """Return a course, the student whom its only seat is held for, and where that one pays."""
    course = a_seat()
    student = approved(course, admin)
    return course, student, buy(gateway, student, course)


def told(sql: Sql, student: int) -> tuple[str, str]:
    """Return what has become of the latest payment of a student."""
    [row] = sql(
        "SELECT status, attention FROM payments WHERE user_id = :id ORDER BY id DESC LIMIT 1",
        id=student,
    )
    return row.status, row.attention


def test_what_was_paid_before_the_sale_ended_gives_access_however_late_it_is_told(
    *, stripe: StripeStandIn, gateway: Gateway, student: int, sql: Sql, hear: Hear
) -> None:
    course = a_course("Bread", price_cents=4900)
    url = buy(gateway, student, course)
    stripe.pay(url)
    enrollment.archive_course(course, by=None)
    later = now() + timedelta(seconds=2)
    sql("UPDATE payments SET sale_ended_at = :later", later=later)
    hear()
    assert told(sql, student) == ("paid", "")
    assert len(sql("SELECT 1 FROM enrollments")) == 1
    check_invariants(current_app)


def test_an_offer_is_paid_as_it_was_made_whatever_the_course_costs_later(
    *, stripe: StripeStandIn, gateway: Gateway, admin: int, sql: Sql, hear: Hear
) -> None:
    course, student, url = a_checkout_by_offer(gateway, admin)
    dearer = CourseFields(
        title="Bread", status="published", price_cents=5900, capacity=1, requires_approval=True
    )
    enrollment.edit_course(course, dearer, by=None)
    assert payments.close_checkouts(gateway) == 0
    stripe.pay(url)
    hear()
    assert told(sql, student) == ("paid", "")
    check_invariants(current_app)


def test_money_for_an_offer_that_was_declined_is_reviewed(
    *, stripe: StripeStandIn, gateway: Gateway, admin: int, sql: Sql, hear: Hear
) -> None:
    _course, student, url = a_checkout_by_offer(gateway, admin)
    [offer] = sql("SELECT id FROM offers")
    enrollment.decline_offer(offer.id, by=student)
    stripe.pay(url)
    hear()
    assert told(sql, student) == ("needs_review", SALE_ENDED["offer"])
    check_invariants(current_app)


def test_money_that_is_told_after_the_offer_expired_finds_its_seat_taken(
    *, stripe: StripeStandIn, gateway: Gateway, admin: int, sql: Sql, hear: Hear
) -> None:
    course, student, url = a_checkout_by_offer(gateway, admin)
    stripe.pay(url)
    sql("UPDATE payments SET session_expires_at = :past", past=now() - timedelta(hours=1))
    sql("UPDATE offers SET expires_at = :past", past=now() - timedelta(hours=1))
    next_one = approved(course, admin, "Bob")
    assert sql("SELECT student_id FROM offers WHERE status = 'open'") == [(next_one,)]
    hear()
    assert told(sql, student) == ("undeliverable", FULL)
    assert sql("SELECT 1 FROM enrollments") == []
    check_invariants(current_app)


def test_the_checkouts_of_a_course_that_is_full_are_closed_and_late_money_is_undeliverable(
    *, stripe: StripeStandIn, gateway: Gateway, sql: Sql, hear: Hear
) -> None:
    course = a_seat(requires_approval=False, capacity=2)
    first, late, later = (a_student(name) for name in ("Ada", "Bob", "Cy"))
    urls = [buy(gateway, each, course) for each in (first, late, later)]
    for url in urls[:2]:
        stripe.pay(url)
    sql("UPDATE courses SET capacity = 1")
    hear("checkout.session.completed")
    assert payments.close_checkouts(gateway) == 1
    assert {told(sql, first), told(sql, late)} == {("paid", ""), ("undeliverable", FULL)}
    assert told(sql, later) == ("expired", "")
    check_invariants(current_app)


def test_money_that_comes_after_another_payment_was_accepted_names_that_one(
    *, stripe: StripeStandIn, gateway: Gateway, student: int, admin: int, sql: Sql, hear: Hear
) -> None:
    course = a_course("Bread", price_cents=4900)
    stripe.pay(buy(gateway, student, course))
    sql("UPDATE payments SET agreed_cents = 5900")
    hear()
    [first] = sql("SELECT id, status FROM payments")
    assert first.status == "needs_review"
    payments.dismiss(first.id, by=admin)  # else nothing more can be bought
    url = buy(gateway, student, course)
    payments.accept(first.id, by=admin)
    stripe.pay(url)
    hear()
    status, attention = told(sql, student)
    assert status == "paid"
    assert f"also paid for this course with payment {first.id}. " in attention
    assert "refund one of them" in attention
    check_invariants(current_app)
