import time
from typing import Any

import pytest
import stripe

from lms.demo.stripe import StripeStandIn
from lms.demo.stripe.errors import ApiError
from tests.demo.stripe.purchase import checkout, intent_of, line

UNIT_AMOUNT = "line_items[0][price_data][unit_amount]"


def types(stand_in: StripeStandIn) -> list[str]:
    return [event["type"] for event in stand_in.events()]


def test_paying_completes_the_checkout(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    session = checkout(client)
    intent = intent_of(stand_in.pay(str(session.url)))
    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.payment_intent == intent
    found = client.v1.payment_intents.retrieve(intent)
    assert (found.status, found.amount_received) == ("succeeded", 4900)
    assert found.metadata.to_dict() == {"reference": "ref-1"}
    charge = client.v1.charges.retrieve(str(found.latest_charge))
    assert charge.paid
    assert str(charge.receipt_url).startswith(stand_in.url)
    assert types(stand_in) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


@pytest.mark.parametrize(
    ("succeeds", "payment_status", "told"),
    [
        (True, "paid", "checkout.session.async_payment_succeeded"),
        (False, "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_paying_later_arrives_or_bounces(
    stand_in: StripeStandIn,
    client: stripe.StripeClient,
    succeeds: bool,
    payment_status: str,
    told: str,
) -> None:
    session = checkout(client)
    stand_in.pay_later(session.id)
    found = client.v1.checkout.sessions.retrieve(session.id)
    assert (found.status, found.payment_status) == ("complete", "unpaid")
    stand_in.settle(session.id, succeeds=succeeds)
    found = client.v1.checkout.sessions.retrieve(session.id)
    assert (found.status, found.payment_status) == ("complete", payment_status)
    assert types(stand_in)[-1] == told
    with pytest.raises(ApiError, match="not processing"):
        stand_in.settle(session.id, succeeds=succeeds)


def test_after_a_declined_card_another_one_pays(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    session = checkout(client)
    stand_in.decline(session.id)
    found = client.v1.checkout.sessions.retrieve(session.id)
    assert (found.status, found.payment_status) == ("open", "unpaid")
    intent = client.v1.payment_intents.retrieve(intent_of(stand_in.pay(session.id)))
    assert (intent.id, intent.last_payment_error) == (found.payment_intent, None)
    assert len(client.v1.charges.list({"payment_intent": intent.id}).data) == 2


def test_what_is_closed_cannot_be_paid_and_what_is_paid_cannot_expire(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    expired, paid = checkout(client).id, checkout(client).id
    client.v1.checkout.sessions.expire(expired)
    stand_in.pay(paid)
    for act in (stand_in.pay, stand_in.pay_later, stand_in.decline):
        for session in (expired, paid):
            with pytest.raises(ApiError, match="Only Checkout Sessions"):
                act(session)
    for session in (expired, paid):
        with pytest.raises(stripe.InvalidRequestError, match="Only Checkout Sessions"):
            client.v1.checkout.sessions.expire(session)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"mode": None}, "mode"),
        ({"mode": "subscription"}, "mode"),
        ({"line_items": None}, "line_items"),
        ({"success_url": None}, "success_url"),
        ({"success_url": "/relative"}, "success_url"),
        ({"cancel_url": "javascript:alert(1)"}, "cancel_url"),
        ({"cancel_url": "http://[broken"}, "cancel_url"),
        ({"discounts": [{"coupon": "x"}]}, "discounts"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"customer_email": "kim@gmail"}, "customer_email"),
        ({"customer_email": " kim@example.org"}, "customer_email"),
        ({"custom_text": {"submit": {"message": "x" * 1201}}}, "custom_text[submit][message]"),
        ({"client_reference_id": "x" * 201}, "client_reference_id"),
        ({"expires_at": int(time.time()) + 60}, "expires_at"),
        ({"expires_at": int(time.time()) + 25 * 3600}, "expires_at"),
        ({"line_items": [line(currency="xxx")]}, "line_items[0][price_data][currency]"),
        ({"line_items": [line(quantity=0)]}, "line_items[0][quantity]"),
        ({"line_items": [line(unit_amount=-1)]}, "line_items[0][unit_amount]"),
        ({"line_items": [line(unit_amount=1.5)]}, UNIT_AMOUNT),
        ({"line_items": [line(), line(currency="usd")]}, "line_items"),
        ({"line_items": [line(unit_amount=49)]}, None),
        ({"line_items": [line(unit_amount=29, currency="gbp")]}, None),
        ({"line_items": [line(unit_amount=17_499, currency="huf")]}, None),
        ({"line_items": [line(unit_amount=1005, currency="kwd")]}, UNIT_AMOUNT),
        ({"line_items": [line(unit_amount=1050, currency="isk")]}, UNIT_AMOUNT),
        ({"line_items": [line(unit_amount=100_050, currency="ugx")]}, UNIT_AMOUNT),
        ({"line_items": [line(unit_amount=100_000_000)]}, None),
    ],
)
def test_a_checkout_that_stripe_would_refuse_is_refused(
    client: stripe.StripeClient, changes: dict[str, Any], param: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        checkout(client, **changes)
    assert (caught.value.http_status, caught.value.param) == (400, param)
    assert client.v1.checkout.sessions.list().data == []
