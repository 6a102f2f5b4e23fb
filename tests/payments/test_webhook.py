"""Only what Stripe has signed, lately, is read; everything else is a 400 that changes nothing."""

import time
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Sql
from tests.payments.conftest import Sale, Tell, payment_state
from tests.payments.stripe_events import SECRET, body_of, signed

URL = "/api/payments/webhook"


def test_a_signature_of_somebody_else_is_refused(sale: Sale, tell: Tell, sql: Sql) -> None:
    response = tell(sale.stripe.completed(), secret="whsec_of_somebody_else")
    assert (response.status_code, response.get_json()["code"]) == (400, "bad_request")
    assert payment_state(sql, sale) == ("pending", 0, 0)
    assert sql("SELECT 1 FROM stripe_events") == []


def test_an_old_delivery_cannot_be_played_again(sale: Sale, tell: Tell, sql: Sql) -> None:
    assert tell(sale.stripe.completed(), timestamp=int(time.time()) - 310).status_code == 400
    assert payment_state(sql, sale) == ("pending", 0, 0)
    assert tell(sale.stripe.completed(), timestamp=int(time.time()) - 290).status_code == 200


def test_a_delivery_that_claims_to_be_from_the_future_cannot_be_kept_for_later(
    sale: Sale, tell: Tell, sql: Sql
) -> None:
    assert tell(sale.stripe.completed(), timestamp=int(time.time()) + 310).status_code == 400
    assert payment_state(sql, sale) == ("pending", 0, 0)
    assert tell(sale.stripe.completed(), timestamp=int(time.time()) + 290).status_code == 200


def test_both_secrets_are_good_while_one_replaces_the_other(
    selling: Flask, sale: Sale, tell: Tell
) -> None:
    selling.config["STRIPE_WEBHOOK_SECRET"] = f"whsec_new, {SECRET}"
    assert tell(sale.stripe.completed()).status_code == 200
    assert tell(sale.stripe.expired(), secret="whsec_new").status_code == 200
    assert tell(sale.stripe.expired(), secret="whsec_other").status_code == 400


def test_a_header_with_two_signatures_is_good_by_either(
    client: FlaskClient, sale: Sale, sql: Sql
) -> None:
    body = body_of(sale.stripe.completed())
    now = int(time.time())
    old = signed(body, secret="whsec_old", timestamp=now)["Stripe-Signature"]
    new = signed(body, timestamp=now)["Stripe-Signature"].partition(",")[2]
    response = client.post(URL, data=body, headers={"Stripe-Signature": f"{old},{new}"})
    assert response.status_code == 200
    assert payment_state(sql, sale) == ("paid", 0, 1)


def test_a_changed_body_is_refused(client: FlaskClient, sale: Sale) -> None:
    body = body_of(sale.stripe.completed())
    changed = body.replace("4900", "1")
    assert client.post(URL, data=changed, headers=signed(body)).status_code == 400


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=",
        "t=1,v1=",
        "v1=abc",
        "t=x,v1=y",
        "t=1,t=2",
        "a" * 10_000,
        "t=99999999999999999999,v1=é",
    ],
)
def test_a_broken_header_is_a_400(client: FlaskClient, sale: Sale, header: str) -> None:
    body = body_of(sale.stripe.completed())
    headers = {"Stripe-Signature": header.encode().decode("latin-1")}
    assert client.post(URL, data=body, headers=headers).status_code == 400
    assert client.post(URL, data=body).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "1",
        '"text"',
        "{}",
        "{",
        "[" * 100_000,
        '{"id": "evt_1", "object": "event", "type": "checkout.session.completed"}',
        '{"id": 1, "object": "event", "type": "x", "data": {"object": {}}}',
        '{"id": "evt_1", "object": "v2.core.event", "type": "x", "data": {"object": {}}}',
        '{"id": "evt_\\u0000", "object": "event", "type": "x", "data": {"object": {}}}',
        '{"id": "evt_\\ud800", "object": "event", "type": "x", "data": {"object": {}}}',
        '{"id": "evt_1", "object": "event", "type": "x", "created": 1e999, "data": {"object": {}}}',
        '{"id": "evt_1", "object": "event", "type": "x", "created": 9007199254740991, '
        '"data": {"object": {}}}',
        '{"id": "evt_1", "object": "event", "type": "refund.created", "data": {"object": '
        '{"id": "re_1", "object": "refund", "amount": -5}}}',
        '{"id": "evt_1", "object": "event", "type": "checkout.session.completed", '
        '"data": {"object": {"id": "cs_1", "object": "checkout.session", "amount_total": "49"}}}',
        '{"id": "evt_1", "object": "event", "type": "x", "livemode": "no", "data": {"object": {}}}',
    ],
)
def test_a_signed_body_that_is_no_event_is_a_400(client: FlaskClient, sql: Sql, body: str) -> None:
    assert client.post(URL, data=body, headers=signed(body)).status_code == 400
    assert sql("SELECT 1 FROM stripe_events") == []


def test_bytes_that_are_no_text_are_a_400(client: FlaskClient) -> None:
    response = client.post(URL, data=b"\xff\xfe{}", headers={"Stripe-Signature": "t=1,v1=a"})
    assert response.status_code == 400


def test_more_than_a_megabyte_is_a_413(client: FlaskClient) -> None:
    body = "x" * 1_100_000
    in_chunks = {"input_stream": BytesIO(body.encode())}
    for sent in ({"data": body}, in_chunks):
        environ = {"wsgi.input_terminated": sent is in_chunks}
        response = client.post(URL, headers=signed(body), environ_overrides=environ, **sent)
        assert (response.status_code, response.get_json()["code"]) == (413, "too_large")


def test_without_a_secret_nothing_is_believed(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    for nothing in (None, ""):
        selling.config["STRIPE_WEBHOOK_SECRET"] = nothing
        response = tell(sale.stripe.completed(), secret="")
        assert (response.status_code, response.get_json()["code"]) == (503, "payments_unavailable")
    assert payment_state(sql, sale) == ("pending", 0, 0)


def test_blanks_and_commas_are_no_secret(selling: Flask, sale: Sale, tell: Tell) -> None:
    selling.config["STRIPE_WEBHOOK_SECRET"] = " , "
    assert tell(sale.stripe.completed(), secret=" ").status_code == 400


def test_neither_login_nor_csrf_token_is_asked_of_stripe(sale: Sale, tell: Tell) -> None:
    response: Any = tell(sale.stripe.completed())
    assert (response.status_code, response.json) == (200, {"outcome": "done"})
