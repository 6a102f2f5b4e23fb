"""Stripe's fees: fetched by reconciliation, kept, and booked once."""

from collections.abc import Callable

import pytest
from flask import Flask

from lms.demo.stripe import StripeStandIn
from lms.payments import Gateway, buy, reconcile, request_refund
from lms.payments.reconcile import Report
from tests.builders import a_course, an_admin
from tests.conftest import Sql
from tests.payments.conftest import Hear

_FEES = (
    "SELECT amount_cents, currency FROM money_movements WHERE kind = 'fee' ORDER BY amount_cents"
)

Reconcile = Callable[[], Report]


@pytest.fixture
def reconciled(selling: Flask, gateway: Gateway) -> Reconcile:
    def run() -> Report:
        with selling.app_context():
            return reconcile(gateway)

    return run


@pytest.fixture
def session(selling: Flask, gateway: Gateway, student: int, stripe: StripeStandIn) -> str:
    """A checkout that has been paid, of which the portal does not know it."""
    with selling.app_context():
        course = a_course("Bread", price_cents=4900)
        found = buy(gateway, student, course, origin="http://localhost").rpartition("/")[2]
    stripe.pay(found)
    return found


@pytest.fixture
def intent(session: str, hear: Hear, sql: Sql) -> str:
    """The payment intent of one that the portal knows to be paid."""
    hear()
    [row] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    return str(row.intent)


@pytest.mark.usefixtures("session")
def test_fees_come_with_reconciliation_and_are_booked_once(reconciled: Reconcile, sql: Sql) -> None:
    first, second = reconciled(), reconciled()
    assert (first.transactions, second.transactions) == (1, 1)
    assert second.changed == 0
    assert sql(_FEES) == [(98, "eur")]
    [row] = sql("SELECT category, charged, amount, reference FROM stripe_transactions")
    assert tuple(row)[:3] == ("charge", 4900, 4900)
    assert sql("SELECT reference FROM payments") == [(row.reference,)]


def test_a_dispute_has_a_fee_that_comes_back_when_it_is_won(
    intent: str, stripe: StripeStandIn, reconciled: Reconcile, sql: Sql
) -> None:
    stripe.close_dispute(stripe.open_dispute(intent)["id"], ending="won")
    reconciled()
    assert sql(_FEES) == [(-2000, "eur"), (98, "eur"), (2000, "eur")]


@pytest.mark.usefixtures("intent")
def test_a_first_run_fetches_the_fees_of_all_payments_that_there_are(
    reconciled: Reconcile, sql: Sql
) -> None:
    """They may be from before the release that keeps them."""
    sql("INSERT INTO stripe_cursor (id, reconciled_until) VALUES (1, '2099-01-01 00:00:00')")
    reconciled()
    assert sql(_FEES) == [(98, "eur")]


@pytest.mark.usefixtures("intent")
def test_a_refund_has_its_transaction(
    selling: Flask, gateway: Gateway, reconciled: Reconcile, sql: Sql
) -> None:
    with selling.app_context():
        [row] = sql("SELECT id FROM payments")
        request_refund(gateway, row.id, amount_cents=900, by=an_admin())
    reconciled()
    found = sql("SELECT category, charged, amount, fee FROM stripe_transactions ORDER BY category")
    assert found == [("charge", 4900, 4900, 98), ("refund", 900, -900, 0)]
