import time
from pathlib import Path

import stripe

from lms.demo.stripe import StripeStandIn
from tests.demo.stripe.conftest import sdk
from tests.demo.stripe.portal import Portal
from tests.demo.stripe.purchase import checkout
from tests.patience import comes


def test_every_event_is_told_once_in_order_and_signed(
    stand_in: StripeStandIn, client: stripe.StripeClient, portal: Portal
) -> None:
    for _ in range(3):
        stand_in.pay(checkout(client).id)
    stand_in.wait_until_delivered()
    ids = [event["id"] for event in stand_in.events()]
    assert [event["id"] for event in portal.heard] == ids
    assert len(ids) == 12
    assert portal.refused == []
    assert {event["api_version"] for event in portal.heard} == {stripe.api_version}


def test_what_is_told_is_what_the_api_tells(
    stand_in: StripeStandIn, client: stripe.StripeClient, portal: Portal
) -> None:
    session = client.v1.checkout.sessions.retrieve(stand_in.pay(checkout(client).id)["id"])
    stand_in.wait_until_delivered()
    told = portal.heard[-1]
    assert told["data"]["object"] == session.to_dict()
    assert client.v1.events.retrieve(told["id"]).to_dict() == told | {"pending_webhooks": 0}


def test_a_portal_that_fails_is_told_again_in_order_until_it_hears(
    stand_in: StripeStandIn, client: stripe.StripeClient, portal: Portal
) -> None:
    portal.status = 500
    stand_in.pay(checkout(client).id)
    first, *others = [event["id"] for event in stand_in.events()]
    assert comes(lambda: portal.attempts.count(first) >= 3)
    assert set(portal.attempts) == {first}
    portal.status = 200
    stand_in.wait_until_delivered()
    assert [event["id"] for event in portal.heard] == [first, *others]


def test_pauses_grow(stand_in: StripeStandIn, client: stripe.StripeClient, portal: Portal) -> None:
    portal.status = 503
    started = time.monotonic()
    stand_in.expire(checkout(client).id)
    assert comes(lambda: len(portal.attempts) == 4)
    assert time.monotonic() - started >= 0.05 + 0.1 + 0.2


def test_an_event_that_is_never_taken_lets_the_others_pass(tmp_path: Path) -> None:
    with Portal() as portal:
        portal.status = 500
        with StripeStandIn(
            tmp_path,
            portal_url=portal.url,
            webhook_secret=portal.secret,
            retry_seconds=0.001,
            look_every=0.01,
        ) as stand_in:
            stand_in.pay(checkout(sdk(stand_in.url)).id)
            ids = {event["id"] for event in stand_in.events()}
            assert comes(lambda: set(portal.attempts) == ids)


def test_while_deliveries_are_paused_nothing_is_told_and_nothing_lost(
    stand_in: StripeStandIn, client: stripe.StripeClient, portal: Portal
) -> None:
    stand_in.pause_deliveries()
    stand_in.pause_deliveries()
    stand_in.pay(checkout(client).id)
    time.sleep(0.3)
    assert portal.attempts == []
    stand_in.resume_deliveries()
    stand_in.wait_until_delivered()
    assert portal.types[-1] == "checkout.session.completed"


def test_the_last_events_can_be_told_again(
    stand_in: StripeStandIn, client: stripe.StripeClient, portal: Portal
) -> None:
    stand_in.pay(checkout(client).id)
    stand_in.wait_until_delivered()
    stand_in.deliver_again(last=2)
    stand_in.wait_until_delivered()
    assert portal.attempts[-4:] == portal.attempts[2:4] * 2


def test_without_a_portal_events_can_be_signed_by_hand(tmp_path: Path) -> None:
    with StripeStandIn(tmp_path) as stand_in:
        stand_in.expire(checkout(sdk(stand_in.url)).id)
        (event,) = stand_in.events()
        body, headers = stand_in.signed(event)
        told = stripe.Webhook.construct_event(
            body, headers["Stripe-Signature"], stand_in.webhook_secret
        )
        assert (told.id, told.type) == (event["id"], "checkout.session.expired")
