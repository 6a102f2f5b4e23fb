"""What all facts about a purchase amount to: its status, and whether it gives access.

Pure, and the only place that decides. Feeding it the same facts in any order, any number of times,
gives the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lms.ledger.facts import SESSION_ORDER, DisputeFact, RefundFact, SessionFact, merge_sessions
from lms.ledger.kept import KEPT_TOO_LITTLE, keeps_access
from lms.ledger.price_parts import Parts, difference, difference_from_offer, parts_of
from lms.models import PaymentStatus
from lms.models.payment_status import GIVING_ACCESS, HELD
from lms.models.payments import UNDISPUTED, SaleEnd, SessionState
from lms.money import money

ACCESS_ENDED = (
    "An admin ended the student's access, but the payment was kept. Refund it, or mark it as"
    " reviewed to keep the money."
)
_DECIDE = "Enroll the student, or refund the payment."
SALE_ENDED: dict[SaleEnd, str] = {
    "off_sale": f"The course was no longer for sale when this was paid. {_DECIDE}",
    "offer": f"The student's offer had ended when this was paid. {_DECIDE}",
    "approval": f"The course needed approval when this was paid. {_DECIDE}",
    "price": f"The course's price had changed when this was paid. {_DECIDE}",
    "enrolled": (
        "The student already had access when this was paid. Refund the payment, or mark it as"
        " reviewed to keep the money."
    ),
    "paid": (
        "Another payment for this course was already recorded when this was paid. Refund one of"
        " the two, or mark this one as reviewed to keep both."
    ),
}
"""What is said of money that comes after the sale to its student had ended."""
_INQUIRY = frozenset(["warning_needs_response", "warning_under_review"])
_HARMLESS = UNDISPUTED - _INQUIRY
_LOST = frozenset(["lost"])
_DISPUTED = frozenset(["disputed"])
_RETURNED_TO_US = frozenset(["canceled", "failed"])
_UNPAID: dict[SessionState, PaymentStatus] = {
    "open": "pending",
    "expired": "expired",
    "processing": "processing",
    "failed": "failed",
}
_RECORDED: dict[PaymentStatus, SessionState] = {status: key for key, status in _UNPAID.items()}


@dataclass(frozen=True)
class Snapshot:
    """Our side of a purchase: what was offered, and what our records say."""

    amount_cents: int
    currency: str
    status: PaymentStatus = "pending"
    refunded_cents: int = 0
    lost_cents: int = 0
    paid_at: datetime | None = None
    access_ended_at: datetime | None = None
    kept_percent: int = 0
    """How much of a payment the school has to keep for its access to stay."""
    sale_ended_at: datetime | None = None
    sale_end: SaleEnd = "off_sale"
    refusal: str = ""
    agreed_cents: int | None = None
    """The price offered; None is the amount."""
    subtotal_cents: int | None = None
    """What was paid before discount and tax, by the row; None is the price offered."""
    accepted_cents: int | None = None
    """What an admin has accepted instead."""


@dataclass(frozen=True)
class Projection:
    """The outcome of a purchase."""

    status: PaymentStatus
    refunded_cents: int = 0
    lost_cents: int = 0
    paid_at: datetime | None = None
    attention: str = ""
    parts: Parts | None = None
    """What was charged; None is what the payment's row says."""

    @property
    def gives_access(self) -> bool:
        """Whether the student may learn by this payment."""
        return self.status in GIVING_ACCESS


def project(
    payment: Snapshot,
    sessions: Sequence[SessionFact],
    refunds: Sequence[RefundFact] = (),
    disputes: Sequence[DisputeFact] = (),
) -> Projection:
    """Return the status of a purchase."""
    session = furthest(sessions)
    # Imported payments have no session here; what was recorded as paid stays paid.
    state = max(
        _RECORDED.get(payment.status, "paid"),
        session.state if session else "open",
        key=SESSION_ORDER.index,
    )
    if state != "paid":
        return unpaid(_UNPAID[state], payment.refusal)
    parts = parts_of(session, payment.currency)
    taken = session.amount_total if session and session.state == "paid" else payment.amount_cents
    amount = parts.total if parts else payment.amount_cents
    refunded = sum(refund.amount for refund in refunds if refund.status == "succeeded")
    lost = lost_in(disputes, taken or 0)
    if session is None:
        refunded = _refunded_by_record(payment, refunded, refunds)
        lost = lost if disputes else _lost_by_record(payment, refunded)
    paid_at = (session.paid_at if session else None) or payment.paid_at
    status, attention = _paid_status(
        *(payment, session),
        refunded=refunded,
        lost=lost,
        taken=taken or 0,
        disputes=disputes,
    )
    if not attention and any(refund.status == "failed" for refund in refunds):
        attention = (
            ""
            if status == "refunded"
            else "A refund failed, and the money came back to the school. Refund the payment again."
        )
    return Projection(
        status,
        min(refunded, amount),
        min(lost, amount),
        paid_at,
        attention,
        parts,
    )


def unpaid(status: PaymentStatus, refusal: str = "") -> Projection:
    """Return the outcome of a purchase without money; a refusal needs the school's attention."""
    if status != "expired" or not refusal:
        return Projection(status)
    return Projection(
        status,
        attention=f"Stripe refused to sell this course: {refusal.rstrip('. ')}. Correct the"
        " course's price or currency, or whatever else Stripe names. Until then, nobody can buy"
        " the course.",
    )


def refundable(
    status: str,
    amount_cents: int,
    sessions: Sequence[SessionFact],
    refunds: Sequence[RefundFact],
    disputes: Sequence[DisputeFact] = (),
    *,
    recorded: int = 0,
    awaited: int = 0,
) -> int:
    """Return how much can still be sent back: what Stripe took, less what is gone or on its way.

    `recorded` is what the payment's row says was refunded, which may be all that says so; `awaited`
    is what has been requested without an answer yet. Stripe may have taken another amount
    than was offered: the payment then needs review. While a bank disputes a payment, Stripe refuses
    to refund it.
    """
    if status not in HELD or status == "disputed":
        return 0
    found = [fact.amount_total for fact in sessions if fact.state == "paid" and fact.amount_total]
    taken = max(found, default=amount_cents)
    gone = max(sent_back(refunds), recorded) + lost_in(disputes, taken)
    return max(0, taken - gone - awaited)


def lost_in(disputes: Sequence[DisputeFact], taken: int) -> int:
    """Return how much the bank has taken back for good; all of it where it doesn't say."""
    return sum(fact.amount or taken for fact in disputes if fact.status == "lost")


def sent_back(refunds: Sequence[RefundFact]) -> int:
    """Return how much is back with the student, or on its way there."""
    return sum(fact.amount for fact in refunds if fact.status not in _RETURNED_TO_US)


def furthest(sessions: Sequence[SessionFact]) -> SessionFact | None:
    """Return what the checkouts of a payment have come to, if there is one."""
    if not sessions:
        return None
    furthest = sessions[0]
    for session in sessions[1:]:
        furthest = merge_sessions(furthest, session)
    return furthest


def other_amount(payment: Snapshot, session: SessionFact | None) -> str:
    """Return how the amount charged differs from the agreed one; blank if it doesn't."""
    agreed = payment.amount_cents if payment.agreed_cents is None else payment.agreed_cents
    if session is None:
        is_accepted = payment.accepted_cents == payment.amount_cents
        paid = agreed if payment.subtotal_cents is None or is_accepted else payment.subtotal_cents
        return difference_from_offer(paid, agreed, payment.currency)
    return difference(session, agreed, payment.currency, accepted=payment.accepted_cents)


def _refunded_by_record(payment: Snapshot, refunded: int, refunds: Sequence[RefundFact]) -> int:
    """Return what has gone back, where an old school's record alone may say so."""
    if payment.status == "refunded" and not refunds:
        return payment.amount_cents - payment.lost_cents
    returned_to_us = sum(fact.amount for fact in refunds if fact.status in _RETURNED_TO_US)
    return (
        payment.refunded_cents if payment.refunded_cents > refunded + returned_to_us else refunded
    )


def _lost_by_record(payment: Snapshot, refunded: int) -> int:
    """Return what the bank has taken, where no dispute is known but by the record."""
    if payment.status == "dispute_lost":
        return payment.amount_cents - refunded
    return payment.lost_cents


def _paid_status(
    payment: Snapshot,
    session: SessionFact | None,
    *,
    refunded: int,
    lost: int,
    taken: int,
    disputes: Sequence[DisputeFact],
) -> tuple[PaymentStatus, str]:
    statuses = {dispute.status for dispute in disputes}
    gone = refunded + lost
    if lost and gone >= taken:
        return "dispute_lost", ""
    is_old = session is None and not disputes and payment.status in _DISPUTED
    if is_old or statuses - _INQUIRY - _HARMLESS - _LOST:
        return "disputed", (
            "The student's bank disputes this payment, so access is suspended. Respond in Stripe."
        )
    if gone and gone >= taken:
        return "refunded", ""
    if review := _review(payment, session, gone=gone, taken=taken):
        return "needs_review", review
    inquiry = (
        "The student's bank has opened an inquiry. Respond in Stripe, or refund the payment."
        if statuses & _INQUIRY
        else ""
    )
    return ("partially_refunded" if gone else "paid"), inquiry


def _review(payment: Snapshot, session: SessionFact | None, *, gone: int, taken: int) -> str:
    """Return why an admin has to decide about money that we hold; blank if access may stay."""
    if why := other_amount(payment, session) or _ended(payment, session):
        return why
    if not gone or keeps_access(taken - gone, taken, payment.kept_percent):
        return ""
    kept = f"{money(taken - gone, payment.currency)} of {money(taken, payment.currency)}"
    needed = f"{kept}, and access needs {payment.kept_percent}%."
    return f"{KEPT_TOO_LITTLE}{needed} Enroll the student, or refund the rest."


def _ended(payment: Snapshot, session: SessionFact | None) -> str:
    """Return what had ended that the money was for; blank if nothing had."""
    if payment.access_ended_at is not None:
        return ACCESS_ENDED
    if payment.sale_ended_at is None:
        return ""
    # What was paid before is told of late. Stripe counts in seconds.
    paid_at = session.paid_at if session else None
    if paid_at is not None and paid_at < payment.sale_ended_at.replace(microsecond=0):
        return ""
    return SALE_ENDED[payment.sale_end]
