"""Checkouts and refunds meet limits, and whatever leads to nothing new meets none."""

import pytest
from flask import Flask

from lms import payments
from lms.demo.stripe import StripeStandIn
from lms.ledger.limits import LIMITS, key_of
from lms.payments import Gateway
from lms.refusals import CourseNotFound, NotRefundable, RateLimited
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.payments.conftest import Hear, check_invariants

pytestmark = pytest.mark.usefixtures("context")
[MOST_CHECKOUTS], [MOST_REFUNDS] = LIMITS["checkout"], LIMITS["refund"]


def buy(gateway: Gateway, student: int, course: int) -> str:
    return payments.buy(gateway, student, course, origin="http://localhost")


def used(sql: Sql, action: str) -> list[int]:
    return [row.used for row in sql(f"SELECT used FROM allowances WHERE key LIKE '{action}/%'")]


def test_ever_new_checkouts_meet_a_limit(
    selling: Flask, gateway: Gateway, student: int, sql: Sql
) -> None:
    courses = [a_course(f"Bread {number}", price_cents=900) for number in range(45)]
    opened = [buy(gateway, student, course) for course in courses[: MOST_CHECKOUTS.allowed]]
    assert len(set(opened)) == MOST_CHECKOUTS.allowed
    for course in courses[MOST_CHECKOUTS.allowed :]:
        with pytest.raises(RateLimited):
            buy(gateway, student, course)
    assert len(sql("SELECT id FROM payments")) == MOST_CHECKOUTS.allowed
    assert buy(gateway, student, courses[0]) == opened[0]
    assert buy(gateway, a_student("Bob"), courses[-1]) not in opened
    check_invariants(selling)


def test_pressing_buy_again_and_what_is_refused_count_nothing(
    gateway: Gateway, student: int, sql: Sql
) -> None:
    course, closed = a_course(price_cents=900), a_course(price_cents=900, status="draft")
    assert len({buy(gateway, student, course) for _ in range(10)}) == 1
    for _ in range(10):
        with pytest.raises(CourseNotFound):
            buy(gateway, student, closed)
    assert used(sql, "checkout") == [1]


def test_refunds_meet_a_limit_before_stripe_is_asked(
    stripe: StripeStandIn, gateway: Gateway, admin: int, sql: Sql, hear: Hear
) -> None:
    stripe.pay(buy(gateway, a_student(), a_course("Bread", price_cents=4900)))
    hear()
    [payment] = sql("SELECT id FROM payments")
    sql(
        "INSERT INTO allowances (key, used, expires_at) VALUES (:key, :used, :later)",
        key=key_of("refund", MOST_REFUNDS, admin),
        used=MOST_REFUNDS.allowed - 1,
        later="2999-01-01 00:00:00.000000",
    )
    payments.request_refund(gateway, payment.id, amount_cents=900, by=admin)
    with pytest.raises(RateLimited):
        payments.request_refund(gateway, payment.id, amount_cents=901, by=admin)
    asked = sql("SELECT count(*) FROM audit_entries WHERE action = 'refund.requested'")
    assert asked[0][0] == 1
    other = a_student("Grace")
    payments.request_refund(gateway, payment.id, by=other)
    for _ in range(5):
        with pytest.raises(NotRefundable):
            payments.request_refund(gateway, payment.id, by=other)
    assert used(sql, "refund") == [MOST_REFUNDS.allowed, 1]
    hear("refund.created")
    assert sql("SELECT status FROM payments") == [("refunded",)]
