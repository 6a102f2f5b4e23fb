"""Rows of money that did not go through Stripe: an admin says that it came, or went back."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.facts import RefundFact
from lms.ledger.offers import OpenOffer
from lms.models import Course, ManualRefund, Payment, User
from lms.models.payments import ManualMethod
from lms.upsert import insert


def add_payment(
    session: Session,
    course: Course,
    student: User,
    *,
    amount_cents: int,
    currency: str,
    offer: OpenOffer | None,
    method: ManualMethod,
    reference: str,
    paid_at: datetime,
    key: str | None,
) -> int | None:
    """Write a payment down and return its id; None if its reference or its key is in use.

    Less than the price is the price with a discount; an offer has a price of its own, and no
    discount. It gives access once it is settled. The caller holds the seats and the student.
    """
    agreed = subtotal = max(course.price_cents, amount_cents)
    if offer is not None:
        agreed, subtotal = offer.price_cents, amount_cents
    return session.scalar(
        insert(Payment)
        .values(
            user_id=student.id,
            user_email=student.email,
            course_id=course.id,
            course_title=course.title,
            agreed_cents=agreed,
            subtotal_cents=subtotal,
            discount_cents=subtotal - amount_cents,
            amount_cents=amount_cents,
            currency=currency,
            status="processing",
            method=method,
            reference=reference,
            request_key=key,
            created_at=now(),
            paid_at=paid_at,
        )
        .on_conflict_do_nothing()
        .returning(Payment.id)
    )


def add_refund(
    session: Session,
    payment: Payment,
    *,
    amount_cents: int,
    reference: str,
    refunded_at: datetime,
    key: str | None,
) -> int | None:
    """Write a refund down and return its id; None if its reference or its key is in use."""
    return session.scalar(
        insert(ManualRefund)
        .values(
            payment_id=payment.id,
            amount_cents=amount_cents,
            reference=reference,
            refunded_at=refunded_at,
            request_key=key,
            created_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(ManualRefund.id)
    )


def refunds_so_far(session: Session, payment: Payment) -> list[RefundFact]:
    """Return the refunds of a payment, with what only its own row says as one of them.

    That would be lost once there is another: the row then says what the refunds add up to.
    """
    known = manual_refunds(session, payment.id, payment.currency)
    recorded = payment.refunded_cents - sum(each.amount for each in known)
    if recorded <= 0:
        return known
    add_refund(
        session,
        payment,
        amount_cents=recorded,
        reference=f"recorded-{payment.id}",
        refunded_at=payment.paid_at or payment.created_at,
        key=None,
    )
    return manual_refunds(session, payment.id, payment.currency)


def payment_of_key(session: Session, key: str) -> Payment | None:
    """Return the payment that was recorded under this key."""
    return session.scalar(select(Payment).where(Payment.request_key == key))


def refund_of_key(session: Session, key: str) -> ManualRefund | None:
    """Return the refund that was recorded under this key."""
    return session.scalar(select(ManualRefund).where(ManualRefund.request_key == key))


def manual_refunds(session: Session, payment_id: int, currency: str) -> list[RefundFact]:
    """Return the refunds of a payment that were made by hand, as facts like Stripe's."""
    rows = session.scalars(
        select(ManualRefund).where(ManualRefund.payment_id == payment_id).order_by(ManualRefund.id)
    )
    return [
        RefundFact(
            id=f"manual-{row.id}",
            payment_intent=None,
            amount=row.amount_cents,
            currency=currency,
            status="succeeded",
            created_at=row.refunded_at,
            succeeded_at=row.refunded_at,
        )
        for row in rows
    ]
