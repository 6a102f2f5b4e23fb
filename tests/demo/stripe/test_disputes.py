import pytest
import stripe

from lms.demo.stripe import StripeStandIn
from lms.demo.stripe.disputes import Ending
from lms.demo.stripe.errors import ApiError
from tests.demo.stripe.purchase import checkout, intent_of


@pytest.fixture
def intent(stand_in: StripeStandIn, client: stripe.StripeClient) -> str:
    return intent_of(stand_in.pay(checkout(client).id))


def told(stand_in: StripeStandIn) -> list[str]:
    prefix = "charge.dispute."
    types = [event["type"] for event in stand_in.events()]
    return [kind.removeprefix(prefix) for kind in types if kind.startswith(prefix)]


@pytest.mark.parametrize(
    ("ending", "after"), [("won", ["closed", "funds_reinstated"]), ("lost", ["closed"])]
)
def test_a_dispute_takes_the_money_until_it_is_won(
    stand_in: StripeStandIn,
    client: stripe.StripeClient,
    intent: str,
    ending: Ending,
    after: list[str],
) -> None:
    stand_in.refund(intent, 900)
    opened = stand_in.open_dispute(intent)
    assert (opened["status"], opened["amount"]) == ("needs_response", 4000)
    assert client.v1.disputes.list({"payment_intent": intent}).data[0].id == opened["id"]
    stand_in.close_dispute(opened["id"], ending=ending)
    found = client.v1.disputes.retrieve(opened["id"])
    moved = sum(move.amount for move in found.balance_transactions)
    assert (found.status, moved) == (ending, 0 if ending == "won" else -4000)
    assert told(stand_in) == ["created", "funds_withdrawn", *after]
    with pytest.raises(ApiError, match="closed"):
        stand_in.close_dispute(opened["id"], ending="won")


def test_what_the_bank_took_cannot_be_refunded_too(
    stand_in: StripeStandIn, client: stripe.StripeClient, intent: str
) -> None:
    dispute = stand_in.open_dispute(intent)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": intent})
    assert caught.value.code == "charge_disputed"
    stand_in.close_dispute(dispute["id"], ending="won")
    assert client.v1.refunds.create({"payment_intent": intent}).status == "succeeded"


def test_an_inquiry_takes_no_money_unless_it_becomes_a_dispute(
    stand_in: StripeStandIn, client: stripe.StripeClient, intent: str
) -> None:
    inquiry = stand_in.open_dispute(intent, inquiry=True)
    assert inquiry["status"] == "warning_needs_response"
    assert told(stand_in) == ["created"]
    stand_in.escalate_dispute(inquiry["id"])
    assert told(stand_in) == ["created", "updated", "funds_withdrawn"]
    stand_in.submit_evidence(inquiry["id"])
    assert client.v1.disputes.retrieve(inquiry["id"]).status == "under_review"
    stand_in.close_dispute(inquiry["id"], ending="lost")
    assert client.v1.disputes.retrieve(inquiry["id"]).status == "lost"


def test_an_inquiry_can_just_end(
    stand_in: StripeStandIn, client: stripe.StripeClient, intent: str
) -> None:
    inquiry = stand_in.open_dispute(intent, inquiry=True)
    stand_in.close_dispute(inquiry["id"], ending="won")
    assert client.v1.disputes.retrieve(inquiry["id"]).status == "warning_closed"
    assert told(stand_in) == ["created", "closed"]


def test_a_payment_is_disputed_once(stand_in: StripeStandIn, intent: str) -> None:
    stand_in.open_dispute(intent)
    with pytest.raises(ApiError, match="already disputed"):
        stand_in.open_dispute(intent)
