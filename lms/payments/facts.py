"""What Stripe tells, as plain facts, and how two tellings of one thing become one.

Stripe delivers late, twice and in any order. So merging takes the greater of two facts in a fixed
order, which makes the result the same whatever came first: commutative, associative, idempotent.
What one telling leaves out is kept from another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from lms.db import now
from lms.models.payments import RefundStatus, SessionState

Json = Mapping[str, Any]


class Malformed(ValueError):  # noqa: N818 - an answer to the sender, not a fault of ours
    """What claims to come from Stripe does not have the form of it."""


@dataclass(frozen=True)
class SessionFact:
    """A checkout session: how far the payment has come at most."""

    id: str
    reference: str | None
    state: SessionState
    payment_intent: str | None = None
    amount_total: int | None = None
    currency: str | None = None
    paid_at: datetime | None = None
    """The earliest time at which it was told to be paid."""

    @property
    def is_whole(self) -> bool:
        """Whether it tells what was paid, once it was."""
        told = (self.payment_intent, self.amount_total, self.currency)
        return self.state != "paid" or None not in told


@dataclass(frozen=True)
class RefundFact:
    """A refund of a payment intent."""

    id: str
    payment_intent: str | None
    amount: int
    """0 where that was not told."""
    currency: str
    status: RefundStatus
    created_at: datetime
    charge: str | None = None
    """What was charged, which leads to a payment intent that was not told."""

    @property
    def is_whole(self) -> bool:
        """Whether it tells what was refunded, and how much of it."""
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

    @property
    def is_whole(self) -> bool:
        """Whether it tells what is disputed."""
        return self.payment_intent is not None


Fact = SessionFact | RefundFact | DisputeFact

SESSION_ORDER: tuple[SessionState, ...] = ("open", "expired", "processing", "failed", "paid")
_REFUND_ORDER: tuple[RefundStatus, ...] = (
    "pending",
    "requires_action",
    "succeeded",
    "canceled",
    "failed",  # a refund can fail after it has succeeded, never the other way round
)
# An inquiry may become a dispute; an appeal follows a loss and may be lost again, so within one
# rank the later telling counts.
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
    times = [fact.paid_at for fact in (one, other) if fact.paid_at is not None]
    return replace(
        further,
        reference=_known(one.reference, other.reference),
        payment_intent=_known(one.payment_intent, other.payment_intent),
        paid_at=min(times, default=None),
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
    )


def merge_disputes(one: DisputeFact, other: DisputeFact) -> DisputeFact:
    """Return the dispute that has come furthest; among equals, the one told of last."""
    return replace(
        max(one, other, key=_dispute_rank),
        payment_intent=_known(one.payment_intent, other.payment_intent),
        amount=max(one.amount, other.amount),
        currency=max(one.currency, other.currency),
        reason=max(one.reason, other.reason),
        created_at=min(one.created_at, other.created_at),
        charge=_known(one.charge, other.charge),
    )


def session_fact(data: Json, *, told_at: datetime, at_least: SessionState = "open") -> SessionFact:
    """Read a checkout session; `at_least` is how far it has come by the event that brings it."""
    state = max(_session_state(data), at_least, key=SESSION_ORDER.index)
    return SessionFact(
        id=text(data, "id"),
        reference=_optional_text(data, "client_reference_id"),
        state=state,
        payment_intent=id_of(data, "payment_intent"),
        amount_total=_optional_number(data, "amount_total"),
        currency=_currency(data) or None,
        paid_at=told_at if state == "paid" else None,
    )


def refund_fact(data: Json, *, at_least: RefundStatus = "pending") -> RefundFact:
    """Read a refund; a status that this release does not know has refunded nothing yet."""
    status = _optional_text(data, "status")
    told = status if status in _REFUND_ORDER else "pending"
    return RefundFact(
        id=text(data, "id"),
        payment_intent=_intent_of(data),
        amount=_optional_number(data, "amount") or 0,
        currency=_currency(data),
        status=max(told, at_least, key=_REFUND_ORDER.index),
        created_at=time(data, "created"),
        charge=id_of(data, "charge"),
    )


def dispute_fact(data: Json, *, told_at: datetime) -> DisputeFact:
    """Read a dispute."""
    return DisputeFact(
        id=text(data, "id"),
        payment_intent=_intent_of(data),
        amount=_optional_number(data, "amount") or 0,
        currency=_currency(data),
        status=text(data, "status", longest=32),
        reason=(_optional_text(data, "reason") or "")[:64],
        told_at=told_at,
        created_at=time(data, "created"),
        charge=id_of(data, "charge"),
    )


def text(data: Json, key: str, *, longest: int = 255) -> str:
    """Return a text that must be there."""
    value = data.get(key)
    if not isinstance(value, str) or not 1 <= len(value) <= longest or not value.isprintable():
        raise Malformed(f"{key} must be a text of 1 to {longest} characters")
    return value


def id_of(data: Json, key: str) -> str | None:
    """Return the id of something that Stripe gives as an id or as the whole object."""
    value = data.get(key)
    if isinstance(value, Mapping):
        return text(value, "id")
    return _optional_text(data, key)


def time(data: Json, key: str) -> datetime:
    """Return a time that Stripe gives in seconds; where it gives none, the present."""
    seconds = data.get(key)
    if seconds is None:
        return now()
    try:
        if isinstance(seconds, float):
            seconds = int(seconds)
        return datetime.fromtimestamp(_whole(seconds, key), UTC)
    except (ValueError, OverflowError, OSError):
        raise Malformed(f"{key} is not a time") from None


# The ranks end in what tells two facts of one rank apart; everything else is merged by itself, each
# by a rule of its own.
def _session_rank(fact: SessionFact) -> tuple[int, int, str]:
    # What was taken goes with the state: what the session was opened for is no proof of it.
    amount = -1 if fact.amount_total is None else fact.amount_total
    return SESSION_ORDER.index(fact.state), amount, fact.currency or ""


def _refund_rank(fact: RefundFact) -> int:
    return _REFUND_ORDER.index(fact.status)


def _dispute_rank(fact: DisputeFact) -> tuple[int, datetime, str]:
    return _DISPUTE_RANK.get(fact.status, _UNKNOWN_DISPUTE), fact.told_at, fact.status


def _known(one: str | None, other: str | None) -> str | None:
    return max(filter(None, (one, other)), default=None)


def _session_state(data: Json) -> SessionState:
    if data.get("payment_status") in {"paid", "no_payment_required"}:
        return "paid"
    match data.get("status"):
        case "complete":
            return "processing"
        case "expired":
            return "expired"
        case _:
            return "open"


def _optional_text(data: Json, key: str) -> str | None:
    return None if data.get(key) in {None, ""} else text(data, key)


def _intent_of(data: Json) -> str | None:
    charge = data.get("charge")
    inside = id_of(charge, "payment_intent") if isinstance(charge, Mapping) else None
    return id_of(data, "payment_intent") or inside


def _whole(value: object, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise Malformed(f"{key} must be a whole number, not negative")
    return value


def _optional_number(data: Json, key: str) -> int | None:
    value = data.get(key)
    return None if value is None else _whole(value, key)


def _currency(data: Json) -> str:
    if data.get("currency") is None:
        return ""
    return text(data, "currency", longest=3).lower()
