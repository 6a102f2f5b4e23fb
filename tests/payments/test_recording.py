"""Money that did not go through Stripe is a payment like any other; Stripe never hears of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from lms import enrollment, sync
from lms.db import now
from lms.payments import ManualPayment, accept, reconcile, record_payment, request_refund
from lms.payments.gateway import Gateway
from lms.refusals import (
    Invalid,
    KeyReused,
    NotRefundable,
    ReferenceUsed,
    RefundPending,
    Refusal,
)
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.payments.conftest import check_invariants
from tests.payments.stripe_events import Purchase
from tests.payments.test_movements import entries

HOUR = timedelta(hours=1)
IN_OCTOBER = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)


@pytest.fixture
def paid(selling: Flask, student: int) -> ManualPayment:
    """A transfer of October that is about to be recorded."""
    with selling.app_context():
        course = a_course("Bread", price_cents=4900)
    return ManualPayment(student, course, 4900, "eur", "transfer", "2026-0815", IN_OCTOBER)


@pytest.fixture
def recorded(selling: Flask, paid: ManualPayment, admin: int) -> int:
    with selling.app_context():
        return record_payment(paid, by=admin).payment_id


def test_a_transfer_enrolls_is_announced_and_booked(
    selling: Flask, paid: ManualPayment, recorded: int, sql: Sql
) -> None:
    [row] = sql("SELECT status, method, reference, user_email <> '' AS known FROM payments")
    assert tuple(row)[:3] == ("paid", "transfer", "2026-0815")
    assert row.known
    assert sql("SELECT kind, reference FROM access_sources") == [("payment", recorded)]
    trail = [row.action for row in sql("SELECT action FROM audit_entries ORDER BY id")]
    assert {"payment.recorded", "payment.paid", "access.granted"} <= set(trail)
    assert len(sql("SELECT id FROM notices WHERE kind = 'paid'")) == 1
    assert entries(sql) == [("taken", "", 4900, "2026-10", "2026-10")]
    check_invariants(selling)
    with selling.app_context():
        assert sync.validate().ok


def test_the_same_key_is_the_same_payment_for_good(
    selling: Flask, paid: ManualPayment, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        first = record_payment(paid, by=admin, key="one")
        again = record_payment(paid, by=admin, key="one")
        assert first == again
        with pytest.raises(KeyReused):
            record_payment(replace(paid, amount_cents=4800), by=admin, key="one")
        with pytest.raises(KeyReused):
            record_payment(replace(paid, paid_at=IN_OCTOBER + HOUR), by=admin, key="one")
        midnight = IN_OCTOBER.replace(hour=0, minute=0)  # as a form says the day
        for same in (None, midnight):
            assert record_payment(replace(paid, paid_at=same), by=admin, key="one") == first
    assert len(sql("SELECT id FROM payments")) == 1


def test_a_reference_is_used_once_for_the_pair(
    selling: Flask, paid: ManualPayment, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        record_payment(paid, by=admin, key="one")
        with pytest.raises(ReferenceUsed):
            record_payment(paid, by=admin, key="two")
        other = a_student("Bob")
        record_payment(replace(paid, student_id=other), by=admin)
    assert len(sql("SELECT id FROM payments")) == 2


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("student_id", 4711, "student"),
        ("course_id", 4711, "course"),
        ("amount_cents", 0, "above 0"),
        ("amount_cents", -1, "above 0"),
        ("amount_cents", 100_000_000, r"up to €999,999\.99"),
        ("currency", "usd", "Enter EUR, the currency of the price"),
        ("reference", "  ", "Enter the reference"),
        ("reference", "x" * 65, "at most 64"),
        ("paid_at", "tomorrow", "in the future"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_changes_nothing(  # noqa: PLR0917 - parameters
    selling: Flask, paid: ManualPayment, admin: int, sql: Sql, field: str, value: Any, said: str
) -> None:
    given: Any = now() + timedelta(days=1) if value == "tomorrow" else value
    with selling.app_context(), pytest.raises(Invalid, match=said) as refused:
        record_payment(replace(paid, **{field: given}), by=admin)
    assert refused.value.field == field
    assert sql("SELECT id FROM payments") == []


def test_another_amount_than_the_price_is_taken_as_it_is(
    selling: Flask, paid: ManualPayment, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        record_payment(replace(paid, amount_cents=3900), by=admin)
    parts = sql("SELECT status, subtotal_cents, discount_cents, amount_cents FROM payments")
    assert parts == [("paid", 4900, 1000, 3900)]
    booked = sql("SELECT amount_cents, discount_cents, tax_cents FROM money_movements")
    assert booked == [(3900, 1000, 0)]
    assert len(sql("SELECT id FROM enrollments")) == 1


def test_a_donation_for_a_free_course_in_another_currency_breaks_no_rule(
    selling: Flask, paid: ManualPayment, admin: int, sql: Sql
) -> None:
    sql("UPDATE courses SET price_cents = 0")
    with selling.app_context():
        given = record_payment(replace(paid, currency="usd"), by=admin, key="one")
        assert record_payment(replace(paid, currency="USD"), by=admin, key="one") == given
        request_refund(None, given.payment_id, amount_cents=900, by=admin, reason="Too much.")
        assert sync.validate().ok
    assert sql("SELECT status, currency, agreed_cents, refunded_cents FROM payments") == [
        ("partially_refunded", "usd", 4900, 900)
    ]
    assert entries(sql) == [
        ("taken", "", 4900, "2026-10", "2026-10"),
        ("refunded", "manual-1", 900, *[f"{now():%Y-%m}"] * 2),
    ]
    check_invariants(selling)


@pytest.mark.parametrize("amount", [3900, 5900])
def test_another_amount_than_that_of_an_offered_seat_needs_review(
    selling: Flask, paid: ManualPayment, admin: int, sql: Sql, amount: int
) -> None:
    sql("UPDATE courses SET requires_approval = :yes, capacity = 1", yes=True)
    with selling.app_context():
        made = enrollment.request_access(paid.student_id, paid.course_id)
        assert enrollment.approve(made.id, by=admin).offer is not None
        recorded = record_payment(replace(paid, amount_cents=amount), by=admin)
    assert recorded.status == "needs_review"


def test_more_than_the_price_is_taken_as_it_is(
    selling: Flask, paid: ManualPayment, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        assert record_payment(replace(paid, amount_cents=5900), by=admin).status == "paid"
    parts = sql("SELECT subtotal_cents, discount_cents, amount_cents FROM payments")
    assert parts == [(5900, 0, 5900)]


def test_money_for_a_full_course_is_shown_to_the_admins(
    selling: Flask, paid: ManualPayment, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        enrollment.enroll(a_student("Bob"), paid.course_id, by=admin)
    sql("UPDATE courses SET capacity = 1")
    with selling.app_context():
        assert record_payment(paid, by=admin).status == "undeliverable"
    [row] = sql("SELECT attention FROM payments")
    assert row.attention.startswith("The course is full.")
    assert entries(sql) == [("taken", "", 4900, "2026-10", "2026-10")]


def test_a_refund_by_hand_ends_access_and_has_its_own_reference(
    selling: Flask, recorded: int, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        part = request_refund(None, recorded, key="a", amount_cents=900, by=admin)
        again = request_refund(None, recorded, key="a", amount_cents=900, by=admin)
        assert part == again
        assert sql("SELECT status, refunded_cents FROM payments") == [("partially_refunded", 900)]
        request_refund(None, recorded, reference="RF-9", by=admin, reason="Canceled.")
        with pytest.raises(NotRefundable):
            request_refund(None, recorded, by=admin)
    assert sql("SELECT status, refunded_cents FROM payments") == [("refunded", 4900)]
    assert sql("SELECT amount_cents, reference FROM manual_refunds ORDER BY id") == [
        (900, f"refund-{recorded}-1"),
        (4000, "RF-9"),
    ]
    assert sql("SELECT id FROM enrollments") == []
    assert [(kind, amount) for kind, _, amount, *_ in entries(sql)] == [
        *(("taken", 4900), ("refunded", 900), ("refunded", 4000))
    ]
    with selling.app_context():
        assert sync.validate().ok


@pytest.mark.parametrize("first", [{}, {"reference": "RF-1"}, {"key": "one"}])
def test_an_equal_refund_without_key_or_reference_is_refused(
    selling: Flask, recorded: int, admin: int, sql: Sql, first: dict[str, str]
) -> None:
    with selling.app_context():
        request_refund(None, recorded, amount_cents=900, by=admin, **first)
        with pytest.raises(RefundPending, match=r"€9\.00 is already recorded"):
            request_refund(None, recorded, amount_cents=900, by=admin)
        assert len(sql("SELECT id FROM manual_refunds")) == 1
        request_refund(None, recorded, amount_cents=800, by=admin)
        request_refund(None, recorded, amount_cents=900, reference="RF-2", by=admin)
        request_refund(None, recorded, amount_cents=900, key="another", by=admin)
    assert sql("SELECT refunded_cents FROM payments") == [(3500,)]


@pytest.mark.parametrize(
    ("currency", "amount", "step"),
    [("isk", 490050, "ISK\N{NO-BREAK SPACE}1.00"), ("kwd", 4905, "KWD\N{NO-BREAK SPACE}0.010")],
)
def test_amounts_that_a_currency_does_not_have_are_refused(  # noqa: PLR0917 - parameters
    selling: Flask, student: int, admin: int, sql: Sql, currency: str, amount: int, step: str
) -> None:
    with selling.app_context():
        course = a_course("Cake", price_cents=490000, currency=currency)
        money = ManualPayment(student, course, amount, currency, "cash", "1")
        with pytest.raises(Invalid, match=f"in steps of {step}") as refused:
            record_payment(money, by=admin)
        assert refused.value.field == "amount_cents"
        number = record_payment(replace(money, amount_cents=490000), by=admin).payment_id
        with pytest.raises(Invalid, match=f"in steps of {step}"):
            request_refund(None, number, amount_cents=amount % 490000, by=admin)


def test_money_of_somebody_whose_address_is_not_proven_says_the_way_out(
    selling: Flask, paid: ManualPayment, admin: int, sql: Sql
) -> None:
    sql("UPDATE users SET email_verified_at = NULL WHERE id = :id", id=paid.student_id)
    with selling.app_context(), pytest.raises(Invalid, match="address isn't confirmed") as refused:
        record_payment(paid, by=admin)
    assert refused.value.field == "student_id"
    assert sql("SELECT id FROM payments") == []


@pytest.mark.parametrize(
    ("amount", "enrolled", "why"),
    [(4900, 1, ""), (3900, 0, "An admin recorded €39.00 instead of the offered €49.00.")],
)
def test_money_for_an_offer_is_held_to_the_offer(  # noqa: PLR0917 - parameters
    selling: Flask, student: int, admin: int, sql: Sql, amount: int, enrolled: int, why: str
) -> None:
    with selling.app_context():
        course = a_course("Cake", price_cents=4900, requires_approval=True, capacity=1)
        request = enrollment.request_access(student, course).id
        enrollment.approve(request, by=admin)
    sql("UPDATE courses SET price_cents = 9900, currency = 'usd' WHERE id = :id", id=course)
    money = ManualPayment(student, course, amount, "eur", "transfer", "1", IN_OCTOBER)
    with selling.app_context():
        with pytest.raises(Invalid, match="Enter EUR"):
            record_payment(replace(money, currency="usd"), by=admin)
        number = record_payment(money, by=admin).payment_id
        [row] = sql("SELECT status, attention FROM payments")
        assert tuple(row) == ("needs_review" if why else "paid", why)
        assert len(sql("SELECT id FROM enrollments")) == enrolled
        offer = "accepted" if enrolled else "open"
        assert sql("SELECT status FROM offers") == [(offer,)]
        if why:
            accept(number, by=admin)
        assert sql("SELECT status FROM payments") == [("paid",)]
        assert sql("SELECT status FROM offers") == [("accepted",)]
        assert sync.validate().ok
    check_invariants(selling)


@pytest.mark.parametrize("amount", [0, -1, 4901])
def test_more_than_is_left_is_not_refunded(
    selling: Flask, recorded: int, admin: int, sql: Sql, amount: int
) -> None:
    with selling.app_context(), pytest.raises(Invalid, match=r"up to €49\.00"):
        request_refund(None, recorded, amount_cents=amount, by=admin)
    assert sql("SELECT id FROM manual_refunds") == []


def test_two_refunds_of_a_payment_have_two_references(
    selling: Flask, recorded: int, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        request_refund(None, recorded, amount_cents=100, reference="RF-1", by=admin)
        with pytest.raises(Refusal, match="has this reference"):
            request_refund(None, recorded, amount_cents=100, reference="RF-1", by=admin)
    assert len(sql("SELECT id FROM manual_refunds")) == 1


def test_stripe_is_never_asked_about_it(
    selling: Flask, gateway: Gateway, recorded: int, sql: Sql
) -> None:
    with selling.app_context():
        report = reconcile(gateway)
    assert (report.sessions, report.changed, report.failures) == (0, 0, [])
    assert sql("SELECT status FROM payments") == [("paid",)]


def test_a_checkout_of_stripe_s_is_not_taken_for_money_of_its_reference(
    selling: Flask, recorded: int, tell: Any, sql: Sql
) -> None:
    tell(Purchase(reference="2026-0815", amount=100).completed())
    assert sql("SELECT id FROM stripe_sessions") == []


def test_a_refund_that_a_restored_payment_does_not_say_is_repaired(
    selling: Flask, recorded: int, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        request_refund(None, recorded, amount_cents=900, by=admin)
        sql("UPDATE payments SET status = 'paid', refunded_cents = 0")
        assert sync.auto_fix(by=None).fixed["payment_behind_stripe"] == 1
    assert sql("SELECT status, refunded_cents FROM payments") == [("partially_refunded", 900)]


def test_whoever_is_erased_is_in_no_reference(
    selling: Flask, paid: ManualPayment, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        enrollment.rename_user(paid.student_id, "Ada Lovelace", by=admin)
        record = replace(paid, reference="Transfer of Ada Lovelace")
        number = record_payment(record, by=admin).payment_id
        request_refund(None, number, reference="back to Ada Lovelace", by=admin)
        enrollment.erase_person(paid.student_id, by=an_admin())
    person = f"Erased person {paid.student_id}"
    assert sql("SELECT reference FROM payments") == [(f"Transfer of {person}",)]
    assert sql("SELECT reference FROM manual_refunds") == [(f"back to {person}",)]
