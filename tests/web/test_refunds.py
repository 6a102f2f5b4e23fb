"""Refunds, by an admin's form and by JSON."""

import re
from typing import Any

from flask import Flask

from lms.demo.stripe import StripeStandIn
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import entered, error_at
from tests.web.purchases import bought, hear


def test_an_admin_looks_into_a_payment_and_refunds_a_part(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, course: int, sql: Sql, act: Act
) -> None:
    bought(student, stripe, course)
    [payment] = sql("SELECT * FROM payments")
    page = admin.get("/admin/payments/1").text
    for told in (payment.stripe_session_id, payment.stripe_payment_intent_id, payment.reference):
        assert told in page
    confirm = admin.get("/admin/payments/1/refund").text
    assert 'value="49.00"' in confirm
    for amount, reason in (
        ("9.999", "x"),
        ("50", "x"),
        ("-1", "x"),
        ("9", ""),
        ("NaN", "x"),
        ("ten", "x"),
    ):
        answer = admin.send_form("/admin/payments/1/refund", amount=amount, reason=reason)
        assert answer.status_code == 422, amount
        assert error_at(answer.text, "amount" if reason else "reason"), amount
        sent = {"amount": amount, "reason": reason}
        assert entered(answer.text).items() >= sent.items()
    assert "Enter an amount, such as 49.00." in answer.text
    assert "Not a valid" not in answer.text
    answer = admin.send_form("/admin/payments/1/refund", amount="9", reason="A cold oven")
    assert (answer.status_code, answer.location) == (303, "/admin/payments/1")
    assert sql("SELECT status FROM payments")[0].status == "paid"
    hear(admin, stripe)
    assert sql("SELECT status, refunded_cents FROM payments") == [("partially_refunded", 900)]
    assert "€9.00" in admin.get("/admin/payments/1").text
    answer = admin.send_json("POST", "/api/admin/payments/1/refund", {"amountCents": 4001})
    assert (answer.status_code, "amountCents" in answer.get_json()["errors"]) == (422, True)
    answer = admin.send_json("POST", "/api/admin/payments/1/refund")
    assert (answer.status_code, answer.get_json()["amountCents"]) == (202, 4000)
    hear(admin, stripe)
    assert sql("SELECT status FROM payments")[0].status == "refunded"
    answer = admin.send_json("POST", "/api/admin/payments/1/refund", {})
    assert answer.status_code == 409
    assert admin.send_json("POST", "/api/admin/payments/99/refund", {}).status_code == 404
    assert admin.get("/admin/payments/1/refund").status_code == 303


def test_a_form_pressed_five_times_is_one_refund(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, course: int, sql: Sql, act: Act
) -> None:
    bought(student, stripe, course)
    hear(admin, stripe)
    shown = [admin.get("/admin/payments/1/refund").text for _ in range(2)]
    ids = [re.findall('name="refund_id"[^>]* value="([^"]+)"', page) for page in shown]
    assert [len(found) for found in ids] == [1, 1]
    assert ids[0] != ids[1]
    fields = {"refund_id": ids[0][0], "amount": "10", "reason": "A cold oven"}
    wrong = admin.send_form("/admin/payments/1/refund", **fields | {"amount": "ten"})
    assert f'value="{ids[0][0]}"' in wrong.text  # nothing was requested yet
    for _ in range(5):
        answer = admin.send_form("/admin/payments/1/refund", **fields)
        assert (answer.status_code, answer.location) == (303, "/admin/payments/1")
    hear(admin, stripe)
    admin.send_form("/admin/payments/1/refund", **fields)
    hear(admin, stripe)
    assert sql("SELECT status, refunded_cents FROM payments") == [("partially_refunded", 1000)]
    admin.send_form("/admin/payments/1/refund", **fields | {"amount": "11"})
    assert (
        "This form was already sent with different values." in admin.get("/admin/payments/1").text
    )
    odd = admin.send_form("/admin/payments/1/refund", **fields | {"refund_id": "a b"})
    assert (odd.status_code, "Reload this page and try again." in odd.text) == (422, True)


def test_an_idempotency_key_is_one_refund_for_good(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, course: int, sql: Sql
) -> None:
    bought(student, stripe, course)
    hear(admin, stripe)

    def ask(key: str | None, amount: int) -> tuple[int, dict[str, Any]]:
        headers = {"X-CSRFToken": admin.csrf_token()} | ({"Idempotency-Key": key} if key else {})
        answer = admin.post(
            "/api/admin/payments/1/refund", json={"amountCents": amount}, headers=headers
        )
        return answer.status_code, answer.get_json()

    taken = {
        "refundId": "key-1",
        "paymentId": 1,
        "amountCents": 1000,
        "currency": "eur",
        "status": "taken",
    }
    for _ in range(3):
        assert ask("key-1", 1000) == (202, taken)
    status, said = ask("key-1", 900)
    assert (status, said["code"]) == (409, "key_reused")
    status, said = ask(None, 1000)
    assert (status, said["code"]) == (409, "refund_pending")
    status, said = ask("é", 1000)
    assert (status, list(said["errors"])) == (422, ["idempotencyKey"])
    status, said = ask("k" * 256, 1000)
    assert status == 422
    hear(admin, stripe)
    status, said = ask(None, 1000)
    assert (status, said["amountCents"]) == (202, 1000)
    assert said["refundId"] not in {"", "key-1"}
    hear(admin, stripe)
    assert ask("key-1", 1000) == (202, taken)
    assert sql("SELECT refunded_cents FROM payments") == [(2000,)]


def test_a_refund_that_stripe_has_not_taken_is_shown(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, course: int, app: Flask, sql: Sql
) -> None:
    bought(student, stripe, course)
    app.config["STRIPE_API_BASE"] = "http://127.0.0.1:9"
    fields = {"refund_id": "form", "amount": "10", "reason": "A cold oven"}
    assert admin.send_form("/admin/payments/1/refund", **fields).status_code == 303
    page = admin.get("/admin/payments/1").text
    assert "The refund is saved" in page
    assert "Waiting for Stripe" in page
    app.config["STRIPE_API_BASE"] = stripe.url
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    stripe.refund(payment.intent)
    admin.send_form("/admin/payments/reconcile")
    assert (
        "The payment has already been fully refunded in Stripe."
        in admin.get("/admin/payments/1").text
    )


def test_students_refund_nothing(student: Browser, stripe: StripeStandIn, course: int) -> None:
    bought(student, stripe, course)
    assert student.send_json("POST", "/api/admin/payments/1/refund", {}).status_code == 403
    assert student.send_form("/admin/payments/1/refund", reason="x").status_code == 403
