"""Two payments for one course: the later one says so exactly while both give access."""

from itertools import permutations
from typing import Any

import pytest
from flask import Flask

from lms import payments
from tests.conftest import Sql
from tests.payments.conftest import Sale, Tell, check_invariants, two_purchases
from tests.payments.stripe_events import Purchase

Told = list[dict[str, Any]]

NOTE = (
    "The student also paid for this course with payment {}."
    " Unless a refund is on its way, refund one of them."
)


def a_dispute_is_won(first: Purchase, second: Purchase) -> Told:
    return [
        *(first.completed(), first.dispute("created", "needs_response", id=f"dp_{first.intent}")),
        *(second.completed(), first.dispute("closed", "won", id=f"dp_{first.intent}")),
    ]


def a_bounced_debit_arrives(first: Purchase, second: Purchase) -> Told:
    late = first.async_succeeded()
    return [first.completed(paid=False), first.async_failed(), second.completed(), late]


def the_first_is_refunded(first: Purchase, second: Purchase) -> Told:
    back = first.refund("created", "succeeded", id=f"re_{first.intent}")
    return [first.completed(), second.completed(), back]


def the_second_is_refunded(first: Purchase, second: Purchase) -> Told:
    back = second.refund("created", "succeeded", id=f"re_{second.intent}")
    return [first.completed(), second.completed(), back]


def a_refund_of_the_first_fails(first: Purchase, second: Purchase) -> Told:
    return [
        *(first.completed(), second.completed()),
        first.refund("updated", "succeeded", id=f"re_{first.intent}"),
        first.refund("failed", "failed", id=f"re_{first.intent}"),
    ]


STORIES = {
    a_dispute_is_won: ("paid", "paid"),
    a_bounced_debit_arrives: ("paid", "paid"),
    the_first_is_refunded: ("refunded", "paid"),
    the_second_is_refunded: ("paid", "refunded"),
    a_refund_of_the_first_fails: ("paid", "paid"),
}


@pytest.mark.parametrize("story", STORIES)
def test_in_every_order_of_events_the_note_stands_exactly_while_two_give_access(
    selling: Flask, tell: Tell, sql: Sql, story: Any
) -> None:
    with selling.app_context():
        sales = [two_purchases() for _ in permutations(story(Purchase(), Purchase()))]
    for order, (first, second) in enumerate(sales):
        for event in list(permutations(story(first.stripe, second.stripe)))[order]:
            assert tell(event).status_code == 200
            assert notes(sql, first, second) == expected(sql, first, second)
        assert statuses(sql, first, second) == STORIES[story]
    check_invariants(selling)


def test_the_note_goes_from_the_second_when_the_first_is_refunded_and_comes_back_with_a_reason(
    selling: Flask, tell: Tell, sql: Sql
) -> None:
    with selling.app_context():
        first, second = two_purchases()
    for event in (first.stripe.completed(), second.stripe.completed()):
        tell(event)
    tell(second.stripe.dispute("created", "warning_needs_response", id="dp_of_the_second"))
    inquiry = "The student's bank has opened an inquiry. Respond in Stripe, or refund the payment."
    assert notes(sql, first, second)[1] == f"{inquiry} {NOTE.format(first.payment)}"
    tell(first.stripe.refund("created", "succeeded", id="re_of_the_first"))
    assert notes(sql, first, second) == ("", inquiry)
    tell(second.stripe.dispute("closed", "warning_closed", id="dp_of_the_second"))
    assert notes(sql, first, second) == ("", "")


def test_a_dismissed_note_comes_back_only_when_it_has_gone(
    selling: Flask, tell: Tell, sql: Sql, admin: int
) -> None:
    with selling.app_context():
        first, second = two_purchases()
        for event in (first.stripe.completed(), second.stripe.completed()):
            tell(event)
        payments.dismiss(second.payment, by=admin)
    tell(first.stripe.refund("created", "succeeded", amount=100, id="re_part"))
    assert dismissed(sql, second) == NOTE.format(first.payment)
    tell(first.stripe.dispute("created", "needs_response", id="dp_1_again"))
    assert (notes(sql, first, second)[1], dismissed(sql, second)) == ("", None)
    tell(first.stripe.dispute("closed", "won", id="dp_1_again"))
    assert notes(sql, first, second)[1] == NOTE.format(first.payment)
    assert dismissed(sql, second) is None


def test_a_seat_that_one_payment_keeps_is_shared_by_the_one_that_found_none(
    selling: Flask, tell: Tell, sql: Sql
) -> None:
    """The course was full while the first was disputed; won, it lets both count again."""
    with selling.app_context():
        first, second = two_purchases()
    tell(first.stripe.completed())
    tell(first.stripe.dispute("created", "needs_response", id="dp_full"))
    sql("UPDATE courses SET capacity = 0 WHERE id = :id", id=first.course)
    tell(second.stripe.completed())
    assert statuses(sql, first, second) == ("disputed", "undeliverable")
    sql("UPDATE courses SET capacity = 1 WHERE id = :id", id=first.course)
    tell(first.stripe.dispute("closed", "won", id="dp_full"))
    assert statuses(sql, first, second) == ("paid", "paid")
    assert notes(sql, first, second) == ("", NOTE.format(first.payment))
    check_invariants(selling)


def test_one_that_found_no_seat_takes_over_that_of_the_one_that_is_refunded(
    selling: Flask, tell: Tell, sql: Sql
) -> None:
    with selling.app_context():
        first, second = two_purchases(capacity=1)
    for event in (first.stripe.completed(), second.stripe.completed()):
        tell(event)
    sql("UPDATE payments SET status = 'undeliverable' WHERE id = :id", id=second.payment)
    sql("DELETE FROM access_sources WHERE reference = :id", id=second.payment)
    ended = sql("SELECT count(*) FROM audit_entries WHERE action = 'access.ended'")
    tell(first.stripe.refund("created", "succeeded", id="re_seat"))
    assert statuses(sql, first, second) == ("refunded", "paid")
    assert sql("SELECT count(*) FROM audit_entries WHERE action = 'access.ended'") == ended
    check_invariants(selling)


def notes(sql: Sql, *sales: Sale) -> tuple[str, ...]:
    return tuple(one(sql, sale).attention for sale in sales)


def statuses(sql: Sql, *sales: Sale) -> tuple[str, ...]:
    return tuple(one(sql, sale).status for sale in sales)


def dismissed(sql: Sql, sale: Sale) -> str | None:
    found: str | None = one(sql, sale).dismissed_attention
    return found


def expected(sql: Sql, first: Sale, second: Sale) -> tuple[str, str]:
    """Return what is to review of each, by its own status, and of the second by both."""
    disputed = (
        "The student's bank disputes this payment, so access is suspended. Respond in Stripe."
    )
    failed = "A refund failed, and the money came back to the school. Refund the payment again."
    giving = all(
        status in {"paid", "partially_refunded"} for status in statuses(sql, first, second)
    )
    is_returned = sql(
        "SELECT id FROM stripe_refunds WHERE status = 'failed' AND payment_intent = :intent",
        intent=first.stripe.intent,
    )
    own = {"disputed": disputed, "paid": failed if is_returned else ""}
    return (
        own.get(one(sql, first).status, ""),
        NOTE.format(first.payment) if giving else "",
    )


def one(sql: Sql, sale: Sale) -> Any:
    [row] = sql("SELECT * FROM payments WHERE id = :id", id=sale.payment)
    return row
