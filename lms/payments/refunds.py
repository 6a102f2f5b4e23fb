"""Refunds: an admin requests one, Stripe makes it, and Stripe's events change the status."""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from lms.ledger.audit import record
from lms.ledger.fact_rows import refunds, sessions
from lms.ledger.limits import count
from lms.ledger.payments import lock_payment
from lms.ledger.projection import refundable, sent_back
from lms.live import touch
from lms.models.payment_status import HELD
from lms.money import money
from lms.payments.gateway import Busy, Declined, Gateway
from lms.payments.inbox import observe
from lms.refusals import (
    Invalid,
    NotRefundable,
    NotRefundableHere,
    PaymentsUnavailable,
    RefundInDispute,
)
from lms.transaction import transactional

LONGEST_REASON = 500


@dataclass(frozen=True)
class RefundRequested:
    """A refund that Stripe has taken on."""

    payment_id: int
    amount_cents: int
    currency: str


@dataclass(frozen=True)
class _Plan:
    payment_intent: str
    amount_cents: int
    currency: str
    is_everything: bool
    key: str


def request_refund(
    gateway: Gateway | None,
    payment_id: int,
    *,
    amount_cents: int | None = None,
    reason: str = "",
    by: int,
) -> RefundRequested:
    """Request a refund; without an amount, of everything that is left.

    Status and access change when Stripe confirms the refund, not here. Pressing twice is one
    refund. Raises PaymentNotFound, NotRefundable, PaymentsUnavailable, RateLimited, and Invalid for
    an amount.
    """
    if gateway is None:
        raise PaymentsUnavailable("Payments are not configured: set STRIPE_SECRET_KEY.")
    plan = _write_down(payment_id, amount_cents=amount_cents, reason=reason, by=by)
    amount = None if plan.is_everything else plan.amount_cents
    try:
        fact = gateway.create_refund(plan.payment_intent, amount=amount, key=plan.key)
    except Busy:
        raise NotRefundable("This refund is already in progress. Reload the page.") from None
    except Declined as refusal:
        raise NotRefundable(f"Stripe refused this refund: {refusal}") from None
    # Known from now on, so that nobody asks for the same money twice; whether it has come back to
    # the student is known from Stripe's events and reconciliation.
    observe(replace(fact, status="pending", succeeded_at=None))
    return RefundRequested(payment_id, fact.amount, plan.currency)


def obstacle(status: str, intent: str | None) -> NotRefundable | None:
    """Return why money that we hold can't be sent back from here; None if it can."""
    if status not in HELD:
        return None
    if status == "disputed":
        return RefundInDispute()
    return NotRefundableHere() if intent is None else None


@transactional
def _write_down(
    session: Session, payment_id: int, *, amount_cents: int | None, reason: str, by: int
) -> _Plan:
    payment = lock_payment(session, payment_id)
    intent = payment.stripe_payment_intent_id
    if payment.status not in HELD:
        raise NotRefundable
    if (refusal := obstacle(payment.status, intent)) is not None:
        raise refusal
    assert intent is not None  # noqa: S101 - narrows the type
    known = refunds(session, intent)
    under_way = sent_back(known)
    left = refundable(*(payment.status, payment.amount_cents), sessions(session, payment_id), known)
    if left <= 0:
        raise NotRefundable("This payment has been refunded, or its refund is in progress.")
    amount = left if amount_cents is None else amount_cents
    if not 1 <= amount <= left:
        raise Invalid(
            "amount_cents",
            f"Enter an amount above 0, up to {money(left, payment.currency)}.",
        )
    count(session, "refund", by)
    record(
        session,
        "refund.requested",
        by=by,
        student_id=payment.user_id,
        course_id=payment.course_id,
        reason=reason,
        payment_id=payment_id,
        amount_cents=amount,
        currency=payment.currency,
    )
    touch(session, "payments")
    return _Plan(
        payment_intent=intent,
        amount_cents=amount,
        currency=payment.currency,
        is_everything=not under_way and amount == left,
        # The same for two who press at once; another one once Stripe knows of a refund.
        key=f"refund-{intent}-{len(known)}-{under_way}-{amount}",
    )
