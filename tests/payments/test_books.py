"""The books of a month: what they add up to, what is unexplained, and that a closed one stays."""

import csv
import json
from pathlib import Path

import pytest
from flask import Flask

from lms import enrollment
from lms.db import now
from lms.ledger.months import Month
from lms.payments import close_month
from lms.queries.books import BooksReport, report
from lms.refusals import Invalid
from tests.builders import an_admin
from tests.commands import error_line, run
from tests.conftest import Sql
from tests.payments.conftest import Sale, Tell, a_sale
from tests.payments.test_movements import at

OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)
_CHARGE = (
    "INSERT INTO stripe_transactions (id, category, source, payment_intent, reference, charged,"
    " charged_currency, amount, fee, currency, created_at)"
    " VALUES ('txn_1', '{0}', 'ch_1', '{1}', 'r', {2}, 'eur', {2}, 98, 'eur',"
    " '2026-10-31 00:00:00.000000')"
)

_PAID_UNBOOKED = (
    "UPDATE payments SET status = 'undeliverable', paid_at = '2026-10-02 00:00:00.000000'"
)


@pytest.fixture
def paid(sale: Sale, tell: Tell) -> Sale:
    """A sale that was paid on 31 October."""
    tell(at(sale.stripe.completed(), "2026-10-31"))
    return sale


def kinds(selling: Flask, month: Month = OCTOBER) -> list[str]:
    with selling.app_context():
        return [entry.kind for entry in report(month).unexplained_entries]


def of(selling: Flask, month: Month) -> BooksReport:
    with selling.app_context():
        return report(month)


def test_a_month_adds_up_per_currency(paid: Sale, tell: Tell, selling: Flask, sql: Sql) -> None:
    tell(at(paid.stripe.refund("created", "succeeded", amount=900), "2026-10-31"))
    with selling.app_context():
        other = a_sale(price=12300, currency="usd")
    tell(at(other.stripe.completed(), "2026-10-31"))
    tell(at(other.stripe.dispute("created", "needs_response"), "2026-10-31"))
    tell(at(other.stripe.dispute("closed", "lost"), "2026-11-02"))
    october, november = of(selling, OCTOBER), of(selling, NOVEMBER)
    euros, dollars = october.currencies
    assert (euros.taken_cents, euros.refunded_cents, euros.net_cents) == (4900, 900, 4000)
    assert (dollars.currency, dollars.taken_cents, dollars.disputed_cents) == ("usd", 12300, 12300)
    assert dollars.net_cents == 0
    [later] = november.currencies
    assert (later.taken_cents, later.lost_cents, later.net_cents) == (0, 12300, 0)


def test_money_that_nobody_has_booked_is_shown_and_unexplained(
    sale: Sale, selling: Flask, sql: Sql
) -> None:
    sql(_PAID_UNBOOKED)
    found = of(selling, OCTOBER)
    assert [each.taken_cents for each in found.currencies] == [4900]
    assert [entry.kind for entry in found.unexplained_entries] == ["not_booked"]


def test_a_payment_that_stripe_s_balance_does_not_have_is_unexplained(
    paid: Sale, selling: Flask, sql: Sql
) -> None:
    assert kinds(selling) == ["no_transaction"]
    sql(_CHARGE.format("charge", paid.stripe.intent, 4900))
    assert kinds(selling) == ["not_booked"]  # the fee, until reconciliation or auto-fix books it


@pytest.mark.parametrize(
    ("category", "amount", "found"),
    [
        ("charge", 4900, []),
        ("charge", 3900, ["charge_differs"]),
        ("refund", 900, ["no_transaction", "refund_differs"]),
        ("dispute", 4900, ["dispute_differs", "no_transaction"]),
        ("dispute_reversal", 4900, ["dispute_differs", "no_transaction"]),
    ],
)
def test_amounts_that_differ_are_unexplained(  # noqa: PLR0917 - what a fixture brings counts too
    paid: Sale, selling: Flask, sql: Sql, category: str, amount: int, found: list[str]
) -> None:
    sql(_CHARGE.format(category, paid.stripe.intent, amount))
    assert sorted(set(kinds(selling)) - {"not_booked"}) == found


def test_money_that_no_payment_has_is_unexplained(selling: Flask, sql: Sql) -> None:
    sql(_CHARGE.format("charge", "pi_of_nobody", 4900))
    assert kinds(selling) == ["taken_without_payment"]


def test_paid_without_access_is_unexplained_unless_somebody_is_asked(
    paid: Sale, selling: Flask, sql: Sql
) -> None:
    sql(_CHARGE.format("charge", paid.stripe.intent, 4900))
    sql("DELETE FROM access_sources")
    assert "no_access" in kinds(selling)
    sql("UPDATE payments SET attention = 'Look.'")
    assert "no_access" not in kinds(selling)


def test_a_closed_month_is_the_same_to_the_byte(
    paid: Sale, tell: Tell, selling: Flask, sql: Sql, tmp_path: Path
) -> None:
    files = [tmp_path / "one.csv", tmp_path / "two.csv"]
    first = run(
        selling, "payments", "books", "2026-10", "--json", "--close", "--csv", str(files[0])
    )
    assert first.exit_code == 0
    tell(at(paid.stripe.refund("created", "succeeded"), "2026-10-31"))
    with selling.app_context():
        enrollment.erase_person(paid.student, by=an_admin())
    sql(_CHARGE.format("charge", "pi_of_nobody", 4900))
    second = run(
        selling, "payments", "books", "2026-10", "--json", "--close", "--csv", str(files[1])
    )
    assert second.stdout == first.stdout
    assert files[1].read_bytes() == files[0].read_bytes()
    assert json.loads(first.stdout)["isClosed"]
    correction = of(selling, Month.of(now())).lines[-1]
    assert (correction.kind, correction.month, correction.is_correction) == (
        *("refunded", "2026-10", True),
    )


def test_closing_is_in_the_trail_once(paid: Sale, selling: Flask, sql: Sql) -> None:
    with selling.app_context():
        admin = an_admin()
        assert close_month(OCTOBER, by=admin)
        assert not close_month(OCTOBER, by=admin)
    [entry] = sql("SELECT actor_id FROM audit_entries WHERE action = 'books.closed'")
    assert entry.actor_id == admin
    [closed] = sql("SELECT month, closed_by FROM closed_months")
    assert tuple(closed) == ("2026-10", admin)


def test_closing_books_what_the_month_lacks(sale: Sale, selling: Flask, sql: Sql) -> None:
    sql(_PAID_UNBOOKED)
    with selling.app_context():
        close_month(OCTOBER, by=None)
    found = of(selling, OCTOBER)
    assert [line.amount_cents for line in found.lines] == [4900]
    assert found.unexplained == 0


def test_a_month_that_goes_on_is_not_closed(selling: Flask, sql: Sql) -> None:
    with selling.app_context(), pytest.raises(Invalid, match="isn't over"):
        close_month(Month.of(now()), by=None)
    assert sql("SELECT month FROM closed_months") == []


@pytest.mark.parametrize(
    ("month", "said"),
    [
        ("2026-13", "Enter a year and month, such as 2026-10."),
        ("october", "Enter a year and month, such as 2026-10."),
        ("٢٠٢٦-10", "Enter a year and month, such as 2026-10."),
        ("9998-01", "9998-01 hasn't begun yet."),
    ],
)
def test_a_month_that_is_none_is_refused(selling: Flask, month: str, said: str) -> None:
    assert said in error_line(run(selling, "payments", "books", month))


def test_the_command_says_what_a_person_needs(paid: Sale, selling: Flask, sql: Sql) -> None:
    result = run(selling, "payments", "books", "2026-10")
    assert result.stderr == ""
    told = result.stdout.splitlines()
    assert told[0] == "Books for 2026-10 (UTC), open. 1 line."
    assert told[1] == (
        "EUR: taken 49.00, refunded 0.00, disputed 0.00, disputes won 0.00, disputes lost 0.00,"
        " Stripe's fees 0.00, net amount 49.00, tax collected 0.00, discounts given 0.00"
    )
    assert told[2] == "unexplained: 1"
    assert told[3].startswith(
        f"  2026-10-31 payment {paid.payment} €49.00: Paid more than a day ago"
    )
    assert run(selling, "payments", "books", "2026-09").stdout.splitlines()[-1] == "unexplained: 0"


def test_the_lines_are_for_a_spreadsheet(paid: Sale, selling: Flask, tmp_path: Path) -> None:
    run(selling, "payments", "books", "2026-10", "--csv", str(tmp_path / "books.csv"))
    with (tmp_path / "books.csv").open(newline="") as file:
        [line] = csv.DictReader(file)
    assert (line["payment"], line["kind"], line["amount"]) == (str(paid.payment), "taken", "49.00")
    assert line["correction"] == "no"
