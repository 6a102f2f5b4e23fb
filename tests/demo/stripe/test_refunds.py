import pytest
import stripe

from lms.demo.stripe import StripeStandIn
from lms.demo.stripe.errors import ApiError
from tests.demo.stripe.purchase import checkout, intent_of


@pytest.fixture
def intent(stand_in: StripeStandIn, client: stripe.StripeClient) -> str:
    return intent_of(stand_in.pay(checkout(client).id))


def charge_of(client: stripe.StripeClient, intent: str) -> stripe.Charge:
    return client.v1.charges.list({"payment_intent": intent}).data[0]


def test_a_refund_without_an_amount_sends_all_that_is_left(
    stand_in: StripeStandIn, client: stripe.StripeClient, intent: str
) -> None:
    part = client.v1.refunds.create({"payment_intent": intent, "amount": 900})
    rest = client.v1.refunds.create({"payment_intent": intent, "reason": "duplicate"})
    assert ([part.amount, rest.amount], rest.status) == ([900, 4000], "succeeded")
    assert charge_of(client, intent).refunded
    assert [refund.id for refund in client.v1.refunds.list({"payment_intent": intent})] == [
        rest.id,
        part.id,
    ]
    told = stand_in.events("refund.created", "charge.refunded")
    assert [event["type"] for event in told] == ["refund.created", "charge.refunded"] * 2
    assert told[1]["data"]["previous_attributes"] == {"amount_refunded": 0}


def test_more_than_was_paid_is_never_refunded(client: stripe.StripeClient, intent: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"€49\.01.*€49\.00"):
        client.v1.refunds.create({"payment_intent": intent, "amount": 4901})
    with pytest.raises(stripe.InvalidRequestError, match="greater than or equal to 1"):
        client.v1.refunds.create({"payment_intent": intent, "amount": 0})
    client.v1.refunds.create({"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": intent})
    assert caught.value.code == "charge_already_refunded"
    assert charge_of(client, intent).amount_refunded == 4900


def test_one_key_refunds_once(client: stripe.StripeClient, intent: str) -> None:
    made = {
        client.v1.refunds.create(
            {"payment_intent": intent, "amount": 900}, {"idempotency_key": "one"}
        ).id
        for _ in range(3)
    }
    assert len(made) == 1
    assert charge_of(client, intent).amount_refunded == 900


def test_a_refund_that_fails_gives_the_money_back(
    stand_in: StripeStandIn, client: stripe.StripeClient, intent: str
) -> None:
    refund = client.v1.refunds.create({"payment_intent": intent})
    stand_in.settle_refund(refund.id, succeeds=False)
    found = client.v1.refunds.retrieve(refund.id)
    assert (found.status, found.failure_reason) == ("failed", "expired_or_canceled_card")
    charge = charge_of(client, intent)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    told = [event["type"] for event in stand_in.events()[-3:]]
    assert told == ["refund.failed", "refund.updated", "charge.refund.updated"]
    with pytest.raises(ApiError, match="status of failed"):
        stand_in.settle_refund(refund.id, succeeds=True)


def test_a_refund_to_a_bank_account_takes_its_time(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    session = checkout(client).id
    intent = intent_of(stand_in.pay_later(session))
    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        client.v1.refunds.create({"payment_intent": intent})
    stand_in.settle(session, succeeds=True)
    refund = client.v1.refunds.create({"payment_intent": intent})
    assert refund.status == "pending"
    stand_in.settle_refund(refund.id, succeeds=True)
    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_a_refund_names_one_payment_that_exists(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        client.v1.refunds.create({"payment_intent": "pi_none"})
    with pytest.raises(stripe.InvalidRequestError, match="Provide one of"):
        client.v1.refunds.create({})
    with pytest.raises(stripe.InvalidRequestError, match="this stand-in doesn't"):
        client.v1.refunds.create({"payment_intent": "pi_none", "reverse_transfer": True})
