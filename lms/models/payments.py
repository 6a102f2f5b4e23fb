"""What was paid; payments outlive the users and courses that they were for."""

from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, UtcDateTime
from lms.models.columns import AUTOINCREMENT, CreatedAt, Id, one_of

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


class Payment(Base):
    """One attempt to buy a course, with a snapshot of what was bought."""

    __tablename__ = "payments"

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("courses.id", ondelete="SET NULL"))
    course_title: Mapped[str] = mapped_column(String(200), server_default="")
    user_email: Mapped[str] = mapped_column(String(254), server_default="")
    amount_cents: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3), server_default="eur")
    status: Mapped[str] = mapped_column(String(24), server_default="pending")
    refunded_cents: Mapped[int] = mapped_column(server_default="0")
    stripe_session_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    created_at: Mapped[CreatedAt]
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    access_ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When an admin ended the access that this payment gave; the money then needs review."""

    __table_args__ = (
        one_of("status", *get_args(PaymentStatus)),
        CheckConstraint("amount_cents >= 0", name="amount_cents"),
        CheckConstraint("refunded_cents BETWEEN 0 AND amount_cents", name="refunded_cents"),
        CheckConstraint("length(currency) = 3 AND currency = lower(currency)", name="currency"),
        Index("ix_payments_user_id", "user_id", "course_id"),
        Index("ix_payments_course_id", "course_id"),
        Index("ix_payments_status", "status", "id"),
        Index("ix_payments_created_at", "created_at", "id"),
        AUTOINCREMENT,
    )
