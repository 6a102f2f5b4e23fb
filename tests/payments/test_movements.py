"""The books get what happens, with its date, in the transaction in which it becomes known."""

import itertools
from typing import Any

import pytest
from flask import Flask

from lms import sync
from lms.db import now
from lms.ledger.months import Month
from lms.payments import settle_payment
from lms.queries.books import books
from tests.conftest import Sql
from tests.payments.conftest import Sale, Tell

_ENTRIES = "SELECT kind, subject, amount_cents, month, booked_month FROM money_movements"


def entries(sql: Sql, order: str = "id") -> list[tuple[Any, ...]]:
    """Return the books: kind, subject, amount, month and in whose books it is."""
    return [tuple(row) for row in sql(f"{_ENTRIES} ORDER BY {order}")]


def at(event: dict[str, Any], day: str) -> dict[str, Any]:
    """Let an event be of the first moment of a day."""
    seconds = {
        "2026-09-30": 1_790_726_400,
        "2026-10-31": 1_793_404_800,
        "2026-11-02": 1_793_577_600,
    }
    return event | {"created": seconds[day]}


def test_what_was_paid_is_booked_in_its_month(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(at(sale.stripe.completed(), "2026-10-31"))
    assert entries(sql) == [("taken", "", 4900, "2026-10", "2026-10")]


def test_a_purchase_that_comes_to_nothing_is_in_no_books(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.expired())
    assert entries(sql) == []


def test_a_refund_counts_in_the_month_in_which_it_succeeded(
    sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(at(sale.stripe.completed(), "2026-09-30"))
    tell(at(sale.stripe.refund("created", "pending", amount=900), "2026-10-31"))
    assert len(entries(sql)) == 1
    tell(at(sale.stripe.refund("updated", "succeeded", amount=900), "2026-11-02"))
    assert entries(sql)[1:] == [("refunded", "re_1", 900, "2026-11", "2026-11")]


def test_a_refund_that_fails_after_it_has_succeeded_comes_back(
    sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(at(sale.stripe.completed(), "2026-09-30"))
    tell(at(sale.stripe.refund("created", "succeeded", amount=900), "2026-10-31"))
    tell(at(sale.stripe.refund("failed", "failed", amount=900), "2026-11-02"))
    assert entries(sql)[1:] == [
        ("refunded", "re_1", 900, "2026-10", "2026-10"),
        ("refund_failed", "re_1", 900, "2026-11", "2026-11"),
    ]


def test_a_refund_that_never_succeeded_moved_nothing(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.completed())
    tell(sale.stripe.refund("created", "pending", amount=900))
    tell(sale.stripe.refund("failed", "failed", amount=900))
    assert [kind for kind, *_ in entries(sql)] == ["taken"]


def test_a_dispute_takes_money_and_brings_it_back_when_it_is_won(
    sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(at(sale.stripe.completed(), "2026-09-30"))
    tell(at(sale.stripe.dispute("created", "needs_response"), "2026-10-31"))
    tell(at(sale.stripe.dispute("closed", "won"), "2026-11-02"))
    assert entries(sql)[1:] == [
        ("disputed", "dp_1", 4900, "2026-10", "2026-10"),
        ("dispute_won", "dp_1", 4900, "2026-11", "2026-11"),
    ]


def test_an_inquiry_takes_nothing(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.completed())
    tell(sale.stripe.dispute("created", "warning_needs_response"))
    tell(sale.stripe.dispute("closed", "warning_closed"))
    assert [kind for kind, *_ in entries(sql)] == ["taken"]


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))])
def test_the_books_are_the_same_in_whatever_order_stripe_reports(
    sale: Sale, tell: Tell, sql: Sql, order: tuple[int, ...]
) -> None:
    events = [
        at(sale.stripe.completed(), "2026-09-30"),
        at(sale.stripe.refund("updated", "succeeded", amount=900), "2026-10-31"),
        at(sale.stripe.refund("failed", "failed", amount=900), "2026-11-02"),
        at(sale.stripe.dispute("closed", "lost"), "2026-11-02"),
    ]
    for number in (*order, *order):
        tell(events[number])
    assert sql(
        "SELECT kind, month, sum(amount_cents) FROM money_movements GROUP BY kind, month"
        " HAVING sum(amount_cents) <> 0 ORDER BY month, kind"
    ) == [
        ("taken", "2026-09", 4900),
        ("refunded", "2026-10", 900),
        ("dispute_lost", "2026-11", 4900),
        ("disputed", "2026-11", 4900),
        ("refund_failed", "2026-11", 900),
    ]


def test_what_becomes_known_of_a_closed_month_is_a_correction(
    sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(at(sale.stripe.completed(), "2026-09-30"))
    sql("INSERT INTO closed_months (month) VALUES ('2026-10')")
    tell(at(sale.stripe.refund("created", "succeeded", amount=900), "2026-10-31"))
    assert entries(sql)[1:] == [("refunded", "re_1", 900, "2026-10", str(Month.of(now())))]


def test_an_earlier_date_that_becomes_known_moves_an_entry(
    sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(at(sale.stripe.completed(), "2026-10-31"))
    tell(at(sale.stripe.completed(), "2026-09-30"))
    assert entries(sql) == [
        ("taken", "", 4900, "2026-10", "2026-10"),
        ("taken", "", 4900, "2026-09", "2026-09"),
        ("taken", "", -4900, "2026-10", "2026-10"),
    ]


def test_settling_again_books_nothing(sale: Sale, tell: Tell, sql: Sql, selling: Flask) -> None:
    tell(sale.stripe.completed())
    with selling.app_context():
        settle_payment(sale.payment)
    assert len(entries(sql)) == 1


def test_books_that_lack_a_payment_are_found_and_mended(
    sale: Sale, tell: Tell, sql: Sql, selling: Flask
) -> None:
    sql(
        "UPDATE payments SET status = 'undeliverable', paid_at = '2026-10-02 00:00:00.000000'"
        f" WHERE id = {sale.payment}"
    )
    with selling.app_context():
        assert sync.validate().counts["books_lack_money"] == 1
        assert sync.auto_fix(by=None).fixed["books_lack_money"] == 1
        assert sync.auto_fix(by=None).total == 0
    assert entries(sql) == [("taken", "", 4900, "2026-10", "2026-10")]


@pytest.mark.parametrize("unknown", ["amount", "currency"])
@pytest.mark.parametrize(("ending", "left"), [("lost", 0), ("won", 4900)])
def test_a_dispute_of_which_stripe_says_little_is_booked_as_the_payment_counts_it(  # noqa: PLR0917
    sale: Sale, tell: Tell, sql: Sql, selling: Flask, unknown: str, ending: str, left: int
) -> None:
    tell(at(sale.stripe.completed(), "2026-10-31"))
    for what, status in (("created", "needs_response"), ("closed", ending)):
        event = at(sale.stripe.dispute(what, status), "2026-10-31")
        del event["data"]["object"][unknown]
        tell(event)
    with selling.app_context():
        [sums] = books(Month(2026, 10)).currencies
    assert (sums.disputed_cents, sums.net_cents) == (4900, left)
    [row] = sql("SELECT amount_cents - lost_cents AS kept FROM payments")
    assert row.kept == left
