"""Facts of Stripe's, and how two of one thing become one.

Stripe delivers late, twice and in any order. So merging takes the greater of two facts in a fixed
order, which makes the result the same whatever came first: commutative, associative, idempotent.
What one of them leaves out is kept from the other.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from lms.models.payments import RefundStatus, SessionState


@dataclass(frozen=True)
class SessionFact:
    """A checkout session: the furthest that its payment has come."""

    id: str
    reference: str | None
    state: SessionState
    payment_intent: str | None = None
    amount_total: int | None = None
    currency: str | None = None
    paid_at: datetime | None = None
    """The earliest time at which it was reported as paid."""
    amount_subtotal: int | None = None
    amount_discount: int | None = None
    amount_tax: int | None = None
    presentment_amount: int | None = None
    presentment_currency: str | None = None
    """What the student saw, where Stripe converted the price."""
    invoice: str | None = None
    invoice_number: str | None = None
    invoice_url: str | None = None
    tax_id: str | None = None
    """The buyer's."""

    @property
    def is_whole(self) -> bool:
        """Whether it has the amount, once it is paid, and an invoice's number where there is one.

        Nothing is paid without a payment intent.
        """
        if self.state != "paid":
            return True
        has_intent = self.payment_intent is not None or self.amount_total == 0
        has_number = self.invoice is None or self.invoice_number is not None
        return has_intent and has_number and None not in (self.amount_total, self.currency)


@dataclass(frozen=True)
class RefundFact:
    """A refund of a payment intent."""

    id: str
    payment_intent: str | None
    amount: int
    """0 if unknown."""
    currency: str
    status: RefundStatus
    created_at: datetime
    charge: str | None = None
    """The charge, which leads to an unknown payment intent."""
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    """The earliest time at which it was reported as such."""
    request: str | None = None
    """The key of the request that it answers, which Stripe keeps for us."""

    @property
    def is_whole(self) -> bool:
        """Whether it has what was refunded, and the amount."""
        return self.payment_intent is not None and self.amount > 0


@dataclass(frozen=True)
class DisputeFact:
    """A dispute, or only an inquiry, of the student's bank."""

    id: str
    payment_intent: str | None
    amount: int
    currency: str
    status: str
    reason: str
    told_at: datetime
    created_at: datetime
    charge: str | None = None
    disputed_at: datetime | None = None
    """The earliest time at which the bank was reported to have the money."""
    won_at: datetime | None = None
    lost_at: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has what is disputed, and the amount."""
        return self.payment_intent is not None and self.amount > 0


Fact = SessionFact | RefundFact | DisputeFact

SESSION_ORDER: tuple[SessionState, ...] = ("open", "expired", "processing", "failed", "paid")
REFUND_ORDER: tuple[RefundStatus, ...] = (
    "pending",
    "requires_action",
    "succeeded",
    "canceled",
    "failed",  # a refund can fail after it has succeeded, never the other way round
)
# An inquiry may become a dispute; an appeal follows a loss and may be lost again, so within one
# rank the later report counts.
_DISPUTE_RANK = {
    "warning_needs_response": 0,
    "warning_under_review": 1,
    "warning_closed": 2,
    "needs_response": 3,
    "under_review": 4,
    "lost": 5,
    "appeal_needs_response": 5,
    "appeal_under_review": 5,
    "prevented": 6,
    "won": 6,
}
_UNKNOWN_DISPUTE = 3


def merge_sessions(one: SessionFact, other: SessionFact) -> SessionFact:
    """Return the session that has come furthest, with the earliest time of payment."""
    further = max(one, other, key=_session_rank)
    return replace(
        further,
        reference=_known(one.reference, other.reference),
        payment_intent=_known(one.payment_intent, other.payment_intent),
        paid_at=_earliest(one.paid_at, other.paid_at),
        invoice=_known(one.invoice, other.invoice),
        invoice_number=_known(one.invoice_number, other.invoice_number),
        invoice_url=_known(one.invoice_url, other.invoice_url),
        tax_id=_known(one.tax_id, other.tax_id),
    )


def merge_refunds(one: RefundFact, other: RefundFact) -> RefundFact:
    """Return the refund that has come furthest."""
    return replace(
        max(one, other, key=_refund_rank),
        payment_intent=_known(one.payment_intent, other.payment_intent),
        amount=max(one.amount, other.amount),
        currency=max(one.currency, other.currency),
        created_at=min(one.created_at, other.created_at),
        charge=_known(one.charge, other.charge),
        succeeded_at=_earliest(one.succeeded_at, other.succeeded_at),
        failed_at=_earliest(one.failed_at, other.failed_at),
        request=_known(one.request, other.request),
    )


def merge_disputes(one: DisputeFact, other: DisputeFact) -> DisputeFact:
    """Return the dispute that is furthest along; among equals, the one reported last."""
    return replace(
        max(one, other, key=_dispute_rank),
        payment_intent=_known(one.payment_intent, other.payment_intent),
        amount=max(one.amount, other.amount),
        currency=max(one.currency, other.currency),
        reason=max(one.reason, other.reason),
        created_at=min(one.created_at, other.created_at),
        charge=_known(one.charge, other.charge),
        disputed_at=_earliest(one.disputed_at, other.disputed_at),
        won_at=_earliest(one.won_at, other.won_at),
        lost_at=_earliest(one.lost_at, other.lost_at),
    )


# The ranks end in what distinguishes two facts of one rank; all else is merged by rules of its own.
def _session_rank(fact: SessionFact) -> tuple[int | str, ...]:
    # What was charged goes with the state: the session's price is no proof of it.
    amounts = (
        *(fact.amount_total, fact.amount_subtotal, fact.amount_discount, fact.amount_tax),
        fact.presentment_amount,
    )
    return (
        SESSION_ORDER.index(fact.state),
        *(-1 if amount is None else amount for amount in amounts),
        *(fact.currency or "", fact.presentment_currency or ""),
    )


def _refund_rank(fact: RefundFact) -> int:
    return REFUND_ORDER.index(fact.status)


def _dispute_rank(fact: DisputeFact) -> tuple[int, datetime, str]:
    return _DISPUTE_RANK.get(fact.status, _UNKNOWN_DISPUTE), fact.told_at, fact.status


def _known(one: str | None, other: str | None) -> str | None:
    return max(filter(None, (one, other)), default=None)


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)
