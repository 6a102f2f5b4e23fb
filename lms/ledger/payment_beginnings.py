"""How payments begin: with an attempt to buy, or in an old school."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.audit import record
from lms.ledger.fact_rows import lock_facts, merge, sessions
from lms.ledger.facts import SessionFact
from lms.ledger.movements import book
from lms.ledger.payment_changes import refresh_payments
from lms.ledger.payments import lock_payment, write
from lms.ledger.projection import unpaid
from lms.ledger.settling import settle
from lms.models import Course, Payment, User
from lms.upsert import insert_numbered

ANOTHER_ADDRESS = (
    "The payment service doesn't accept your account's e-mail address. At checkout, enter another"
    " one that you use."
)
SECOND_PAYMENT = (
    "Your bank is disputing your earlier payment for this course. You can wait for its decision, or"
    " pay again to get access now. If the bank decides in the school's favor, the school"
    " will refund one of the two payments."
)
LONGEST_REFUSAL = 500


class Price(NamedTuple):
    """What a seat costs: as it was offered, or else as the course's price is."""

    cents: int
    currency: str


def begin_payment(
    session: Session,
    course: Course,
    student: User,
    *,
    price: Price,
    origin: str,
    expires_at: datetime,
) -> Payment:
    """Write down an attempt to buy at a price; the caller holds the seats and the student."""
    payment = Payment(
        user_id=student.id,
        user_email=student.email,
        course_id=course.id,
        course_title=course.title,
        agreed_cents=price.cents,
        subtotal_cents=price.cents,
        amount_cents=price.cents,
        currency=price.currency,
        status="pending",
        reference=secrets.token_urlsafe(24),
        origin=origin,
        session_expires_at=expires_at,
        created_at=now(),
        checkout_note=SECOND_PAYMENT if _is_disputed(session, course, student) else "",
    )
    session.add(payment)
    session.flush()
    record(
        session,
        "payment.started",
        by=student.id,
        student_id=student.id,
        course_id=course.id,
        payment_id=payment.id,
        amount_cents=payment.amount_cents,
        currency=payment.currency,
    )
    refresh_payments(session, [payment])
    return payment


def _is_disputed(session: Session, course: Course, student: User) -> bool:
    disputed = exists().where(
        Payment.user_id == student.id,
        Payment.course_id == course.id,
        Payment.status == "disputed",
    )
    return bool(session.scalar(select(disputed)))


def add_imported(session: Session, payments: Sequence[dict[str, Any]]) -> list[int]:
    """Keep the payments of an old school, and return their ids in the order given."""
    ids = insert_numbered(session, Payment, payments)
    book(session, ids)
    return ids


def keep_checkout(
    session: Session, payment_id: int, fact: SessionFact, *, url: str | None
) -> Payment:
    """Record where an attempt can be paid, and Stripe's session."""
    lock_facts(session)
    merge(session, fact)
    payment = session.get_one(Payment, payment_id, populate_existing=True)
    payment.checkout_url = url
    session.flush()
    settle(session, payment_id)
    _forget_refusals(session, payment.course_id)
    refresh_payments(session, [payment])
    return payment


def refuse_address(session: Session, payment_id: int) -> Payment:
    """Record that Stripe rejects the buyer's address: its page asks for another one."""
    payment = lock_payment(session, payment_id)
    if payment.email_refused_at is None:
        payment.email_refused_at = now()
        payment.checkout_note = f"{payment.checkout_note} {ANOTHER_ADDRESS}".strip()
        session.flush()
        refresh_payments(session, [payment])
    return payment


def give_up(session: Session, payment_id: int, *, because: str = "") -> bool:
    """Expire an attempt that Stripe has no checkout for; False if it has one.

    `because` is why Stripe refused to open one, which the school has to see to.
    """
    payment = lock_payment(session, payment_id)
    if payment.status != "pending" or sessions(session, payment_id):
        return False
    payment.refusal = because[:LONGEST_REFUSAL]
    return write(session, payment, unpaid("expired", payment.refusal), by=None, reason=because)


def _forget_refusals(session: Session, course_id: int | None) -> None:
    """Take earlier refusals off the list of what is to review: Stripe sells the course now."""
    refused = (Payment.course_id == course_id, Payment.attention > "", Payment.refusal > "")
    session.execute(
        update(Payment)
        .where(*refused)
        .values(refusal="", attention="", dismissed_attention=None)
        .execution_options(synchronize_session=False)
    )
