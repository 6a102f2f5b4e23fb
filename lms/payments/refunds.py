"""Refunds: an admin requests one, Stripe makes it, and Stripe's events change the status.

A refund has an id of its own, which its form or its caller gives it: the same id is the same
refund for good. It is written down before Stripe is asked, outside the transaction. Dying in
between loses nothing: the same id again, or reconciliation, asks Stripe for the same refund.
"""

import hashlib
import logging
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger import refund_requests as requests
from lms.ledger.audit import record
from lms.ledger.fact_rows import disputes, refunds, sessions
from lms.ledger.limits import count
from lms.ledger.payments import lock_payment
from lms.ledger.projection import refundable, sent_back
from lms.live import touch
from lms.models import Payment, RefundRequest
from lms.models.payment_status import HELD
from lms.models.payments import STRIPE, UNFINISHED_REFUNDS, RefundRequestStatus
from lms.money import money
from lms.payments.gateway import Busy, Declined, Gateway
from lms.payments.inbox import observe
from lms.payments.recording import is_manual, record_refund
from lms.payments.refund_refusals import in_our_words
from lms.refusals import (
    Invalid,
    KeyReused,
    NotRefundable,
    NotRefundableHere,
    PaymentsUnavailable,
    RefundDelayed,
    RefundInDispute,
    RefundPending,
)
from lms.transaction import transactional

LONGEST_REASON = 500
_REFUSED = "Stripe refused this refund. "
_REMEMBERED = timedelta(hours=20)
"""Stripe forgets an idempotency key after a day; it would then make the refund once more."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RefundRequested:
    """A refund that has been requested."""

    refund_id: str
    payment_id: int
    amount_cents: int
    currency: str
    status: RefundRequestStatus


@dataclass(frozen=True)
class _Written:
    """A refund as it is written down, and what Stripe is asked for it."""

    id: int
    key: str
    payment_id: int
    payment_intent: str
    asked_cents: int | None
    amount_cents: int
    currency: str
    status: RefundRequestStatus
    refusal: str
    created_at: datetime

    @property
    def idempotency_key(self) -> str:
        """What makes Stripe take it once, however often it is asked."""
        return "refund-" + hashlib.sha256(self.key.encode()).hexdigest()


def new_refund_id() -> str:
    """Return an id for a refund that is about to be requested."""
    return secrets.token_urlsafe(18)


def request_refund(
    gateway: Gateway | None,
    payment_id: int,
    *,
    key: str | None = None,
    amount_cents: int | None = None,
    reference: str = "",
    reason: str = "",
    by: int,
) -> RefundRequested:
    """Request a refund; without an amount, of everything that is left.

    Of money that did not go through Stripe, it is recorded as made by hand, under its reference.

    Status and access change when Stripe confirms the refund, not here. The same key is the same
    refund, whenever it comes again. Raises PaymentNotFound, NotRefundable, RefundPending,
    KeyReused, PaymentsUnavailable, RateLimited, and Invalid for an amount.
    """
    if is_manual(payment_id):
        made = record_refund(
            payment_id,
            key=key,
            amount_cents=amount_cents,
            reference=reference,
            reason=reason,
            by=by,
        )
        refund_id, amount, currency = made
        return RefundRequested(refund_id, payment_id, amount, currency, "taken")
    if gateway is None:
        raise PaymentsUnavailable("Payments are not configured: set STRIPE_SECRET_KEY.")
    if reference:
        raise Invalid("reference", "Leave this empty: Stripe gives the refund its own reference.")
    written = _write_down(payment_id, key=key, amount_cents=amount_cents, reason=reason, by=by)
    return _ask(gateway, written)


def continue_refund(gateway: Gateway, request_id: int) -> bool:
    """Ask Stripe for a refund that was written down and never answered; True if it is now."""
    written = _unanswered(request_id)
    if written is None:
        return False
    try:
        return _ask(gateway, written).status == "taken"
    except NotRefundable:
        return True


def obstacle(
    status: str, intent: str | None, amount_cents: int, method: str = STRIPE
) -> NotRefundable | None:
    """Return why money that we hold can't be sent back from here; None if it can."""
    if status not in HELD:
        return None
    if amount_cents == 0:  # a promotion code of 100 %
        return NotRefundable(NotRefundable.nothing_left)
    if method != STRIPE:
        return None
    if status == "disputed":
        return RefundInDispute()
    return NotRefundableHere() if intent is None else None


def _ask(gateway: Gateway, written: _Written) -> RefundRequested:
    """Have Stripe make a refund, unless its answer is known."""
    requested = RefundRequested(
        refund_id=written.key,
        payment_id=written.payment_id,
        amount_cents=written.amount_cents,
        currency=written.currency,
        status=written.status,
    )
    if written.status == "taken":
        return requested
    if written.status == "refused":
        raise NotRefundable(f"{_REFUSED}{written.refusal}")
    try:
        fact = None
        if now() - written.created_at > _REMEMBERED:
            fact = gateway.refund_requested(written.payment_intent, request=written.key)
        fact = fact or gateway.create_refund(
            written.payment_intent,
            amount=written.asked_cents,
            request=written.key,
            key=written.idempotency_key,
        )
    except Busy:  # another press of the same refund is at it
        return requested
    except Declined as refusal:
        _log.warning("Stripe refuses a refund of payment %d: %s", written.payment_id, refusal)
        why = in_our_words(refusal)
        _refuse(written.id, why)
        raise NotRefundable(f"{_REFUSED}{why}") from None
    except PaymentsUnavailable:
        raise RefundDelayed from None
    # Known from now on, so that nobody asks for the same money twice; whether it has come back to
    # the student is known from Stripe's events and reconciliation.
    observe(replace(fact, status="pending", succeeded_at=None, request=written.key))
    return replace(requested, amount_cents=fact.amount, status="taken")


@transactional
def _write_down(
    session: Session,
    payment_id: int,
    *,
    key: str | None,
    amount_cents: int | None,
    reason: str,
    by: int,
) -> _Written:
    payment = lock_payment(session, payment_id)
    if key is not None and (known := requests.request_of(session, key)) is not None:
        return _same(known, payment, amount_cents)
    left, unseen = _left(session, payment, amount_cents, has_key=key is not None)
    amount = left if amount_cents is None else amount_cents
    if not 1 <= amount <= left:
        raise Invalid(
            "amount_cents", f"Enter an amount above 0, up to {money(left, payment.currency)}."
        )
    written = requests.write_down(
        session,
        payment_id,
        key=key or new_refund_id(),
        # All that is left at Stripe is more than that, once a bank has taken a part back, and
        # where it may not know of an earlier refund.
        asked_cents=None if amount == left and not payment.lost_cents and not unseen else amount,
        amount_cents=amount,
    )
    if written is None:
        raise KeyReused
    count(session, "refund", by)
    _record(session, "requested", written, payment, by=by, reason=reason)
    touch(session, "payments")
    return _written(written, payment)


def _same(known: RefundRequest, payment: Payment, amount_cents: int | None) -> _Written:
    """Return a refund that was requested before under the same id; it must be the same one."""
    amounts = {known.asked_cents, known.amount_cents}
    if known.payment_id != payment.id or amount_cents not in amounts:
        raise KeyReused
    return _written(known, payment)


def _left(
    session: Session, payment: Payment, asked: int | None, *, has_key: bool
) -> tuple[int, int]:
    """Return how much a new refund can send back, and how much Stripe may not know to be gone.

    Raises what stands in its way.
    """
    if payment.status not in HELD:
        raise NotRefundable
    intent = payment.stripe_payment_intent_id
    if (refusal := obstacle(payment.status, intent, payment.amount_cents)) is not None:
        raise refusal
    known = refunds(session, intent)
    awaited = requests.unanswered(requests.requests_of(session, payment.id))
    pending = awaited + [each.amount for each in known if each.status in UNFINISHED_REFUNDS]
    if asked in pending and not has_key:
        raise RefundPending
    left = refundable(
        *(payment.status, payment.amount_cents, sessions(session, payment.id), known),
        disputes(session, intent),
        recorded=payment.refunded_cents,
        awaited=sum(awaited),
    )
    if left <= 0:
        raise RefundPending if pending else NotRefundable(NotRefundable.nothing_left)
    return left, sum(awaited) + max(0, payment.refunded_cents - sent_back(known))


@transactional
def _unanswered(session: Session, request_id: int) -> _Written | None:
    request = session.get(RefundRequest, request_id)
    if request is None or request.status != "requested":
        return None
    return _written(request, session.get_one(Payment, request.payment_id))


@transactional
def _refuse(session: Session, request_id: int, why: str) -> None:
    if not requests.note_refusal(session, request_id, why):
        return
    request = session.get_one(RefundRequest, request_id)
    payment = session.get_one(Payment, request.payment_id)
    _record(session, "refused", request, payment, by=None, reason=why)


def _record(
    session: Session,
    what: Literal["requested", "refused"],
    request: RefundRequest,
    payment: Payment,
    *,
    by: int | None,
    reason: str,
) -> None:
    record(
        session,
        f"refund.{what}",
        by=by,
        student_id=payment.user_id,
        course_id=payment.course_id,
        reason=reason,
        payment_id=payment.id,
        amount_cents=request.amount_cents,
        currency=payment.currency,
    )


def _written(request: RefundRequest, payment: Payment) -> _Written:
    return _Written(
        id=request.id,
        key=request.key,
        payment_id=payment.id,
        payment_intent=payment.stripe_payment_intent_id or "",
        asked_cents=request.asked_cents,
        amount_cents=request.amount_cents,
        currency=payment.currency,
        status=request.status,
        refusal=request.refusal,
        created_at=request.created_at,
    )
