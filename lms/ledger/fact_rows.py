"""The tables of Stripe's facts: new ones are merged into what is known."""

from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.ledger.facts import (
    DisputeFact,
    Fact,
    RefundFact,
    SessionFact,
    merge_disputes,
    merge_refunds,
    merge_sessions,
)
from lms.models import Payment, StripeDispute, StripeRefund, StripeSession, Version
from lms.models.payments import RefundStatus, SessionState
from lms.upsert import insert


def lock_facts(session: Session) -> None:
    """Take facts one at a time, before any other lock.

    A refund and the session that it belongs to, arriving at once, would otherwise each miss the
    other, uncommitted, row, and the refund would wait for ever.
    """
    session.execute(
        insert(session, Version)
        .values(topic="stripe", shard=0, value=1)
        .on_conflict_do_update(index_elements=["topic", "shard"], set_={"value": Version.value + 1})
    )


def merge(session: Session, fact: Fact) -> int | None:
    """Merge a fact into its table and return the payment it belongs to, if that is known yet."""
    match fact:
        case SessionFact():
            return _merge_session(session, fact)
        case RefundFact():
            intent = _merge_refund(session, fact)
        case DisputeFact():
            intent = _merge_dispute(session, fact)
    return payment_of_intent(session, intent)


def payment_of_intent(session: Session, payment_intent: str | None) -> int | None:
    """Return the payment that was made by a payment intent, if its session is known."""
    if payment_intent is None:
        return None
    return session.scalar(
        select(Payment.id).where(Payment.stripe_payment_intent_id == payment_intent)
    )


def sessions(session: Session, payment_id: int) -> list[SessionFact]:
    """Return the checkout sessions of a payment."""
    rows = session.scalars(
        select(StripeSession).where(StripeSession.payment_id == payment_id).order_by("id")
    )
    return [_session_fact(row) for row in rows]


def refunds(session: Session, intent: str | None) -> list[RefundFact]:
    """Return the refunds of a payment intent."""
    if intent is None:
        return []
    rows = session.scalars(
        select(StripeRefund)
        .where(StripeRefund.payment_intent == intent)
        .order_by(StripeRefund.created_at, StripeRefund.id)
    )
    return [_refund_fact(row) for row in rows]


def disputes(session: Session, intent: str | None) -> list[DisputeFact]:
    """Return the disputes of a payment intent."""
    if intent is None:
        return []
    rows = session.scalars(
        select(StripeDispute)
        .where(StripeDispute.payment_intent == intent)
        .order_by(StripeDispute.created_at, StripeDispute.id)
    )
    return [_dispute_fact(row) for row in rows]


def _merge_session(session: Session, fact: SessionFact) -> int | None:
    payment = session.scalar(select(Payment).where(Payment.stripe_session_id == fact.id))
    if payment is None and fact.reference is not None:
        payment = session.scalar(select(Payment).where(Payment.reference == fact.reference))
    if payment is None:
        return None  # somebody else's: one Stripe account may serve several sites
    row = session.get(StripeSession, fact.id)
    if row is None:
        row = StripeSession(id=fact.id, payment_id=payment.id)
        session.add(row)
    else:
        fact = merge_sessions(_session_fact(row), fact)
    row.state = fact.state
    row.payment_intent = fact.payment_intent
    row.amount_total = fact.amount_total
    row.currency = fact.currency
    row.paid_at = fact.paid_at
    session.flush()
    _remember_ids(session, payment, fact)
    return payment.id


def _remember_ids(session: Session, payment: Payment, fact: SessionFact) -> None:
    if payment.stripe_session_id is None or fact.state == "paid":
        payment.stripe_session_id = fact.id
        session.flush()
    if fact.payment_intent is None or (payment.stripe_payment_intent_id and fact.state != "paid"):
        return
    if payment_of_intent(session, fact.payment_intent) is None:
        payment.stripe_payment_intent_id = fact.payment_intent
    session.flush()


def _merge_refund(session: Session, fact: RefundFact) -> str | None:
    row = session.get(StripeRefund, fact.id)
    if row is None:
        row = StripeRefund(id=fact.id)
        session.add(row)
    else:
        fact = merge_refunds(_refund_fact(row), fact)
    row.payment_intent = fact.payment_intent
    row.amount = fact.amount
    row.currency = fact.currency
    row.status = fact.status
    row.created_at = fact.created_at
    session.flush()
    return fact.payment_intent


def _merge_dispute(session: Session, fact: DisputeFact) -> str | None:
    row = session.get(StripeDispute, fact.id)
    if row is None:
        row = StripeDispute(id=fact.id)
        session.add(row)
    else:
        fact = merge_disputes(_dispute_fact(row), fact)
    row.payment_intent = fact.payment_intent
    row.amount = fact.amount
    row.currency = fact.currency
    row.status = fact.status
    row.reason = fact.reason
    row.told_at = fact.told_at
    row.created_at = fact.created_at
    session.flush()
    return fact.payment_intent


def _session_fact(row: StripeSession) -> SessionFact:
    return SessionFact(
        id=row.id,
        reference=None,
        state=cast("SessionState", row.state),
        payment_intent=row.payment_intent,
        amount_total=row.amount_total,
        currency=row.currency,
        paid_at=row.paid_at,
    )


def _refund_fact(row: StripeRefund) -> RefundFact:
    return RefundFact(
        id=row.id,
        payment_intent=row.payment_intent,
        amount=row.amount,
        currency=row.currency,
        status=cast("RefundStatus", row.status),
        created_at=row.created_at,
    )


def _dispute_fact(row: StripeDispute) -> DisputeFact:
    return DisputeFact(
        id=row.id,
        payment_intent=row.payment_intent,
        amount=row.amount,
        currency=row.currency,
        status=row.status,
        reason=row.reason,
        told_at=row.told_at,
        created_at=row.created_at,
    )
