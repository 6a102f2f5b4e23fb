"""The payment statuses and everything that follows from each, for rules and pages alike."""

from dataclasses import dataclass
from typing import Literal

PaymentStatus = Literal[
    "pending",
    "processing",
    "paid",
    "partially_refunded",
    "refunded",
    "failed",
    "expired",
    "disputed",
    "dispute_lost",
    "needs_review",
    "undeliverable",
]
Money = Literal["none", "awaited", "held", "returned"]
_Ending = Literal["access_ended", "course_removed", "account_removed"]
_Outcome = Literal["accepted", "disputed", "dispute_won", "dispute_lost"]
Occasion = Literal["paid", "refunded", "review", "failed"] | _Ending | _Outcome
"""What is announced, and part of its key: no name here may ever change."""


@dataclass(frozen=True)
class Status:
    """What a status means."""

    change: str
    """The title of the change to it in the audit trail."""
    tone: Literal["neutral", "info", "success", "warning", "danger"]
    icon: str
    money: Money
    """Whether we hold the student's money, wait for it, or no longer have it."""
    access: Literal["none", "suspended", "given"] = "none"
    """Suspended: it may be given again by what Stripe or an admin decides."""
    needs_attention: bool = False
    news: Occasion | None = None
    """What the student is notified of when it is reached."""
    stage: int = 0
    """Of two rows about one payment of an old school, the one at the later stage counts."""


STATUSES: dict[PaymentStatus, Status] = {
    "pending": Status("Checkout started", "warning", "clock", "awaited"),
    "processing": Status("Payment processing", "info", "clock", "awaited", stage=1),
    "paid": Status("Paid", "success", "check", "held", "given", news="paid", stage=2),
    "partially_refunded": Status(
        "Partially refunded", "neutral", "undo", "held", "given", news="refunded", stage=3
    ),
    "refunded": Status("Refunded", "neutral", "undo", "returned", news="refunded", stage=5),
    "failed": Status("Payment declined by the bank", "danger", "x", "none", news="failed"),
    "expired": Status("Checkout expired", "neutral", "clock", "none"),
    "disputed": Status(
        *("Payment disputed", "danger", "alert", "held", "suspended"),
        needs_attention=True,
        news="disputed",
        stage=4,
    ),
    "dispute_lost": Status("Dispute lost", "danger", "x", "returned", news="dispute_lost", stage=6),
    "needs_review": Status(
        *("Payment needs review", "warning", "alert", "held", "suspended"),
        needs_attention=True,
        news="review",
        stage=1,
    ),
    "undeliverable": Status(
        *("Payment undeliverable", "danger", "alert", "held"),
        needs_attention=True,
        news="review",
        stage=1,
    ),
}


def _with(*money: Money) -> tuple[PaymentStatus, ...]:
    return tuple(name for name, status in STATUSES.items() if status.money in money)


GIVING_ACCESS = tuple(name for name, status in STATUSES.items() if status.access == "given")
MAY_GIVE_ACCESS = tuple(name for name, status in STATUSES.items() if status.access != "none")
NEEDING_ATTENTION = tuple(name for name, status in STATUSES.items() if status.needs_attention)
AWAITED = _with("awaited")
"""A checkout is open, or the bank has not answered yet."""
UNPAID = _with("none", "awaited")
HELD = _with("held")
"""We hold money of the student's, which can be refunded."""
RETURNED = _with("returned")
