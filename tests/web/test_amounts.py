"""What is typed into a field for an amount of money."""

import re

import pytest
from flask import Flask

from lms import payments
from lms.refusals import Invalid
from lms.web.admin.payments import RefundForm
from lms.web.forms import in_minor_units
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import error_at

NO_AMOUNTS = (
    *("1,20,00", "1.200.50", "1,2.5", ",5", "1 20", "1 2000"),
    *("sNaN", "NaN", "Infinity", "1e999999", "1e-999999", "1e5", "1_000", "1" * 40),
)
SENT = {"currency": "EUR", "method": "transfer", "reference": "2026-0815", "paid_on": "2026-10-05"}


def test_browsers_leave_what_is_typed_as_an_amount_to_us(admin: Browser, act: Act) -> None:
    act(a_course, price_cents=4900)
    for address, name in (("/admin/courses/new", "price"), ("/admin/payments/new", "amount")):
        [field] = re.findall(rf'<input[^>]* name="{name}"[^>]*>', admin.get(address).text)
        assert 'type="text"' in field
        assert 'inputmode="decimal"' in field


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
        ("49,00", "eur", 4900),
        ("120,5", "eur", 12050),
        ("1,200.50", "eur", 120050),
        ("1.200,50", "eur", 120050),
        ("1 200,50", "eur", 120050),
        ("1'200.50", "chf", 120050),
        ("1,200,000", "eur", 120000000),
        ("0.500", "eur", None),
        ("0.500", "kwd", 500),
        ("10,0000", "cny", None),
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


@pytest.mark.parametrize(
    ("typed", "currency", "said"),
    [
        ("1.200", "eur", "This can be read in two ways. Write 1200.00 or 1.20."),
        ("-12,340", "eur", "This can be read in two ways. Write -12340.00 or -12.34."),
        ("1,200", "kwd", "This can be read in two ways. Write 1200.000 or 1.200."),
        ("12,345", "jpy", "Write 12345, without a thousands separator."),
        ("9,999", "usd", "Write 9999.00, without a thousands separator."),
    ],
)
def test_what_may_have_a_sign_for_thousands_is_asked_for_again(
    app: Flask, typed: str, currency: str, said: str
) -> None:
    with app.test_request_context(method="POST", data={"amount": typed}):
        amount = RefundForm().amount
        with pytest.raises(Invalid) as refused:
            in_minor_units(amount, currency)
    assert refused.value.detail == said


def test_a_price_that_can_be_two_says_both_at_its_field(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course, price_cents=4900)
    sent = {"title": "Algebra", "status": "draft", "currency": "eur"}
    answer = admin.send_form(f"/admin/courses/{course}", **sent, price="1.200")
    assert answer.status_code == 422
    words = "This can be read in two ways. Write 1200.00 or 1.20."
    assert error_at(answer.text, "price") == words
    assert 'value="1.200"' in answer.text
    assert admin.send_form(f"/admin/courses/{course}", **sent, price="120,50").status_code == 303
    assert sql("SELECT price_cents FROM courses") == [(12050,)]
