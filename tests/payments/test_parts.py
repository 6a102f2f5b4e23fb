"""A price has parts: what is checked is the subtotal agreed, and an admin accepts the rest."""

from itertools import permutations
from typing import Any

import pytest
from flask import Flask

from lms import enrollment, payments
from lms.payments import Gateway
from lms.refusals import NotAcceptable, NotRefundable
from tests.builders import a_course
from tests.conftest import Sql
from tests.payments.conftest import Sale, Tell, a_sale, check_invariants, payment_state

PARTS = "subtotal_cents, discount_cents, tax_cents, amount_cents"


def charged(subtotal: int | None, total: int, *, discount: int = 0, tax: int = 0) -> dict[str, Any]:
    """Return the amounts of a session as Stripe gives them."""
    return {
        "amount_subtotal": subtotal,
        "amount_total": total,
        "total_details": {"amount_discount": discount, "amount_shipping": 0, "amount_tax": tax},
    }


EXPLAINED = {
    "a code": charged(4900, 3900, discount=1000),
    "tax added": charged(4900, 5831, tax=931),
    "tax included": charged(4900, 4900, tax=782),
    "a code and tax added": charged(4900, 4641, discount=1000, tax=741),
    "a code and tax included": charged(4900, 3900, discount=1000, tax=623),
}
UNEXPLAINED = {
    "another price, discounted to ours": charged(5900, 4900, discount=1000),
    "another price, taxed to ours": charged(3900, 4900, tax=1000),
    "another price": charged(3900, 3900),
    "a total that nothing explains": charged(4900, 3900),
    "a discount that explains less": charged(4900, 3900, discount=500),
    "no subtotal": charged(None, 3900),
    "neither taxed nor not": charged(4900, 5000, tax=931),
}
FREE: dict[str, Any] = {
    "payment_status": "no_payment_required",
    "payment_intent": None,
    **charged(4900, 0, discount=4900),
}


@pytest.mark.parametrize("amounts", EXPLAINED.values(), ids=EXPLAINED.keys())
def test_a_total_that_differs_by_a_known_part_is_paid(
    amounts: dict[str, Any], sale: Sale, tell: Tell, sql: Sql, selling: Flask
) -> None:
    assert tell(sale.stripe.completed(**amounts)).status_code == 200
    assert payment_state(sql, sale) == ("paid", 0, 1)
    details = amounts["total_details"]
    assert sql(f"SELECT {PARTS} FROM payments") == [
        (4900, details["amount_discount"], details["amount_tax"], amounts["amount_total"])
    ]
    check_invariants(selling)


@pytest.mark.parametrize("amounts", UNEXPLAINED.values(), ids=UNEXPLAINED.keys())
def test_another_subtotal_and_what_nothing_explains_need_review(
    amounts: dict[str, Any], sale: Sale, tell: Tell, sql: Sql, selling: Flask
) -> None:
    assert tell(sale.stripe.completed(**amounts)).status_code == 200
    assert payment_state(sql, sale) == ("needs_review", 0, 0)
    [row] = sql("SELECT attention, agreed_cents, amount_cents FROM payments")
    assert row.attention.startswith("Stripe charged ")
    assert (row.agreed_cents, row.amount_cents) == (4900, amounts["amount_total"])
    check_invariants(selling)


def test_a_code_of_all_of_it_gives_access_as_a_payment_of_nothing(
    sale: Sale, tell: Tell, sql: Sql, selling: Flask
) -> None:
    tell(sale.stripe.completed(**FREE))
    assert payment_state(sql, sale) == ("paid", 0, 1)
    assert sql(f"SELECT {PARTS} FROM payments") == [(4900, 4900, 0, 0)]
    assert sql("SELECT kind FROM access_sources") == [("payment",)]
    with selling.app_context():
        assert not payments.settle_payment(sale.payment)
    check_invariants(selling)


def test_of_a_payment_of_nothing_nothing_can_be_refunded(
    sale: Sale, tell: Tell, selling: Flask, admin: int, gateway: Gateway
) -> None:
    tell(sale.stripe.completed(**FREE))
    with selling.app_context(), pytest.raises(NotRefundable) as refused:
        payments.request_refund(gateway, sale.payment, by=admin)
    assert refused.value.detail == NotRefundable.nothing_left


def test_what_is_paid_last_is_not_reckoned_from_what_was_offered_first(
    selling: Flask, sql: Sql, tell: Tell
) -> None:
    """A bank debit: the parts are Stripe's from the moment at which the money is there."""
    with selling.app_context():
        sale = a_sale()
    late = charged(4900, 3900, discount=1000)
    tell(sale.stripe.completed(paid=False, **late))
    assert sql(f"SELECT {PARTS} FROM payments") == [(4900, 0, 0, 4900)]
    tell(sale.stripe.completed(**late))
    assert payment_state(sql, sale) == ("paid", 0, 1)
    assert sql(f"SELECT {PARTS} FROM payments") == [(4900, 1000, 0, 3900)]


def test_what_is_accepted_gives_access_by_this_payment_and_its_refund_ends_it(
    sale: Sale, tell: Tell, sql: Sql, selling: Flask, admin: int
) -> None:
    paid = sale.stripe.of(amount=3900)
    tell(paid.completed())
    with selling.app_context():
        assert payments.accept(sale.payment, by=admin, reason="a discount by phone")
        assert not payments.accept(sale.payment, by=admin)
    assert payment_state(sql, sale) == ("paid", 0, 1)
    assert sql("SELECT kind, reference FROM access_sources") == [("payment", sale.payment)]
    told = sql(
        "SELECT actor_id, reason FROM audit_entries WHERE action = 'payment.amount_accepted'"
    )
    assert told == [(admin, "a discount by phone")]
    tell(paid.completed())  # told again, nothing changes
    assert payment_state(sql, sale) == ("paid", 0, 1)
    tell(paid.refund("updated", "succeeded", amount=1000))
    assert payment_state(sql, sale) == ("partially_refunded", 1000, 1)
    tell(paid.refund("updated", "succeeded", amount=2900, id="re_2"))
    assert payment_state(sql, sale) == ("refunded", 3900, 0)
    check_invariants(selling)


def test_only_an_amount_can_be_accepted(
    sale: Sale, tell: Tell, sql: Sql, selling: Flask, admin: int
) -> None:
    def refused() -> str:
        with selling.app_context(), pytest.raises(NotAcceptable) as caught:
            payments.accept(sale.payment, by=admin)
        return caught.value.detail

    assert refused() == NotAcceptable.detail
    tell(sale.stripe.completed())
    assert refused() == NotAcceptable.detail
    with selling.app_context():
        enrollment.unenroll(sale.student, sale.course, by=admin)
    assert payment_state(sql, sale) == ("needs_review", 0, 0)
    assert refused() == NotAcceptable.detail
    assert sql("SELECT accepted_cents FROM payments") == [(None,)]


def test_what_waits_for_another_reason_is_not_accepted(
    sale: Sale, tell: Tell, sql: Sql, selling: Flask, admin: int
) -> None:
    selling.config["LMS_KEPT_PERCENT"] = 50
    tell(sale.stripe.completed())
    tell(sale.stripe.refund("updated", "succeeded", amount=3000))
    assert payment_state(sql, sale) == ("needs_review", 3000, 0)
    with selling.app_context(), pytest.raises(NotAcceptable):
        payments.accept(sale.payment, by=admin)
    # As an old school's row has it: no session of Stripe's says anything.
    sql("DELETE FROM stripe_sessions")
    sql("UPDATE payments SET attention = '', access_ended_at = CURRENT_TIMESTAMP")
    with selling.app_context(), pytest.raises(NotAcceptable):
        payments.accept(sale.payment, by=admin)
    assert sql("SELECT accepted_cents FROM payments") == [(None,)]


def test_another_currency_is_not_accepted(
    sale: Sale, tell: Tell, sql: Sql, selling: Flask, admin: int
) -> None:
    tell(sale.stripe.of(currency="usd").completed())
    assert payment_state(sql, sale) == ("needs_review", 0, 0)
    with selling.app_context(), pytest.raises(NotAcceptable) as refused:
        payments.accept(sale.payment, by=admin)
    assert refused.value.detail == NotAcceptable.foreign
    assert sql(f"SELECT {PARTS} FROM payments") == [(4900, 0, 0, 4900)]


def test_an_accepted_amount_of_a_full_course_waits_for_a_seat(
    selling: Flask, sql: Sql, tell: Tell, admin: int
) -> None:
    with selling.app_context():
        sale = a_sale(capacity=1)
        other = a_course("Other")
    tell(sale.stripe.of(amount=3900).completed())
    sql("UPDATE courses SET capacity = 0 WHERE id = :id", id=sale.course)
    with selling.app_context():
        payments.accept(sale.payment, by=admin)
        assert other
    assert payment_state(sql, sale) == ("undeliverable", 0, 0)
    sql("UPDATE courses SET capacity = 1 WHERE id = :id", id=sale.course)
    with selling.app_context():
        assert payments.settle_payment(sale.payment)
    assert payment_state(sql, sale) == ("paid", 0, 1)


def test_a_row_that_names_the_amount_alone_is_understood(
    sale: Sale, tell: Tell, sql: Sql, selling: Flask, admin: int
) -> None:
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents, status, stripe_session_id)"
        " VALUES (:u, :c, 4900, 'expired', 'cs_raw')",
        u=sale.student,
        c=sale.course,
    )
    raw = sale.stripe.of(session="cs_raw", reference=None, intent="pi_raw")
    tell(raw.completed(**charged(4900, 3900, discount=1000)))
    [row] = sql(f"SELECT status, agreed_cents, {PARTS} FROM payments WHERE status = 'paid'")
    assert row == ("paid", 4900, 4900, 1000, 0, 3900)


def test_every_order_of_a_discounted_purchase_comes_to_the_same(
    selling: Flask, sql: Sql, tell: Tell
) -> None:
    seen = set()
    for order in permutations(range(3)):
        with selling.app_context():
            sale = a_sale()
        paid = sale.stripe.of(amount=3900)
        events = [
            paid.completed(paid=False, **charged(4900, 3900, discount=1000)),
            paid.completed(**charged(4900, 3900, discount=1000)),
            paid.refund("updated", "succeeded", amount=900, id=f"re_{sale.payment}"),
        ]
        for index in order:
            assert tell(events[index]).status_code == 200
        row = sql(f"SELECT {PARTS} FROM payments WHERE id = :id", id=sale.payment)
        seen.add((payment_state(sql, sale), tuple(row[0])))
    assert seen == {(("partially_refunded", 900, 1), (4900, 1000, 0, 3900))}
