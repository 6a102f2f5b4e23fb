"""Prices and payments of old schools: no paid course becomes free, no amount is guessed."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from lms import sync
from lms.db import at
from lms.importing import answers, import_legacy
from lms.importing.legacy.prices import Amount, compared, figure, to_minor, unit_of
from tests.commands import run
from tests.conftest import Sql
from tests.importing.conftest import Import, assert_sound
from tests.importing.old import PEOPLE, make, outcome

COURSES = "SELECT title, status, is_public, price_cents, currency FROM courses ORDER BY title"
PAID = "SELECT amount_cents, status, refunded_cents FROM payments ORDER BY id"


def _school(prices: list[Any], paid: list[Any], **more: Any) -> dict[str, list[dict[str, Any]]]:
    course = {"status": "published", "isPublic": "t", "currency": "usd", **more}
    payments: dict[str, list[dict[str, Any]]] = {
        "payments": [
            {
                "id": n,
                "userId": n,
                "courseId": 2,
                "amount": amount,
                "currency": "USD",
                "status": "paid",
                "stripeSessionId": f"cs_{n}",
            }
            for n, amount in enumerate(paid, 1)
        ]
    }
    courses = [
        {"id": n, "title": f"C{n}", "price": price, **course} for n, price in enumerate(prices, 1)
    ]
    return {"users": PEOPLE, "courses": courses, **(payments if paid else {})}


# What the data decides: prices and payments, their types, and what the second course costs.
DECIDED: list[tuple[list[Any], list[Any], dict[str, str], int, int]] = [
    ([0, 19.99], [19.99], {}, 1999, 1999),
    (["0", "19,99 €"], ["$19.99"], {}, 1999, 1999),
    ([0, "20.00"], ["20.00"], {}, 2000, 2000),
    ([0, 20], [20], {"courses.price": "DECIMAL(10,2)"}, 2000, 2000),
    ([0, 1999], [1999], {"courses.price": "numeric(8, 2)"}, 199900, 199900),
    ([0, 19.99], [1999], {"payments.amount": "INTEGER"}, 1999, 1999),  # the price tells the rest
    ([0, 20], [2000], {}, 2000, 2000),  # a hundredfold: the one in dollars, the other in cents
    ([0, 20], [20], {"payments.amount": "INTEGER"}, 2000, 2000),  # Stripe takes no 20 cents
]


@pytest.mark.parametrize("decided", DECIDED)
def test_amounts_are_taken_in_the_unit_that_the_data_proves(
    decided: tuple[list[Any], list[Any], dict[str, str], int, int], bring_in: Import, sql: Sql
) -> None:
    prices, paid, types, price, amount = decided
    report = bring_in(_school(prices, paid), types)
    assert report.questions == []
    assert [tuple(row) for row in sql(COURSES)] == [
        ("C1", "published", True, 0, "usd"),
        ("C2", "published", True, price, "usd"),
    ]
    assert [tuple(row) for row in sql(PAID)] == [(amount, "paid", 0)]


@pytest.mark.parametrize(("unit", "cents"), [("decimal", 199900), ("minor", 1999)])
def test_what_is_not_certain_is_asked_and_until_then_nobody_can_join(
    unit: str, cents: int, app: Flask, old_url: str, sql: Sql
) -> None:
    school = _school([0, 1999], [1999])
    school["enrollments"] = [{"id": 1, "userId": 1, "courseId": 2}]
    make(old_url, school)
    preview = run(app, "import", "legacy", old_url)
    assert preview.exit_code == 1
    first, asked = preview.stdout.splitlines()[:2]
    assert first == "Questions to answer:"
    assert "courses.price (1999); payments.amount (1999)" in asked
    assert "--prices minor" in preview.stdout
    applied = run(app, "import", "legacy", old_url, "--apply", "--json")
    assert applied.exit_code == 1
    assert json.loads(applied.stdout)["questions"][0]["topic"] == "money"
    assert [tuple(row) for row in sql(COURSES)] == [
        ("C1", "published", True, 0, "usd"),
        ("C2", "draft", False, 0, "usd"),
    ]
    assert sql(PAID) == []
    assert sql("SELECT kind FROM access_sources") == [("import",)]
    again = run(app, "import", "legacy", old_url, "--apply", "--prices", unit)
    assert again.exit_code == 0
    assert "its price and status are set now" in again.stdout
    assert [tuple(row) for row in sql(COURSES)][1] == ("C2", "published", True, cents, "usd")
    assert [tuple(row) for row in sql(PAID)] == [(cents, "paid", 0)]
    assert sql("SELECT kind FROM access_sources") == [("payment",)]
    with app.app_context():
        third = import_legacy(old_url, apply=True, said=answers(prices=[unit]))
        assert (third.created, third.repaired) == (0, 0)
        assert_sound()


def test_a_draft_that_an_admin_has_priced_since_stays_as_it_is(
    context: Flask, old_url: str, sql: Sql
) -> None:
    make(old_url, _school([0, 1999], [1999]))
    import_legacy(old_url, apply=True)
    sql("UPDATE courses SET price_cents = 500 WHERE title = 'C2'")
    import_legacy(old_url, apply=True, said=answers(prices=["minor"]))
    assert [tuple(row) for row in sql(COURSES)][1] == ("C2", "draft", False, 500, "usd")


def test_yen_have_no_cents_and_nothing_is_nothing(bring_in: Import, sql: Sql) -> None:
    report = bring_in(_school([0, 1500], [], currency="JPY"))
    assert report.questions == []
    assert [tuple(row) for row in sql(COURSES)][1] == ("C2", "published", True, 1500, "jpy")


def test_what_others_paid_for_is_not_free_because_its_price_is_nowhere(
    bring_in: Import, sql: Sql
) -> None:
    courses = [
        {"id": 1, "title": "Sold", "isPublic": "t"},
        {"id": 2, "title": "Free", "isPublic": "t"},
        {"id": 3, "title": "At Stripe", "isPublic": "t", "stripePriceId": "price_1"},
        {"id": 4, "title": "Not free", "isPublic": "t", "isFree": "false"},
        {"id": 5, "title": "Elsewhere", "isPublic": "t", "salePrice": "9.50"},
        {"id": 6, "title": "Unreadable", "isPublic": "t", "price": "ask us"},
        {"id": 7, "title": "Two prices", "isPublic": "t", "priceCents": 0, "price": "9.50"},
    ]
    paid = {"userId": 1, "courseId": 1, "amountCents": 900, "currency": "eur", "status": "paid"}
    report = bring_in({"users": PEOPLE, "courses": courses, "payments": [{"id": 1, **paid}]})
    assert [(row.title, row.status, row.price_cents) for row in sql(COURSES)] == [
        ("At Stripe", "draft", 0),
        ("Elsewhere", "draft", 0),
        ("Free", "published", 0),
        ("Not free", "draft", 0),
        ("Sold", "draft", 0),
        ("Two prices", "published", 950),
        ("Unreadable", "draft", 0),
    ]
    assert "others paid for it" in outcome(report, "courses", 1)
    [table] = [table for table in report.tables if table.table == "courses"]
    assert {reason.topic for reason in table.reasons} == {"money"}


def test_method_reference_and_the_parts_of_an_amount_are_kept(bring_in: Import, sql: Sql) -> None:
    paid = {"courseId": 1, "status": "paid", "currency": "usd"}
    bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": 1, "title": "A", "price": "30.00", "currency": "usd"}],
            "payments": [
                {
                    "id": 1,
                    "userId": 1,
                    **paid,
                    "amount": "26.50",
                    "subtotal": "30.00",
                    "discount": "5.00",
                    "tax": "1.50",
                    "paymentMethod": "bank_transfer",
                    "reference": "INV-7",
                    "invoiceNumber": "2026-7",
                },
                {
                    "id": 2,
                    "userId": 2,
                    **paid,
                    "amount": "30.00",
                    "subtotal": "99.00",
                    "paymentMethod": "PayPal",
                    "transactionId": "8AB1",
                },
                {
                    "id": 3,
                    "userId": 3,
                    **paid,
                    "amount": "30.00",
                    "paymentMethod": "card",
                    "transactionId": "pi_3",
                },
                {
                    "id": 4,
                    "userId": 4,
                    **paid,
                    "amount": "30.00",
                    "refundAmount": "10.00",
                    "paymentMethod": "cash",
                    "reference": "INV-7",
                },
                {
                    "id": 5,
                    "userId": 2,
                    **paid,
                    "amount": "30.00",
                    "status": "failed",
                    "paymentMethod": "PayPal",
                    "transactionId": "8AB1",
                },
            ],
        }
    )
    stored = sql(
        "SELECT method, reference, invoice_number, subtotal_cents, discount_cents, tax_cents,"
        " amount_cents, refunded_cents, stripe_payment_intent_id, status FROM payments ORDER BY id"
    )
    assert [tuple(row) for row in stored] == [
        ("transfer", "INV-7", "2026-7", 3000, 500, 150, 2650, 0, None, "paid"),
        ("other", "8AB1", None, None, 0, 0, 3000, 0, None, "paid"),
        ("stripe", None, None, None, 0, 0, 3000, 0, "pi_3", "paid"),
        ("cash", "INV-7", None, None, 0, 0, 3000, 1000, None, "partially_refunded"),
        ("other", None, None, None, 0, 0, 3000, 0, None, "failed"),
    ]


def test_an_amount_is_read_however_it_is_grouped() -> None:
    for written, number in (
        ("$1,999.00", "1999"),
        ("1.999,50 €", "1999.5"),
        ("1,999", "1999"),
        ("19,99", "19.99"),
        ("1.234.567", "1234567"),
        ("-5", "-5"),
        (19.989999999999998436, "19.99"),
        ("free", None),
        ("", None),
    ):
        found = figure(written)
        assert (None if found is None else f"{found.normalize():f}") == number, written


def test_minor_units_are_those_of_the_currency() -> None:
    nineteen = figure("19.99")
    assert nineteen is not None
    assert [to_minor(nineteen, currency, "decimal") for currency in ("usd", "kwd", "jpy")] == [
        (1999, True),
        (19990, True),
        (20, False),
    ]


def test_one_fraction_among_whole_numbers_decides_nothing() -> None:
    cents = [Amount(each, "usd") for each in (1999, 2999, 4900, 19.5)]
    assert unit_of("INTEGER", cents) is None
    assert unit_of("", cents) == "decimal"
    assert compared([], None, [], "minor") == (None, "minor")


def test_payments_are_in_the_books_by_the_zone_that_the_environment_names(
    bring_in: Import, sql: Sql, context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", "Pacific/Auckland")
    school = _school([0, 19.99], [19.99])
    school["payments"][0]["createdAt"] = "2026-10-31T12:00:00Z"
    bring_in(school)
    assert [row.month for row in sql("SELECT month FROM money_movements")] == ["2026-11"]


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Pacific/Auckland"])
def test_a_payment_s_bare_day_is_of_its_month_in_the_books(
    bring_in: Import, sql: Sql, context: Flask, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", zone)
    days = ["2026-11-01", "01.11.2026", "20261101", "2026-11-30", "30.11.2026"]
    school = _school([0, 19.99], [19.99] * len(days))
    for row, day in zip(school["payments"], days, strict=True):
        row["paidAt"] = day
    with at(datetime(2026, 11, 29, 20, tzinfo=UTC)):  # in Auckland it is the 30th
        bring_in(school)
        assert not any(sync.validate().counts.values())
    booked = sql("SELECT month FROM money_movements ORDER BY payment_id")
    assert [row.month for row in booked] == ["2026-11"] * len(days)


def test_a_bare_day_of_an_old_school_is_of_the_zone_that_its_owner_names(
    bring_in: Import, sql: Sql
) -> None:
    school = _school([0, 19.99], [19.99])
    school["payments"][0]["paidAt"] = "2026-11-01"
    bring_in(school, timezone=["payments.paidAt=America/New_York"])
    [row] = sql("SELECT happened_at FROM money_movements")
    assert str(row.happened_at)[:16] == "2026-11-01 04:00"
