"""What is typed into a field for an amount of money."""

import pytest
from flask import Flask

from lms import payments
from lms.web.admin.payments import RefundForm
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import error_at

NO_AMOUNTS = ("sNaN", "NaN", "Infinity", "1e999999", "1e-999999", "1e5", "49,00", "1_000", "1" * 40)
SENT = {"currency": "EUR", "method": "transfer", "reference": "2026-0815", "paid_on": "2026-10-05"}


@pytest.mark.parametrize("amount", NO_AMOUNTS)
def test_what_is_no_amount_of_money_is_said_at_its_field_of_each_form(
    admin: Browser, act: Act, sql: Sql, amount: str
) -> None:
    student, course = act(a_student, email="sam@example.org"), act(a_course, price_cents=4900)
    money = payments.ManualPayment(student, course, 4900, "eur", "cash", "Receipt 1")
    paid = act(payments.record_payment, money, by=admin.user_id)
    forms: dict[str, dict[str, object]] = {
        "/admin/payments/new": {**SENT, "email": "sam@example.org", "course_id": course},
        f"/admin/payments/{paid.payment_id}/refund": {"reason": "A mistake."},
        f"/admin/courses/{course}": {"title": "Algebra", "status": "draft", "currency": "eur"},
    }
    for address, fields in forms.items():
        name = "price" if "courses" in address else "amount"
        answer = admin.send_form(address, **fields, **{name: amount})
        assert answer.status_code == 422, address
        assert "49.00" in error_at(answer.text, name) or "from €0.50" in error_at(answer.text, name)
    assert sql("SELECT price_cents FROM courses") == [(4900,)]
    assert sql("SELECT amount_cents, refunded_cents FROM payments") == [(4900, 0)]


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        (" 49.00 ", "eur", 4900),
        ("49", "eur", 4900),
        ("49.", "eur", 4900),
        ("-1", "eur", -100),
        ("3000", "jpy", 3000),
        ("1.005", "kwd", 1005),
        ("49.001", "eur", None),
        ("0.5", "jpy", None),
        ("100000000000001.000000000001", "eur", None),
    ],
)
def test_an_amount_is_kept_to_its_last_digit(
    app: Flask, typed: str, currency: str, minor: int | None
) -> None:

    with app.test_request_context(method="POST", data={"amount": typed}):
        assert RefundForm().amount.minor_units(currency) == minor
