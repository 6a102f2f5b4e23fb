"""The tables of Stripe's facts: new ones are merged into what is known."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.db import Base
from lms.ledger.facts import (
    DisputeFact,
    Fact,
    RefundFact,
    SessionFact,
    merge_disputes,
    merge_refunds,
    merge_sessions,
)
from lms.ledger.refund_requests import note_answer
from lms.live import raising, touch
from lms.models import Payment, StripeDispute, StripeRefund, StripeSession
from lms.models.columns import constants
from lms.models.payments import STRIPE
from lms.statements import run

F = TypeVar("F", SessionFact, RefundFact, DisputeFact)


def lock_facts(session: Session) -> None:
    """Take facts one at a time, before any other lock but that of the school's settings.

    A refund and the session that it belongs to, arriving at once, would otherwise each miss the
    other, uncommitted, row, and the refund would wait forever.
    """
    run(session, raising("stripe"), at_shard=0)


def merge(session: Session, fact: Fact) -> int | None:
    """Merge a fact into its table and return the payment it belongs to, if that is known yet."""
    match fact:
        case SessionFact():
            return _merge_session(session, fact)
        case RefundFact():
            fact = _merge_row(session, StripeRefund, fact, merge_refunds)
            note_answer(session, fact)
        case DisputeFact():
            fact = _merge_row(session, StripeDispute, fact, merge_disputes)
    return payment_of_intent(session, fact.payment_intent)


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
    return [_fact(SessionFact, row) for row in rows]


def refunds(session: Session, intent: str | None) -> list[RefundFact]:
    """Return the refunds of a payment intent."""
    if intent is None:
        return []
    rows = session.scalars(
        select(StripeRefund)
        .where(StripeRefund.payment_intent == intent)
        .order_by(StripeRefund.created_at, StripeRefund.id)
    )
    return [_fact(RefundFact, row) for row in rows]


def disputes(session: Session, intent: str | None) -> list[DisputeFact]:
    """Return the disputes of a payment intent."""
    if intent is None:
        return []
    rows = session.scalars(
        select(StripeDispute)
        .where(StripeDispute.payment_intent == intent)
        .order_by(StripeDispute.created_at, StripeDispute.id)
    )
    return [_fact(DisputeFact, row) for row in rows]


def _merge_session(session: Session, fact: SessionFact) -> int | None:
    payment = session.scalar(select(Payment).where(Payment.stripe_session_id == fact.id))
    if payment is None and fact.reference is not None:
        # By a constant, so that the index of these alone is used; by hand, an admin may have
        # recorded money under any reference.
        ours = (Payment.method == constants(STRIPE)[0], Payment.reference == fact.reference)
        payment = session.scalar(select(Payment).where(*ours))
    if payment is None:
        return None  # somebody else's: one Stripe account may serve several sites
    fact = _merge_row(session, StripeSession, fact, merge_sessions, payment_id=payment.id)
    _remember_ids(session, payment, fact)
    _remember_invoice(session, payment, fact)
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


def _remember_invoice(session: Session, payment: Payment, fact: SessionFact) -> None:
    if fact.state != "paid":
        return
    payment.invoice_number = fact.invoice_number or payment.invoice_number
    if payment.user_id is not None:  # else the buyer was erased, whom the invoice names
        payment.invoice_url = fact.invoice_url or payment.invoice_url
        payment.buyer_tax_id = fact.tax_id or payment.buyer_tax_id
    if session.is_modified(payment):
        touch(session, "payments", students=filter(None, [payment.user_id]))
    session.flush()


def _merge_row(
    session: Session, model: type[Base], fact: F, merged: Callable[[F, F], F], **new: int
) -> F:
    row = session.get(model, fact.id)
    if row is None:
        row = model(id=fact.id, **new)
        session.add(row)
    else:
        fact = merged(_fact(type(fact), row), fact)
    for name in vars(fact).keys() & model.__table__.columns.keys():
        setattr(row, name, getattr(fact, name))
    session.flush()
    return fact


def _fact(kind: type[F], row: Base) -> F:
    """Return a row as a fact, without what serves to find its payment and is not kept."""
    kept: dict[str, Any] = {name: getattr(row, name, None) for name in kind.__dataclass_fields__}
    return kind(**kept)
