import time
from typing import Any, Never

import pytest
from stripe.params import EventListParams, RefundCreateParams
from stripe.params.checkout import SessionCreateParams

from lms.demo.stripe import objects, shapes
from lms.demo.stripe.shapes import RESOURCES, Mismatch, check, read_params


def session() -> dict[str, Any]:
    asked = {"success_url": "http://127.0.0.1/"}
    return objects.session(asked, amount=4900, currency="eur", origin="http://127.0.0.1")


def finding(form: dict[str, Any], shape: Any) -> tuple[str, str]:
    with pytest.raises(Mismatch) as caught:
        read_params(form, shape)
    return caught.value.path, caught.value.problem


def test_text_of_a_form_becomes_what_the_sdk_types_say() -> None:
    form = {
        "adaptive_pricing": {"enabled": "false"},
        "expires_at": "1800000000",
        "line_items": {"0": {"quantity": "2"}},
        "metadata": {"a": "1"},
    }
    assert read_params(form, SessionCreateParams) == {
        "adaptive_pricing": {"enabled": False},
        "expires_at": 1800000000,
        "line_items": [{"quantity": 2}],
        "metadata": {"a": "1"},
    }


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ({"surprise": "1"}, ("surprise", "unknown")),
        ({"line_items": {"0": {"surprise": "1"}}}, ("line_items[0][surprise]", "unknown")),
        (
            {"line_items": {"0": {"price_data": {"unit_amount": "1"}}}},
            ("line_items[0][price_data][currency]", "missing"),
        ),
        (
            {"line_items": {"0": {"quantity": "two"}}},
            ("line_items[0][quantity]", "invalid_integer"),
        ),
        ({"adaptive_pricing": {"enabled": "yes"}}, ("adaptive_pricing[enabled]", "invalid")),
        ({"adaptive_pricing": "no"}, ("adaptive_pricing", "invalid")),
        ({"line_items": {"first": {}}}, ("line_items", "invalid")),
        ({"mode": "donation"}, ("mode", "invalid")),
        ({"success_url": ""}, ("success_url", "invalid_empty")),
        ({"success_url": {"a": "b"}}, ("success_url", "invalid")),
        ({"idempotency_key": "an option of the SDK"}, ("idempotency_key", "unknown")),
    ],
)
def test_a_form_that_the_types_do_not_allow_is_found(
    form: dict[str, Any], found: tuple[str, str]
) -> None:
    assert finding(form, SessionCreateParams) == found


def test_one_of_several_forms_is_enough() -> None:
    assert read_params({"created": "5"}, EventListParams) == {"created": 5}
    assert read_params({"created": {"gte": "5"}}, EventListParams) == {"created": {"gte": 5}}
    assert finding({"created": {"since": "5"}}, EventListParams) == ("created[since]", "unknown")


def test_every_new_object_has_the_form_of_stripes() -> None:
    bought = session()
    intent = objects.payment_intent(bought, {})
    charge = objects.charge(intent, method=objects.CARD, email=None, origin="http://127.0.0.1")
    refund = objects.refund(charge, {}, amount=1, status="succeeded")
    dispute = objects.dispute(charge, amount=1, reason="fraudulent", inquiry=False)
    dispute["balance_transactions"] = [
        objects.balance_transaction(
            dispute, kind="adjustment", category="dispute", amount=-1, fee=2000
        )
    ]
    for body in (bought, intent, charge, refund, dispute):
        check(body)
        check(objects.event("refund.created", body, before=None, request={}))


@pytest.mark.parametrize(
    "changes",
    [
        {"surprise": 1},
        {"amount_total": "4900"},
        {"amount_total": True},
        {"created": time.time()},
        {"created": None},
        {"status": "done"},
        {"custom_text": {"surprise": None}},
        {"payment_intent": {"object": "charge"}},
        {"object": "session"},
        {"total_details": {"amount_discount": 0}},
        {"payment_method_types": [1]},
    ],
)
def test_an_object_that_stripe_would_not_send_is_found(changes: dict[str, Any]) -> None:
    with pytest.raises((Mismatch, KeyError)):
        check(session() | changes)


def test_an_object_without_a_required_field_is_found() -> None:
    body = session()
    del body["livemode"]
    with pytest.raises(Mismatch, match="Missing required param"):
        check(body)


def test_what_an_event_carries_is_checked_too() -> None:
    told = objects.event("refund.created", session() | {"surprise": 1}, before=None, request={})
    with pytest.raises(Mismatch, match="surprise"):
        check(told)


def test_an_event_of_a_type_that_stripe_does_not_have_is_found() -> None:
    with pytest.raises(Mismatch):
        check(objects.event("course.bought", session(), before=None, request={}))


def test_the_types_of_the_sdk_can_be_read() -> None:
    resources: dict[str, Any] = dict(RESOURCES)
    for kind, resource in resources.items():
        fields: dict[str, Any] = shapes._annotations(resource)
        assert fields.keys() >= {"id", "object"}, kind
        assert Never not in fields.values(), kind
    assert read_params({"payment_intent": "pi_1"}, RefundCreateParams) == {"payment_intent": "pi_1"}
