"""Promotion codes and tax, from the course's form by Stripe's page to the receipt's parts."""

import pytest
from flask import Flask

from lms import payments
from lms.db import now
from lms.demo.stripe import StripeStandIn
from lms.demo.stripe.errors import ApiError
from lms.ledger.months import Month
from lms.payments import connect
from lms.queries import analytics
from lms.queries.books import report
from tests.builders import a_course
from tests.conftest import Sql
from tests.payments.conftest import Hear, check_invariants

PARTS = "status, subtotal_cents, discount_cents, tax_cents, amount_cents"


@pytest.fixture
def checkout(selling: Flask, student: int, stripe: StripeStandIn) -> str:
    """The page of a checkout that takes codes."""
    with selling.app_context():
        course = a_course("Bread", price_cents=4900, allows_promotion_codes=True)
        return buy(selling, student, course)


def buy(selling: Flask, student: int, course: int) -> str:
    gateway = connect(selling.config)
    return payments.buy(gateway, student, course, origin="http://localhost")


@pytest.mark.parametrize(
    ("tax", "code", "parts"),
    [
        ("off", "WELCOME10", (4900, 490, 0, 4410)),
        ("off", "FREE", (4900, 4900, 0, 0)),
        ("added", "", (4900, 0, 931, 5831)),
        ("added", "welcome10", (4900, 490, 837, 5247)),
        ("included", "", (4900, 0, 782, 4900)),
        ("included", "WELCOME10", (4900, 490, 704, 4410)),
    ],
)
def test_a_code_and_tax_are_parts_of_what_is_paid(
    *,
    selling: Flask,
    stripe: StripeStandIn,
    student: int,
    hear: Hear,
    sql: Sql,
    tax: str,
    code: str,
    parts: tuple[int, ...],
) -> None:
    selling.config["STRIPE_AUTOMATIC_TAX"] = tax
    with selling.app_context():
        course = a_course("Bread", price_cents=4900, allows_promotion_codes=True)
        url = buy(selling, student, course)
    if code:
        stripe.enter_code(url, code)
    stripe.pay(url)
    assert set(hear()) == {200}
    assert sql(f"SELECT {PARTS} FROM payments") == [("paid", *parts)]
    with selling.app_context():
        [counted] = analytics.figures(analytics.period(None, None)).revenue
        [booked] = report(Month.of(now())).currencies
    assert parts == (
        *(counted.gross_cents, counted.discount_cents, counted.tax_cents, counted.net_cents),
    )
    assert (booked.discount_cents, booked.tax_cents, booked.taken_cents) == (
        *(counted.discount_cents, counted.tax_cents, counted.paid_cents),
    )
    assert sql("SELECT kind FROM access_sources") == [("payment",)]
    check_invariants(selling)


def test_a_code_of_all_of_it_makes_no_payment_intent(
    checkout: str, stripe: StripeStandIn, hear: Hear, sql: Sql
) -> None:
    stripe.enter_code(checkout, "FREE")
    with pytest.raises(ApiError):
        stripe.pay_later(checkout)
    session = stripe.pay(checkout)
    assert (session["payment_status"], session["payment_intent"]) == ("no_payment_required", None)
    hear()
    assert sql("SELECT status, stripe_payment_intent_id FROM payments") == [("paid", None)]


def test_a_code_is_refused_where_none_is_allowed_and_one_that_nobody_knows(
    selling: Flask, stripe: StripeStandIn, student: int, checkout: str, sql: Sql
) -> None:
    with pytest.raises(ApiError) as refused:
        stripe.enter_code(checkout, "NOBODY")
    assert "This code is invalid." in refused.value.message
    sql("UPDATE payments SET status = 'expired'")
    with selling.app_context():
        url = buy(selling, student, a_course("Cake", price_cents=4900))
    with pytest.raises(ApiError) as refused:
        stripe.enter_code(url, "WELCOME10")
    assert refused.value.message == "This checkout takes no promotion codes."


def test_terms_that_change_between_two_tries_open_a_checkout_under_the_new_ones(
    selling: Flask, stripe: StripeStandIn, student: int, sql: Sql
) -> None:
    with selling.app_context():
        course = a_course("Bread", price_cents=4900)
        buy(selling, student, course)
    sql("UPDATE payments SET checkout_url = NULL, created_at = '2026-01-01 00:00:00'")
    sql("DELETE FROM stripe_sessions")
    sql("UPDATE payments SET stripe_session_id = NULL")  # as if its answer had been lost
    sql("UPDATE courses SET allows_promotion_codes = TRUE")
    selling.config["STRIPE_AUTOMATIC_TAX"] = "added"
    with selling.app_context():
        url = buy(selling, student, course)
    assert stripe.enter_code(url, "WELCOME10")["automatic_tax"]["enabled"]


def test_a_discount_gives_a_book_entry_and_refunds_of_what_was_paid(
    *, selling: Flask, stripe: StripeStandIn, checkout: str, hear: Hear, sql: Sql, admin: int
) -> None:
    stripe.enter_code(checkout, "WELCOME10")
    stripe.pay(checkout)
    hear()
    [payment] = sql("SELECT id FROM payments")
    with selling.app_context():
        taken = payments.request_refund(connect(selling.config), payment.id, by=admin)
    assert taken.amount_cents == 4410
    hear()
    assert sql("SELECT status, refunded_cents FROM payments") == [("refunded", 4410)]
    assert sql("SELECT count(*) AS n FROM enrollments")[0].n == 0
