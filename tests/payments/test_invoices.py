"""Invoices that Stripe makes of what was paid: their number and link are kept with the payment."""

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from lms import payments
from lms.demo.stripe import StripeStandIn
from lms.payments import Gateway, connect
from tests.builders import a_course
from tests.conftest import Sql
from tests.payments.conftest import Hear

pytestmark = pytest.mark.usefixtures("context")
INVOICE = "SELECT invoice_number AS number, invoice_url AS url FROM payments"


@pytest.fixture
def gateway(selling: Flask, stripe: StripeStandIn) -> Gateway:
    """Stripe, with an invoice of each purchase."""
    selling.config["STRIPE_INVOICE_CREATION"] = True
    found = connect(selling.config)
    assert found is not None, stripe.url
    return found


@pytest.fixture
def checkout(gateway: Gateway, student: int) -> str:
    """The page of a checkout."""
    course = a_course("Bread", price_cents=4900)
    return payments.buy(gateway, student, course, origin="http://localhost")


def test_the_number_and_the_link_of_the_invoice_come_with_the_money(
    stripe: StripeStandIn, checkout: str, sql: Sql, hear: Hear
) -> None:
    stripe.pay(checkout)
    assert set(hear()) == {200}
    [kept] = sql(INVOICE)
    shown = requests.get(kept.url, timeout=5).text
    assert f"Invoice {kept.number}" in shown
    assert "€49.00" in shown


def test_a_bank_debit_has_an_invoice_once_it_has_arrived(
    stripe: StripeStandIn, checkout: str, sql: Sql, hear: Hear
) -> None:
    stripe.pay_later(checkout)
    hear()
    assert [tuple(row) for row in sql(INVOICE)] == [(None, None)]
    stripe.settle(checkout, succeeds=True)
    hear()
    assert None not in sql(INVOICE)[0]


def test_an_event_that_names_no_invoice_has_stripe_asked_for_one(
    stripe: StripeStandIn, checkout: str, client: FlaskClient, sql: Sql
) -> None:
    stripe.pay(checkout)
    [event] = stripe.events("checkout.session.completed")
    event["data"]["object"]["invoice"] = None
    body, headers = stripe.signed(event)
    answer = client.post("/api/payments/webhook", data=body.encode(), headers=headers)
    assert answer.status_code == 200
    assert None not in sql(INVOICE)[0]


@pytest.mark.parametrize("is_named", [True, False])
def test_an_invoice_that_was_made_later_is_found_by_reconciliation(
    *,
    stripe: StripeStandIn,
    gateway: Gateway,
    checkout: str,
    sql: Sql,
    hear: Hear,
    is_named: bool,
) -> None:
    stripe.pay(checkout)
    hear()
    [kept] = sql(INVOICE)
    sql("UPDATE payments SET invoice_number = NULL, invoice_url = NULL")
    if not is_named:
        sql("UPDATE stripe_sessions SET invoice = NULL")
    assert payments.reconcile(gateway).is_complete
    assert sql(INVOICE) == [kept]
    assert payments.reconcile(gateway).changed == 0


def test_the_link_to_an_invoice_of_somebody_erased_does_not_come_back(
    stripe: StripeStandIn, gateway: Gateway, checkout: str, sql: Sql, hear: Hear
) -> None:
    stripe.pay(checkout)
    hear()
    sql("UPDATE payments SET user_id = NULL, invoice_url = NULL, invoice_number = NULL")
    assert payments.reconcile(gateway).is_complete
    [kept] = sql(INVOICE)
    assert kept.number is not None
    assert kept.url is None
