from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import stripe

from lms.demo.stripe import StripeStandIn
from tests.demo.stripe.conftest import sdk
from tests.demo.stripe.purchase import checkout, intent_of, line, params
from tests.patience import PATIENCE


def refusal(stand_in: StripeStandIn, **headers: str) -> requests.Response:
    return requests.get(f"{stand_in.url}/v1/events", headers=headers, timeout=PATIENCE)


def answered(found: stripe.StripeObject) -> Any:
    """Return the answer that an object came with."""
    return found.last_response


def test_no_key_and_a_wrong_key_stay_outside(stand_in: StripeStandIn) -> None:
    for headers in ({}, {"Authorization": "Bearer sk_test_other"}, {"Authorization": "Basic x"}):
        answer = refusal(stand_in, **headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_request_error"
    with pytest.raises(stripe.AuthenticationError):
        sdk(stand_in.url, key="sk_test_other").v1.events.list()


@pytest.mark.parametrize("key", ["sk_live_51abc", "rk_live_51abc"])
def test_a_live_key_is_refused_loudly_and_never_repeated(
    stand_in: StripeStandIn, key: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = refusal(stand_in, Authorization=f"Bearer {key}")
    assert answer.status_code == 401
    assert "no live key" in answer.json()["error"]["message"]
    said = capfd.readouterr().err
    assert "REFUSED" in said
    assert "51abc" not in said + answer.text


def test_another_api_version_than_the_sdks_is_refused(stand_in: StripeStandIn) -> None:
    headers = {"Authorization": f"Bearer {stand_in.key}", "Stripe-Version": "2019-01-01"}
    answer = refusal(stand_in, **headers)
    assert answer.status_code == 400
    assert stripe.api_version in answer.json()["error"]["message"]


def test_every_answer_has_a_request_id(client: stripe.StripeClient) -> None:
    assert str(answered(client.v1.events.list()).request_id).startswith("req_")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.retrieve("re_missing")
    assert str(caught.value.request_id).startswith("req_")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_an_address_that_stripe_does_not_have_is_an_error_in_its_form(
    stand_in: StripeStandIn,
) -> None:
    for path in ("/v1/nothing", "/v1/refunds/re_1/cancel"):
        answer = requests.post(f"{stand_in.url}{path}", timeout=PATIENCE)
        assert answer.status_code == 404
        assert "Unrecognized request URL" in answer.json()["error"]["message"]


def test_an_unknown_parameter_is_refused_by_name(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        checkout(client, line_items=[line() | {"adjustable": True}])
    assert caught.value.param == "line_items[0][adjustable]"
    assert "Received unknown parameter" in str(caught.value.user_message)
    unknown: Any = {"since": 1}
    with pytest.raises(stripe.InvalidRequestError, match="Received unknown parameter: since"):
        client.v1.events.list(unknown)


def test_the_same_key_gets_the_same_answer(client: stripe.StripeClient) -> None:
    first = checkout(client, key="one")
    again = checkout(client, key="one")
    assert again.id == first.id
    assert answered(again).headers["Idempotent-Replayed"] == "true"
    assert answered(again).request_id == answered(first).request_id
    assert checkout(client, key="two").id != first.id


def test_the_same_key_for_something_else_is_an_error(client: stripe.StripeClient) -> None:
    checkout(client, key="one")
    with pytest.raises(stripe.IdempotencyError):
        checkout(client, key="one", client_reference_id="ref-2")
    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create({"payment_intent": "pi_1"}, {"idempotency_key": "one"})


def test_forty_at_once_with_one_key_open_one_checkout(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    with ThreadPoolExecutor(20) as pool:
        ids = list(pool.map(lambda _: checkout(client, key="one").id, range(40)))
    assert len(set(ids)) == 1
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_a_refusal_is_remembered_but_wrong_parameters_are_not(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    for wrong in ({"mode": "donation"}, {"mode": "subscription"}):
        with pytest.raises(stripe.InvalidRequestError):
            checkout(client, key="one", **wrong)
    session = checkout(client, key="one")
    stand_in.expire(session.id)
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
            client.v1.checkout.sessions.expire(session.id, {}, {"idempotency_key": "gone"})
    answer = requests.post(
        f"{stand_in.url}/v1/checkout/sessions/{session.id}/expire",
        headers={"Authorization": f"Bearer {stand_in.key}", "Idempotency-Key": "gone"},
        timeout=PATIENCE,
    )
    assert answer.headers["Idempotent-Replayed"] == "true"


def test_lists_are_paged_newest_first(client: stripe.StripeClient) -> None:
    made = [checkout(client, client_reference_id=f"ref-{i}").id for i in range(7)]
    sessions = client.v1.checkout.sessions
    page = sessions.list({"limit": 3})
    assert ([s.id for s in page.data], page.has_more) == (made[:-4:-1], True)
    page = sessions.list({"limit": 4, "starting_after": made[4]})
    assert ([s.id for s in page.data], page.has_more) == (made[3::-1], False)
    page = sessions.list({"limit": 2, "ending_before": made[2]})
    assert ([s.id for s in page.data], page.has_more) == ([made[4], made[3]], True)
    everything = sessions.list({"limit": 2}).auto_paging_iter()
    assert [s.id for s in everything] == made[::-1]


def test_a_page_cannot_start_nowhere_or_be_endless(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        client.v1.events.list({"starting_after": "evt_none"})
    for limit in (0, 101):
        with pytest.raises(stripe.InvalidRequestError, match="This value must be"):
            client.v1.events.list({"limit": limit})


def test_lists_are_filtered(stand_in: StripeStandIn, client: stripe.StripeClient) -> None:
    first, second, third = (checkout(client, client_reference_id=name) for name in "abc")
    intent = intent_of(stand_in.pay(first.id))
    stand_in.expire(second.id)
    listed = client.v1.checkout.sessions.list
    assert [s.id for s in listed({"payment_intent": intent}).data] == [first.id]
    assert [s.id for s in listed({"status": "open"}).data] == [third.id]
    assert [s.id for s in listed({"status": "expired"}).data] == [second.id]
    details = {"customer_details": {"email": "ada@example.org"}}
    assert [s.id for s in listed(details).data] == [first.id]  # type: ignore[arg-type]  # plain


def test_events_are_filtered_by_type_and_time(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    stand_in.pay(checkout(client).id)
    stand_in.expire(checkout(client).id)
    events = client.v1.events.list
    two = ["checkout.session.completed", "checkout.session.expired"]
    assert [e.type for e in events({"types": two}).data] == two[::-1]
    assert [e.type for e in events({"type": "checkout.session.*"}).data] == two[::-1]
    created = events().data[0].created
    assert events({"created": {"gt": created + 60}}).data == []
    assert len(events({"created": {"gte": created - 60}}).data) == len(events().data)
    assert events({"created": created - 60}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="not both"):
        events({"type": two[0], "types": two})


def test_what_an_answer_names_can_be_expanded(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    session = checkout(client)
    intent = intent_of(stand_in.pay(session.id))
    stand_in.refund(intent, 900)
    asked = {"expand": ["payment_intent.latest_charge.refunds", "line_items"]}
    found = client.v1.checkout.sessions.retrieve(session.id, asked).to_dict()  # type: ignore[arg-type]  # plain
    charge = found["payment_intent"]["latest_charge"]
    assert (charge["amount_refunded"], charge["refunds"]["data"][0]["amount"]) == (900, 900)
    assert found["line_items"]["data"][0]["description"] == "Bookbinding"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.payment_intents.retrieve(intent, {"expand": ["surprise"]})


def test_a_form_that_contradicts_itself_is_refused(stand_in: StripeStandIn) -> None:
    for body in ("a=1&a[b]=2", "a[b]=2&a=1", "a=1&a=2", "[a]=1", "a[b=1", "a" + "[b]" * 50 + "=1"):
        answer = requests.post(
            f"{stand_in.url}/v1/refunds",
            data=body,
            headers={
                "Authorization": f"Bearer {stand_in.key}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            timeout=PATIENCE,
        )
        assert (answer.status_code, "error" in answer.json()) == (400, True), body


def test_what_the_portal_asks_for_is_what_the_sdk_sends(client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(params())
    assert (session.amount_total, session.currency, session.livemode) == (4900, "eur", False)
    assert (session.status, session.payment_status) == ("open", "unpaid")
