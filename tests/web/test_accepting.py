"""Accepting what was paid instead of the price agreed, by form and by JSON."""

import pytest
from flask import Flask

from tests.conftest import Sql
from tests.payments.conftest import Sale, a_sale
from tests.payments.stripe_events import SECRET, body_of, signed
from tests.web.browser import Browser
from tests.web.pages import error_at, text_of


@pytest.mark.parametrize(
    ("method", "status", "way_out"),
    [
        ("stripe", "disputed", "access is suspended. Respond in Stripe."),
        ("transfer", "disputed", "Settle it with the bank, then refund the payment or mark it"),
        ("cash", "needs_review", "Check what was paid. Enroll the student or refund"),
        ("other", "undeliverable", "Resolve what prevents it and retry the enrollment, or refund"),
    ],
)
def test_a_payment_to_review_says_what_to_do_where_nothing_is_noted(
    *, app: Flask, admin: Browser, sql: Sql, method: str, status: str, way_out: str
) -> None:
    with app.app_context():
        sale = a_sale()
    sql("UPDATE payments SET method = :method, status = :status", method=method, status=status)
    assert way_out in text_of(admin.get(f"/admin/payments/{sale.payment}").text)


@pytest.fixture
def sale(app: Flask, admin: Browser) -> Sale:
    """A purchase for which Stripe has charged 39.00 of 49.00."""
    app.config["STRIPE_WEBHOOK_SECRET"] = SECRET
    with app.app_context():
        sale = a_sale()
    body = body_of(sale.stripe.of(amount=3900).completed())
    answer = app.test_client().post(
        "/api/payments/webhook", data=body.encode(), headers=signed(body)
    )
    assert answer.status_code == 200
    return sale


def test_what_cannot_be_accepted_is_not_offered(app: Flask, admin: Browser) -> None:
    app.config["STRIPE_WEBHOOK_SECRET"] = SECRET
    with app.app_context():
        sale = a_sale()
    body = body_of(sale.stripe.of(currency="usd").completed())
    app.test_client().post("/api/payments/webhook", data=body.encode(), headers=signed(body))
    page = f"/admin/payments/{sale.payment}"
    shown = admin.get(page).text
    assert "instead of €49.00. Refund the payment, or mark it as reviewed" in text_of(shown)
    assert "Accept this amount" not in shown
    answer = admin.get(f"{page}/accept")
    assert answer.status_code == 303
    assert "Refund it instead." in text_of(admin.get(page).text)


def test_an_admin_accepts_an_amount_by_form(admin: Browser, sale: Sale, sql: Sql) -> None:
    page = f"/admin/payments/{sale.payment}"
    way_out = "instead of €49.00. Accept this amount to give access, or refund the payment."
    assert way_out in text_of(admin.get(page).text)
    shown = text_of(admin.get(f"{page}/accept").text)
    assert "Stripe charged €39.00 instead of €49.00." in shown
    refused = admin.send_form(f"{page}/accept", reason="")
    assert refused.status_code == 422
    assert error_at(refused.text, "reason") == "Enter a reason for the audit trail."
    assert sql("SELECT status FROM payments") == [("needs_review",)]
    answer = admin.send_form(f"{page}/accept", reason="a discount by phone")
    assert (answer.status_code, answer.location) == (303, page)
    assert sql("SELECT status, amount_cents FROM payments") == [("paid", 3900)]
    shown = text_of(admin.get(page).text)
    assert "Accept this amount" not in shown
    assert admin.get(f"{page}/accept").status_code == 303
    assert "a discount by phone" in text_of(admin.get("/admin/audit").text)


def test_an_admin_accepts_an_amount_by_json(
    admin: Browser, student: Browser, sale: Sale, sql: Sql
) -> None:
    call = f"/api/admin/payments/{sale.payment}/accept"
    assert student.send_json("POST", call, {}).status_code == 403
    assert admin.send_json("POST", call, {"reason": "x" * 501}).status_code == 422
    for _ in range(2):
        answer = admin.send_json("POST", call, {"reason": "enough"})
        assert (answer.status_code, answer.get_json()) == (
            200,
            {
                "paymentId": sale.payment,
                "status": "paid",
                "amountCents": 3900,
                "currency": "eur",
            },
        )
    assert sql("SELECT reason FROM audit_entries WHERE action = 'payment.amount_accepted'") == [
        ("enough",)
    ]
    sql("UPDATE payments SET accepted_cents = NULL")
    answer = admin.send_json("POST", call)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "conflict")
    assert admin.send_json("POST", "/api/admin/payments/99/accept", {}).status_code == 404
