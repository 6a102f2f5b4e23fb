"""Money that comes in past the verbs: rows of a dump, an import or an SQL client."""

from typing import Any

import pytest
from flask import Flask

from lms import enrollment, sync
from lms.db import now
from lms.ledger.months import Month
from lms.payments import Gateway, close_month, request_refund, settle_payment
from lms.queries.books import Books, books, report
from lms.queries.payments import detail
from lms.refusals import Invalid, RefundDelayed
from tests.builders import a_course
from tests.commands import error_line, run
from tests.conftest import Sql
from tests.payments.conftest import Sale, Tell, check_invariants
from tests.payments.test_movements import at
from tests.sync.damage import damaging

OCTOBER = Month(2026, 10)
_PAID_AT = "2026-10-02 00:00:00.000000"


@pytest.fixture
def course(selling: Flask) -> int:
    with selling.app_context():
        return a_course("Bread", price_cents=4900)


def insert(sql: Sql, student: int, course: int, **given: Any) -> int:
    """Insert a payment as somebody does who knows the oldest columns alone."""
    row = {
        "user_id": student,
        "course_id": course,
        "amount_cents": 4900,
        "currency": "eur",
        "status": "paid",
        "created_at": _PAID_AT,
        "paid_at": _PAID_AT,
    }
    row |= given
    sql(
        f"INSERT INTO payments ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})",
        **row,
    )
    [found] = sql("SELECT max(id) AS id FROM payments")
    return int(found.id)


def of(selling: Flask, month: Month = OCTOBER) -> Books:
    with selling.app_context():
        return books(month)


def kinds(selling: Flask, month: Month = OCTOBER) -> set[str]:
    return {entry.kind for entry in of(selling, month).unexplained_entries}


@pytest.mark.parametrize(
    ("given", "figures", "mended"),
    [
        ({"status": "refunded"}, (4900, 0, 0), ("refunded", 4900, 0)),
        ({"status": "refunded", "refunded_cents": 900}, (4900, 0, 0), ("refunded", 4900, 0)),
        ({"status": "dispute_lost"}, (0, 4900, 4900), ("dispute_lost", 0, 4900)),
        (
            {"status": "dispute_lost", "refunded_cents": 900},
            (900, 4000, 4000),
            ("dispute_lost", 900, 4000),
        ),
        ({"status": "disputed"}, (0, 4900, 0), ("disputed", 0, 0)),
        ({"status": "paid", "refunded_cents": 4900}, (4900, 0, 0), ("refunded", 4900, 0)),
        ({"status": "paid", "refunded_cents": 900}, (900, 0, 0), ("partially_refunded", 900, 0)),
        ({"status": "partially_refunded"}, (0, 0, 0), ("paid", 0, 0)),
    ],
)
def test_the_books_count_what_a_row_alone_says(  # noqa: PLR0917 - parameters
    selling: Flask,
    student: int,
    course: int,
    sql: Sql,
    given: dict[str, Any],
    figures: tuple[int, ...],
    mended: tuple[str, int, int],
) -> None:
    number = insert(sql, student, course, **given)
    for _ in range(2):
        found = of(selling)
        [sums] = found.currencies
        counted = (sums.refunded_cents, sums.disputed_cents, sums.lost_cents)
        assert (sums.taken_cents, *counted) == (4900, *figures)
        with selling.app_context():
            fixed = sync.auto_fix(by=None)
            assert not any(fixed.remaining.values())
            settle_payment(number)
        assert of(selling).unexplained == 0
    assert sql("SELECT status, refunded_cents, lost_cents FROM payments") == [mended]
    check_invariants(selling)


@pytest.mark.parametrize("status", ["refunded", "disputed", "dispute_lost"])
def test_a_row_that_says_more_than_stripe_is_unexplained(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql, status: str
) -> None:
    tell(at(sale.stripe.completed(), "2026-10-31"))
    assert "row_differs" not in kinds(selling)
    sql("UPDATE payments SET status = :status", status=status)
    assert "row_differs" in kinds(selling)
    with selling.app_context():
        close_month(OCTOBER, by=None)
    sql("UPDATE payments SET status = 'paid'")
    assert "row_differs" not in kinds(selling, Month.of(now()))
    sql("UPDATE payments SET status = :status", status=status)
    assert "row_differs" in kinds(selling, Month.of(now()))


def test_late_money_of_a_closed_month_shows_at_once_as_a_correction(
    selling: Flask, student: int, course: int, sql: Sql
) -> None:
    first = insert(sql, student, course)
    with selling.app_context():
        close_month(OCTOBER, by=None)
        frozen = report(OCTOBER)
    insert(sql, student, course, amount_cents=3900, status="undeliverable")
    sql(
        "UPDATE payments SET status = 'partially_refunded', refunded_cents = 100 WHERE id = :id",
        id=first,
    )
    present = Month.of(now())
    for is_booked in (False, True):
        with selling.app_context():
            found = report(present)
            assert {(line.kind, line.amount_cents, line.month) for line in found.lines} == {
                ("taken", 3900, "2026-10"),
                ("refunded", 100, "2026-10"),
            }
            assert all(line.is_correction for line in found.lines)
            unbooked = [each.kind for each in found.unexplained_entries]
            assert unbooked == ([] if is_booked else ["not_booked"] * 2)
            sync.auto_fix(by=None)
            assert report(OCTOBER) == frozen


@pytest.mark.parametrize("paid_at", ["1969-12-31 23:59:59.000000", "2199-01-01 00:00:00.000000"])
def test_money_of_a_month_that_cannot_be_printed_is_reported_and_dated(
    selling: Flask, student: int, course: int, sql: Sql, paid_at: str
) -> None:
    number = insert(sql, student, course, paid_at=paid_at)
    present = Month.of(now())
    assert kinds(selling, present) == {"impossible_date"}
    assert kinds(selling) == set()
    with selling.app_context():
        assert sync.validate().counts["impossible_date"] == 1
        settle_payment(number)
        fixed = sync.auto_fix(by=None)
        assert fixed.fixed["impossible_date"] == 1
        assert not any(fixed.remaining.values())
        assert detail(number).paid_at == detail(number).created_at
    assert of(selling, present).unexplained == 0
    assert sql("SELECT month, amount_cents FROM money_movements") == [("2026-10", 4900)]


@pytest.mark.parametrize("month", ["1969-12", "0001-01"])
def test_a_month_before_the_first_is_refused_with_what_is_accepted(
    selling: Flask, month: str
) -> None:
    said = error_line(run(selling, "payments", "books", month))
    assert f"from 1970-01 to {Month.of(now())}" in said


@pytest.mark.parametrize(
    ("parts", "is_whole"),
    [
        ({}, True),
        ({"subtotal_cents": 4900}, True),
        ({"tax_cents": 782}, True),  # contained in the amount
        ({"subtotal_cents": 5000, "discount_cents": 1000, "tax_cents": 900}, True),
        ({"subtotal_cents": 1000}, False),
        ({"discount_cents": 9000}, False),
        ({"subtotal_cents": 4900, "discount_cents": 100, "tax_cents": 900}, False),
    ],
)
def test_parts_that_do_not_add_up_are_reported(  # noqa: PLR0917 - parameters
    selling: Flask, student: int, course: int, sql: Sql, parts: dict[str, int], is_whole: bool
) -> None:
    number = insert(sql, student, course, **parts)
    with selling.app_context():
        enrollment.enroll(student, course, by=None)
        fixed = sync.auto_fix(by=None)
        assert fixed.remaining["parts_differ"] == (not is_whole)
        entries = books(OCTOBER).unexplained_entries
    found = [(entry.kind, entry.payment_id) for entry in entries]
    assert found == ([] if is_whole else [("parts_differ", number)])


def test_parts_that_stripe_itself_names_are_the_review_s(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    event = sale.stripe.completed()
    event["data"]["object"]["amount_total"] = 4700
    tell(at(event, "2026-10-31"))
    assert [row.status for row in sql("SELECT status FROM payments")] == ["needs_review"]
    assert "parts_differ" not in kinds(selling)
    with selling.app_context():
        assert sync.validate().counts["parts_differ"] == 0


def test_another_method_than_was_booked_is_unexplained_in_the_present_month(
    selling: Flask, student: int, course: int, sql: Sql
) -> None:
    insert(sql, student, course)
    with selling.app_context():
        close_month(OCTOBER, by=None)
        frozen = report(OCTOBER)
    present = Month.of(now())
    assert "method_differs" not in kinds(selling, present)
    sql("UPDATE payments SET method = 'cash'")
    assert "method_differs" in kinds(selling, present)
    with selling.app_context():
        assert report(OCTOBER) == frozen


def test_money_whose_payment_is_gone_is_unexplained(
    selling: Flask, student: int, course: int, sql: Sql
) -> None:
    insert(sql, student, course)
    present = Month.of(now())
    with selling.app_context():
        close_month(OCTOBER, by=None)
        insert(sql, student, course, paid_at=f"{now():%F %T}.000000")
        assert sync.auto_fix(by=None).total
    with damaging(selling.config["DATABASE_URL"]) as damage:
        damage.run("DELETE FROM payments")
    found = of(selling, present).unexplained_entries
    assert [(entry.kind, entry.amount_cents) for entry in found] == [("payment_gone", 4900)] * 2


def test_a_refund_that_the_row_alone_knows_counts_beside_the_next_one(
    selling: Flask, student: int, course: int, admin: int, sql: Sql
) -> None:
    number = insert(
        *(sql, student, course),
        method="cash",
        status="partially_refunded",
        refunded_cents=1000,
    )
    with selling.app_context():
        assert detail(number).refundable_cents == 3900
        with pytest.raises(Invalid):
            request_refund(None, number, amount_cents=3901, by=admin)
        request_refund(None, number, amount_cents=2000, by=admin)
        assert detail(number).refundable_cents == 1900
        assert sync.validate().total == 0
    assert sql("SELECT refunded_cents FROM payments") == [(3000,)]
    assert of(selling).currencies[0].refunded_cents == 1000
    check_invariants(selling)


def test_of_a_row_that_knows_more_than_stripe_the_rest_is_refunded_as_shown(
    selling: Flask, student: int, course: int, admin: int, sql: Sql
) -> None:
    given = {"status": "partially_refunded", "refunded_cents": 1000}
    number = insert(sql, student, course, stripe_payment_intent_id="pi_of_a_dump", **given)
    with selling.app_context(), pytest.raises(RefundDelayed):
        request_refund(Gateway("sk_test_x", base="http://127.0.0.1:9"), number, by=admin)
    assert sql("SELECT asked_cents, amount_cents FROM refund_requests") == [(3900, 3900)]
