"""An admin asks for a refund; only what Stripe then tells changes the payment."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, current_app

from lms import payments
from lms.demo.stripe import StripeStandIn
from lms.payments import Gateway
from lms.refusals import Invalid, NotRefundable, PaymentNotFound, PaymentsUnavailable
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.payments.conftest import Hear, check_invariants

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def paid(stripe: StripeStandIn, gateway: Gateway, hear: Hear, sql: Sql) -> int:
    """A payment of €49.00 that has arrived."""
    url = payments.buy(
        gateway, a_student(), a_course("Bread", price_cents=4900), origin="http://localhost"
    )
    stripe.pay(url)
    hear()
    [payment] = sql("SELECT id FROM payments")
    return int(payment.id)


def state(sql: Sql) -> tuple[str, int, int]:
    [payment] = sql("SELECT status, refunded_cents FROM payments")
    return payment.status, payment.refunded_cents, len(sql("SELECT 1 FROM enrollments"))


def test_a_refund_changes_the_payment_when_stripe_says_so(
    gateway: Gateway, paid: int, admin: int, sql: Sql, hear: Hear
) -> None:
    taken = payments.request_refund(gateway, paid, reason="A mistake", by=admin)
    assert taken.amount_cents == 4900
    assert state(sql) == ("paid", 0, 1)
    hear("refund.created")
    assert state(sql) == ("refunded", 4900, 0)
    [asked] = sql("SELECT * FROM audit_entries WHERE action = 'refund.requested'")
    assert (asked.actor_id, asked.reason) == (admin, "A mistake")
    check_invariants(current_app)


def test_parts_add_up_and_nothing_more_than_was_paid_goes_back(
    gateway: Gateway, paid: int, admin: int, sql: Sql, hear: Hear
) -> None:
    for amount in (0, -1, 4901):
        with pytest.raises(Invalid) as refused:
            payments.request_refund(gateway, paid, amount_cents=amount, by=admin)
        assert refused.value.field == "amount_cents"
    payments.request_refund(gateway, paid, amount_cents=900, by=admin)
    # Stripe has not told yet, but the money is on its way already.
    with pytest.raises(Invalid):
        payments.request_refund(gateway, paid, amount_cents=4001, by=admin)
    hear("refund.created")
    assert state(sql) == ("partially_refunded", 900, 1)
    payments.request_refund(gateway, paid, by=admin)
    hear("refund.created")
    assert state(sql) == ("refunded", 4900, 0)
    with pytest.raises(NotRefundable):
        payments.request_refund(gateway, paid, by=admin)


def test_two_admins_who_press_at_once_refund_once(
    selling: Flask, stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int
) -> None:
    def press(_: int) -> bool:
        with selling.app_context():
            try:
                payments.request_refund(gateway, paid, amount_cents=2000, by=admin)
            except NotRefundable:
                return False
        return True

    with ThreadPoolExecutor(2) as pool:
        plan = payments.refunds._write_down
        first = plan(paid, amount_cents=2000, reason="", by=admin)
        second = plan(paid, amount_cents=2000, reason="", by=admin)
        assert first.key == second.key
        pressed = list(pool.map(press, range(2)))
    assert any(pressed)
    made = stripe.events("refund.created")
    assert len(made) in {1, 2}  # the second may come after the first was known, as another refund
    assert sum(event["data"]["object"]["amount"] for event in made) <= 4900


def test_pressing_again_after_a_crash_is_the_same_refund(
    stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int
) -> None:
    # The process dies after Stripe has made the refund and before we know of it.
    plan = payments.refunds._write_down(paid, amount_cents=900, reason="", by=admin)
    gateway.create_refund(plan.payment_intent, amount=900, key=plan.key)
    payments.request_refund(gateway, paid, amount_cents=900, by=admin)
    assert len(stripe.events("refund.created")) == 1


def test_a_refund_after_one_that_failed_is_a_new_one(
    *, stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int, sql: Sql, hear: Hear
) -> None:
    payments.request_refund(gateway, paid, by=admin)
    [event] = stripe.events("refund.created")
    stripe.settle_refund(event["data"]["object"]["id"], succeeds=False)
    hear()
    assert state(sql) == ("paid", 0, 1)
    assert "refund failed" in sql("SELECT attention FROM payments")[0].attention
    payments.request_refund(gateway, paid, by=admin)
    hear()
    assert state(sql) == ("refunded", 4900, 0)
    assert sql("SELECT attention FROM payments")[0].attention == ""


def test_a_refund_at_stripe_past_the_portal_counts(
    stripe: StripeStandIn, paid: int, sql: Sql, hear: Hear
) -> None:
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    assert paid
    stripe.refund(payment.intent, 1000)
    hear("refund.created")
    assert state(sql) == ("partially_refunded", 1000, 1)


def test_what_stripe_refuses_is_said(
    stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int, sql: Sql
) -> None:
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    stripe.refund(payment.intent)  # and the webhook is down
    with pytest.raises(NotRefundable, match="already been refunded"):
        payments.request_refund(gateway, paid, by=admin)


def test_nothing_is_refunded_that_was_not_paid(gateway: Gateway, admin: int, sql: Sql) -> None:
    payments.buy(gateway, a_student(), a_course(price_cents=4900), origin="http://localhost")
    [payment] = sql("SELECT id FROM payments")
    with pytest.raises(NotRefundable):
        payments.request_refund(gateway, payment.id, by=admin)
    with pytest.raises(PaymentNotFound):
        payments.request_refund(gateway, 999_999, by=admin)
    with pytest.raises(PaymentsUnavailable):
        payments.request_refund(None, payment.id, by=admin)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("stripe_payment_intent_id = NULL", "it has no payment intent at Stripe. Refund it where"),
        ("status = 'disputed'", "while the bank's dispute is open. Respond to it in Stripe."),
        ("status = 'dispute_lost'", "wasn't completed, or the money has been returned."),
        ("status = 'expired'", "wasn't completed, or the money has been returned."),
    ],
)
def test_a_refund_that_cannot_be_is_refused_for_the_reason_that_holds(
    *, gateway: Gateway, paid: int, admin: int, sql: Sql, change: str, said: str
) -> None:
    sql(f"UPDATE payments SET {change}")
    with pytest.raises(NotRefundable, match=said):
        payments.request_refund(gateway, paid, by=admin)
