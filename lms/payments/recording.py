"""Money that did not go through Stripe, which is never asked about it: an admin records it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from lms import school
from lms.currencies import CURRENCIES
from lms.db import now
from lms.ledger import manual_payments as rows
from lms.ledger.audit import record
from lms.ledger.book_clocks import book_clocks
from lms.ledger.fact_rows import lock_facts
from lms.ledger.facts import RefundFact
from lms.ledger.limits import count
from lms.ledger.locks import lock_course, lock_learner
from lms.ledger.months import FIRST
from lms.ledger.offers import offer_to_buy
from lms.ledger.paid_waiting import is_processing
from lms.ledger.payments import lock_payment
from lms.ledger.projection import refundable
from lms.ledger.sales import already_has
from lms.ledger.settling import settle
from lms.models import Payment
from lms.models.payment_status import HELD
from lms.models.payments import LONGEST_REFERENCE, STRIPE, ManualMethod
from lms.money import MAX_PRICE, is_in_steps, money, steps
from lms.refusals import (
    AddressNotConfirmed,
    CourseNotFound,
    Invalid,
    KeyReused,
    NotRefundable,
    ReferenceUsed,
    RefundPending,
    StudentNotFound,
)
from lms.times import UTC_NAME, day_of
from lms.transaction import transactional

_BEFORE_ALL = date(1969, 12, 1)
"""A day before all months of the books: no clocks lead past what a date can be from there."""


@dataclass(frozen=True)
class ManualPayment:
    """What an admin says has been paid."""

    student_id: int
    course_id: int
    amount_cents: int
    currency: str
    method: ManualMethod
    reference: str
    paid_at: datetime | date | None = None
    """When the money came, or on which of the school's days."""


@dataclass(frozen=True)
class Recorded:
    """A payment that was recorded, as it is now."""

    payment_id: int
    amount_cents: int
    currency: str
    status: str
    is_second: bool
    """Whether the student's bank is at another payment for the course."""


def new_key() -> str:
    """Return an id for what a form is about to record."""
    return secrets.token_urlsafe(18)


def check_currency(currency: str, price: Any) -> None:
    """Raise Invalid unless it is that of the price, or of what is free, any that we know."""
    if currency == price.currency:
        return
    if price.price_cents:
        raise Invalid("currency", f"Enter {price.currency.upper()}, the currency of the price.")
    if currency not in CURRENCIES:
        raise Invalid("currency", "Enter a currency that the portal knows, such as EUR.")


def in_future() -> Invalid:
    """Return the refusal of a day on which nothing can have been paid yet."""
    return Invalid("paid_at", "Enter a date that isn't in the future.")


@transactional
def record_payment(
    session: Session, paid: ManualPayment, *, by: int, key: str | None = None
) -> Recorded:
    """Record money that came by transfer, in cash or otherwise: a payment like any other.

    The same key is the same payment for good. Another amount than the price is taken as it is: the
    admin says so; another one than that of an open offer needs review. Raises ReferenceUsed,
    KeyReused, RateLimited, and Invalid for each field.
    """
    lock_facts(session)
    if key is not None and (known := rows.payment_of_key(session, key)) is not None:
        return _same(session, known, paid)
    paid_at = _checked(session, paid)
    try:
        course = lock_course(session, paid.course_id, "seats")
    except CourseNotFound:
        raise Invalid("course_id", "This course doesn't exist. See the list of courses.") from None
    try:
        student = lock_learner(session, paid.student_id)
    except (StudentNotFound, AddressNotConfirmed) as refusal:
        raise Invalid("student_id", refusal.detail) from None
    offer = offer_to_buy(session, student.id, course.id)
    currency = paid.currency.lower()
    check_currency(currency, course if offer is None else offer)
    _check_steps(paid.amount_cents, currency)
    payment_id = rows.add_payment(
        *(session, course, student),
        amount_cents=paid.amount_cents,
        currency=currency,
        offer=offer,
        method=paid.method,
        reference=paid.reference,
        paid_at=paid_at,
        key=key,
    )
    if payment_id is None:
        raise ReferenceUsed
    count(session, "payment", by)
    record(
        session,
        "payment.recorded",
        by=by,
        student_id=student.id,
        course_id=course.id,
        payment_id=payment_id,
        amount_cents=paid.amount_cents,
        currency=currency,
        method=paid.method,
    )
    already_has(session, [(student.id, course.id)], "paid")
    settle(session, payment_id, by=by)
    return _recorded(session, session.get_one(Payment, payment_id, populate_existing=True))


def check_amount(amount: int, currency: str) -> None:
    """Raise Invalid for what nobody can have paid in a currency."""
    _check_range(amount, currency)
    _check_steps(amount, currency)


@transactional
def record_refund(
    session: Session,
    payment_id: int,
    *,
    key: str | None = None,
    amount_cents: int | None = None,
    reference: str = "",
    reason: str = "",
    by: int,
) -> tuple[str, int, str]:
    """Record that money went back by hand; return its id, its amount and the currency.

    Without an amount it is all that is left; without a reference, one is made. What names neither
    key nor reference is one press or call as good as another: an equal one is refused. Raises
    PaymentNotFound, NotRefundable, RefundPending, KeyReused, RateLimited, and Invalid.
    """
    payment = lock_payment(session, payment_id)
    if key is not None and (known := rows.refund_of_key(session, key)) is not None:
        if known.payment_id != payment_id or amount_cents not in {None, known.amount_cents}:
            raise KeyReused
        return key, known.amount_cents, payment.currency
    if payment.status not in HELD:
        raise NotRefundable
    earlier = rows.refunds_so_far(session, payment)
    amount = _refundable(payment, earlier, amount_cents)
    if key is None and not reference and any(each.amount == amount for each in earlier):
        raise RefundPending(RefundPending.recorded.format(money(amount, payment.currency)))
    key = key or new_key()
    refund = rows.add_refund(
        *(session, payment),
        amount_cents=amount,
        reference=reference or f"refund-{payment_id}-{len(earlier) + 1}",
        refunded_at=now(),
        key=key,
    )
    if refund is None:
        raise Invalid(
            "reference", "Another refund of this payment has this reference. Use a different one."
        )
    count(session, "refund", by)
    record(
        session,
        "refund.recorded",
        by=by,
        student_id=payment.user_id,
        course_id=payment.course_id,
        reason=reason,
        payment_id=payment_id,
        amount_cents=amount,
        currency=payment.currency,
    )
    settle(session, payment_id, by=by, reason=reason)
    return key, amount, payment.currency


@transactional
def is_manual(session: Session, payment_id: int) -> bool:
    """Return whether a payment did not go through Stripe."""
    payment = session.get(Payment, payment_id)
    return payment is not None and payment.method != STRIPE


def _checked(session: Session, paid: ManualPayment) -> datetime:
    _check_range(paid.amount_cents, paid.currency.lower())
    if not paid.reference.strip():
        raise Invalid("reference", "Enter the reference of the transfer, invoice or receipt.")
    if len(paid.reference) > LONGEST_REFERENCE:
        raise Invalid("reference", f"Use at most {LONGEST_REFERENCE} characters.")
    return _moment(session, paid.paid_at or now())


def _moment(session: Session, when: datetime | date) -> datetime:
    """Return when money came; of a day, a moment that the books have in that day's month."""
    clocks = book_clocks(session)
    if not isinstance(when, datetime):
        there = clocks.zone_of(now())  # the school's, or that before a change of this month
        if when == day_of(now(), there):
            return now()
        when = clocks.within(max(when, _BEFORE_ALL), there)
    if when > now():
        raise in_future()
    if str(clocks.month(when)) < FIRST:
        raise Invalid("paid_at", "Enter a date in 1970 or later.")
    return when


def _refundable(payment: Payment, earlier: Sequence[RefundFact], asked: int | None) -> int:
    """Return how much goes back: what is asked for, or all that is left."""
    left = refundable(payment.status, payment.amount_cents, (), earlier)
    if left <= 0:
        raise NotRefundable(NotRefundable.nothing_left)
    amount = left if asked is None else asked
    if not 1 <= amount <= left:
        raise Invalid(
            "amount_cents", f"Enter an amount above 0, up to {money(left, payment.currency)}."
        )
    if amount != left:
        _check_steps(amount, payment.currency)
    return amount


def _same(session: Session, known: Payment, paid: ManualPayment) -> Recorded:
    """Return what was recorded before under the same key; it must be the same money."""
    before = (known.user_id, known.course_id, known.amount_cents, known.method, known.reference)
    asked = (paid.student_id, paid.course_id, paid.amount_cents, paid.method, paid.reference)
    if (
        before != asked
        or known.currency != paid.currency.lower()
        or not _is_when(session, known, paid)
    ):
        raise KeyReused
    return _recorded(session, known)


def _is_when(session: Session, known: Payment, paid: ManualPayment) -> bool:
    """Return whether money is said to have come at the same time, or on the day, as a form says."""
    if paid.paid_at is None or known.paid_at is None:
        return True
    clocks = book_clocks(session)
    there = clocks.zone_of(known.paid_at)
    if not isinstance(paid.paid_at, datetime):
        # By UTC, too: where a day was recorded before the school got another zone.
        zones = (there, school.of(session).time_zone, UTC_NAME)
        return paid.paid_at in {day_of(known.paid_at, zone) for zone in zones}
    day = known.paid_at.replace(hour=0, minute=0, second=0, microsecond=0)
    by_form = clocks.within(day_of(known.paid_at, there), there)
    return paid.paid_at in {known.paid_at, day, by_form}


def _check_range(amount: int, currency: str) -> None:
    if not 1 <= amount <= MAX_PRICE:
        most = money(MAX_PRICE, currency)
        raise Invalid("amount_cents", f"Enter an amount above 0, up to {most}.")


def _check_steps(amount: int, currency: str) -> None:
    if not is_in_steps(amount, currency):
        raise Invalid("amount_cents", steps(currency))


def _recorded(session: Session, payment: Payment) -> Recorded:
    student, course = payment.user_id, payment.course_id
    is_second = bool(student and course and is_processing(session, student, course))
    return Recorded(payment.id, payment.amount_cents, payment.currency, payment.status, is_second)
