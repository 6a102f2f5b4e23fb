"""What was paid; payments outlive the users and courses that they were for.

A payment is our side: one attempt to buy a course, with a snapshot of what was offered. The
`stripe_*` tables are Stripe's side: facts from its events, each keyed by Stripe's own id and merged
without regard to the order in which they arrive. See lms/ledger/payments.py.
"""

from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, UtcDateTime
from lms.models.columns import (
    AUTOINCREMENT,
    CreatedAt,
    Email,
    Id,
    Time,
    Title,
    one_of,
    partial_index,
)
from lms.models.payment_status import NEEDING_ATTENTION, STATUSES, PaymentStatus
from lms.money import DEFAULT_CURRENCY

UNDISPUTED = frozenset(
    ["warning_needs_response", "warning_under_review", "warning_closed", "won", "prevented"]
)
"""Statuses of a dispute in which the money is ours: an inquiry, or one that came to nothing."""
NOT_DISPUTED = UNDISPUTED - {"won"}
"""Statuses of a dispute in which the money was ours all the time."""
SessionState = Literal["open", "expired", "processing", "failed", "paid"]
RefundStatus = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
ManualMethod = Literal["transfer", "cash", "purchase_order", "other"]
SaleEnd = Literal["off_sale", "offer", "approval", "price", "enrolled", "paid"]
"""What has ended the sale to a student while a checkout was open."""
STRIPE = "stripe"
METHODS = {
    STRIPE: "Stripe",
    "transfer": "Bank transfer",
    "cash": "Cash",
    "purchase_order": "Purchase order",
    "other": "Other",
}
"""How it was paid, as people read it."""
LONGEST_REFERENCE = 64
LONGEST_TAX_ID = 64
UNFINISHED_REFUNDS: tuple[RefundStatus, ...] = ("pending", "requires_action")
RefundRequestStatus = Literal["requested", "taken", "refused"]


class Payment(Base):
    """One attempt to buy a course, with a snapshot of what was bought."""

    __tablename__ = "payments"

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("courses.id", ondelete="SET NULL"))
    course_title: Mapped[Title] = mapped_column(server_default="")
    user_email: Mapped[Email] = mapped_column(server_default="")
    agreed_cents: Mapped[int | None]
    """The price offered, before discount and tax; None, as in rows written by hand, is the
    subtotal.
    """
    subtotal_cents: Mapped[int | None]
    """What was charged before discount and tax; None, as in rows written by hand, is the amount."""
    discount_cents: Mapped[int] = mapped_column(server_default="0")
    tax_cents: Mapped[int] = mapped_column(server_default="0")
    amount_cents: Mapped[int]
    """What was paid, once it is; before, the price offered."""
    accepted_cents: Mapped[int | None]
    """What an admin has accepted in place of the price offered."""
    invoice_number: Mapped[str | None] = mapped_column(String(255))
    invoice_url: Mapped[str | None] = mapped_column(Text)
    buyer_tax_id: Mapped[str | None] = mapped_column(String(LONGEST_TAX_ID))
    currency: Mapped[str] = mapped_column(String(3), server_default=DEFAULT_CURRENCY)
    status: Mapped[PaymentStatus] = mapped_column(String(24), server_default="pending")
    refunded_cents: Mapped[int] = mapped_column(server_default="0")
    lost_cents: Mapped[int] = mapped_column(server_default="0")
    """What the student's bank has taken back for good, in disputes that were lost."""
    method: Mapped[str] = mapped_column(String(16), server_default=STRIPE)
    """How it was paid; whatever isn't Stripe's an admin has recorded, and Stripe is never asked."""
    reference: Mapped[str | None] = mapped_column(String(LONGEST_REFERENCE))
    """Of a purchase at Stripe: random, what Stripe knows of us, and the idempotency key of the
    checkout. Else what a bank statement, an invoice or a receipt calls it.
    """
    request_key: Mapped[str | None] = mapped_column(String(255))
    """Of the form or call that recorded it: the same one is the same payment for good."""
    origin: Mapped[str] = mapped_column(String(255), server_default="")
    """Where Stripe sends the student back to, kept since a retry must send the same."""
    session_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checkout_url: Mapped[str | None] = mapped_column(Text)
    stripe_session_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    created_at: Mapped[CreatedAt]
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    access_ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When an admin ended the access that this payment gave; the money then needs review."""
    sale_ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the course was no longer sold to the student in this way; money paid later needs review.
    """
    sale_end: Mapped[SaleEnd | None] = mapped_column(String(16))
    """By what; None, as in rows from before 0033, is that the course went off sale."""
    refusal: Mapped[str] = mapped_column(Text, server_default="")
    """Why Stripe refused to open a checkout, in its words; blank if it did not."""
    checkout_note: Mapped[str] = mapped_column(Text, server_default="")
    """What Stripe's page tells the student, kept since a retry must send the same."""
    email_refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When Stripe refused the student's address, so that the checkout is opened without it."""
    attention: Mapped[str] = mapped_column(Text, server_default="")
    """What an admin has to review, in words; blank if nothing."""
    dismissed_attention: Mapped[str | None] = mapped_column(Text)
    """What an admin has looked at and taken off the list; gone with the next change of it."""

    __table_args__ = (
        one_of("status", *STATUSES),
        one_of("method", STRIPE, *get_args(ManualMethod)),
        one_of("sale_end", *get_args(SaleEnd)),
        *(
            CheckConstraint(f"{name}_cents >= 0", name=f"{name}_cents")
            for name in ("amount", "agreed", "subtotal", "discount", "tax", "accepted")
        ),
        CheckConstraint("refunded_cents BETWEEN 0 AND amount_cents", name="refunded_cents"),
        CheckConstraint(
            "lost_cents = 0 OR lost_cents BETWEEN 1 AND amount_cents", name="lost_cents"
        ),
        CheckConstraint("length(currency) = 3 AND currency = lower(currency)", name="currency"),
        Index("ix_payments_user_id", "user_id", "course_id"),
        Index("ix_payments_course_id", "course_id"),
        partial_index(
            *("ix_payments_undelivered", "course_id", "id"), where=status == "undeliverable"
        ),
        Index("ix_payments_status", "status", "id"),
        Index("ix_payments_course_title", "course_title", "id"),
        partial_index(
            *("ix_payments_attention", "id"),
            where=or_(status.in_(sorted(NEEDING_ATTENTION)), attention > ""),
        ),
        Index("ix_payments_created_at", "created_at", "id"),
        Index("ix_payments_paid_at", "paid_at", "id"),
        partial_index("uq_payments_reference", "reference", where=method == STRIPE, unique=True),
        Index("uq_payments_pair_reference", "user_id", "course_id", "reference", unique=True),
        Index("uq_payments_request_key", "request_key", unique=True),
        # However often and wherever 'Buy' is pressed, there is one checkout to pay at.
        partial_index(
            *("uq_payments_open", "user_id", "course_id"), where=status == "pending", unique=True
        ),
        AUTOINCREMENT,
    )


def is_unreviewed(payment: type[Payment] = Payment) -> ColumnElement[bool]:
    """Select the payments of which no admin has said that what is wrong with them is dealt with."""
    return payment.dismissed_attention.is_distinct_from(payment.attention)


class RefundRequest(Base):
    """A refund that an admin has requested here, under an id of its own.

    Written down before Stripe is asked, so that whoever comes later knows to ask again.
    """

    __tablename__ = "refund_requests"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(255), unique=True)
    """The id of the refund, from the form or the client: the same one is the same refund."""
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id", ondelete="CASCADE"))
    asked_cents: Mapped[int | None]
    """None asks for everything that is left."""
    amount_cents: Mapped[int]
    """What that was when it was asked for."""
    status: Mapped[RefundRequestStatus] = mapped_column(String(16), server_default="requested")
    """Requested: what has become of it at Stripe is not known yet."""
    stripe_refund_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    refusal: Mapped[str] = mapped_column(Text, server_default="")
    """Why Stripe refused it."""
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        one_of("status", *get_args(RefundRequestStatus)),
        CheckConstraint("amount_cents > 0", name="amount_cents"),
        CheckConstraint("(status = 'taken') = (stripe_refund_id IS NOT NULL)", name="taken"),
        Index("ix_refund_requests_payment_id", "payment_id", "id"),
        partial_index("ix_refund_requests_unanswered", "id", where=status == "requested"),
        AUTOINCREMENT,
    )


class StripeEvent(Base):
    """The inbox: one row per Stripe event, however often it was delivered."""

    __tablename__ = "stripe_events"

    id: Mapped[Id]
    event_id: Mapped[str] = mapped_column(String(255), unique=True)
    type: Mapped[str] = mapped_column(String(100))
    livemode: Mapped[bool]
    told_at: Mapped[Time]
    """When Stripe made the event."""
    received_at: Mapped[Time]
    """When it was delivered last, other than as a duplicate."""
    status: Mapped[str] = mapped_column(String(16))
    """A failed event is delivered again and then takes its own row over."""
    attempts: Mapped[int] = mapped_column(server_default="1")
    error: Mapped[str] = mapped_column(Text, server_default="")
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id", ondelete="SET NULL"))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Only what the portal reads of the event: no secret, no card, no address."""

    __table_args__ = (
        one_of("status", "done", "ignored", "failed"),
        Index("ix_stripe_events_status", "status", "id"),
        Index("ix_stripe_events_payment_id", "payment_id", "id"),
        AUTOINCREMENT,
    )


class StripeSession(Base):
    """A checkout session, as far as Stripe has reported."""

    __tablename__ = "stripe_sessions"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    payment_id: Mapped[int] = mapped_column(
        ForeignKey("payments.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[str] = mapped_column(String(16))
    payment_intent: Mapped[str | None] = mapped_column(String(255), index=True)
    amount_subtotal: Mapped[int | None] = mapped_column(BigInteger)
    amount_discount: Mapped[int | None] = mapped_column(BigInteger)
    amount_tax: Mapped[int | None] = mapped_column(BigInteger)
    amount_total: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    presentment_amount: Mapped[int | None] = mapped_column(BigInteger)
    """What the student saw and paid, where Stripe converted the price."""
    presentment_currency: Mapped[str | None] = mapped_column(String(3))
    invoice: Mapped[str | None] = mapped_column(String(255))
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (one_of("state", *get_args(SessionState)),)


class StripeRefund(Base):
    """A refund, as far as Stripe has reported; it may be known before its payment."""

    __tablename__ = "stripe_refunds"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    payment_intent: Mapped[str | None] = mapped_column(String(255), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[Time]
    succeeded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was first reported as such; in a row from before 0029, when it was made."""
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was first reported as such."""

    __table_args__ = (one_of("status", *get_args(RefundStatus)),)


class StripeDispute(Base):
    """A bank's dispute of a payment, as far as Stripe has reported."""

    __tablename__ = "stripe_disputes"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    payment_intent: Mapped[str | None] = mapped_column(String(255), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(String(64), server_default="")
    told_at: Mapped[Time]
    created_at: Mapped[Time]
    disputed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the bank took the money, which it doesn't in an inquiry."""
    won_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lost_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StripeCursor(Base):
    """How far reconciliation has come, and what its last run reported; one row."""

    __tablename__ = "stripe_cursor"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reconciled_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fees_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fees_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Between these, every balance transaction of Stripe's is kept."""
    report: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
