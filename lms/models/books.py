"""The books: what money moved, and when; months that are closed; what Stripe charged for it.

A payment's row says how it stands now. Movements say what happened, each with its date, so that
a month of the past stays as it was whatever becomes of its payments. See lms/ledger/movements.py.
"""

from typing import Any, Literal, get_args

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.models.columns import AUTOINCREMENT, CreatedAt, Id, Time, one_of
from lms.models.payments import LONGEST_REFERENCE

MovementKind = Literal[
    "taken", "refunded", "refund_failed", "disputed", "dispute_won", "dispute_lost", "fee"
]


class MoneyMovement(Base):
    """One entry of the books; never changed, so what turns out otherwise is another entry."""

    __tablename__ = "money_movements"

    id: Mapped[Id]
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    method: Mapped[str] = mapped_column(String(16), server_default="stripe")
    """How it was paid, as it is in the payment."""
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(255), server_default="")
    """The refund, dispute or transaction; blank for the payment itself."""
    number: Mapped[int] = mapped_column(server_default="1")
    """Of all entries about the same: of two that are made at once, one is refused."""
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    """Above 0, unless it takes back what an earlier entry said."""
    tax_cents: Mapped[int] = mapped_column(BigInteger, server_default="0")
    discount_cents: Mapped[int] = mapped_column(BigInteger, server_default="0")
    currency: Mapped[str] = mapped_column(String(3))
    happened_at: Mapped[Time]
    month: Mapped[str] = mapped_column(String(7))
    """In which it happened by the clocks of the books, such as 2026-10."""
    booked_month: Mapped[str] = mapped_column(String(7))
    """In whose books it is: a later one if the month was closed when it became known."""
    recorded_at: Mapped[CreatedAt]

    __table_args__ = (
        one_of("kind", *get_args(MovementKind)),
        CheckConstraint("month BETWEEN '1970-01' AND '9999-12'", name="month"),
        CheckConstraint("booked_month >= month", name="booked_month"),
        Index(
            "uq_money_movements_entry",
            *("payment_id", "kind", "subject", "currency", "month", "number"),
            unique=True,
        ),
        Index("ix_money_movements_booked_month", "booked_month", "id"),
        Index("ix_money_movements_month", "month", "payment_id"),
        AUTOINCREMENT,
    )


class BookClock(Base):
    """From when on clocks of the school's zone, by which months of the books begin and end, change.

    Those of the past stay when the school gets another zone; without any, months are those of UTC.
    See lms/ledger/book_clocks.py.
    """

    __tablename__ = "book_clocks"

    begins_at: Mapped[Time] = mapped_column(primary_key=True)
    ahead_seconds: Mapped[int]
    """What they show more than UTC."""
    zone: Mapped[str] = mapped_column(String(64))

    __table_args__ = ({"sqlite_with_rowid": False},)


class ClosedMonth(Base):
    """A month whose books are closed: the database takes no further entry for it."""

    __tablename__ = "closed_months"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    closed_at: Mapped[CreatedAt]
    closed_by: Mapped[int | None]
    """The admin; None is a command."""
    unexplained: Mapped[list[dict[str, Any]]] = mapped_column(JSON, server_default="[]")
    """What nothing explained when it was closed."""

    __table_args__ = (CheckConstraint("length(month) = 7", name="month"),)


class StripeTransaction(Base):
    """A balance transaction: money that came to, or left, the school's balance at Stripe."""

    __tablename__ = "stripe_transactions"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    category: Mapped[str] = mapped_column(String(64))
    """Stripe's reporting category: charge, refund, dispute, ..."""
    source: Mapped[str] = mapped_column(String(255), server_default="")
    """The charge, refund or dispute."""
    payment_intent: Mapped[str | None] = mapped_column(String(255), index=True)
    reference: Mapped[str | None] = mapped_column(String(255))
    """Of a charge: our reference of the payment, as we have told it to Stripe."""
    charged: Mapped[int | None] = mapped_column(BigInteger)
    """What its source says in the currency of the payment, which may not be the balance's."""
    charged_currency: Mapped[str | None] = mapped_column(String(3))
    amount: Mapped[int] = mapped_column(BigInteger)
    fee: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[Time]

    __table_args__ = (Index("ix_stripe_transactions_created_at", "created_at", "id"),)


class ManualRefund(Base):
    """Money that was sent back by hand, of a payment that did not go through Stripe."""

    __tablename__ = "manual_refunds"

    id: Mapped[Id]
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id", ondelete="CASCADE"))
    amount_cents: Mapped[int]
    reference: Mapped[str] = mapped_column(String(LONGEST_REFERENCE))
    request_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    """Of the form or call that recorded it: the same one is the same refund for good."""
    refunded_at: Mapped[Time]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount_cents"),
        UniqueConstraint("payment_id", "reference"),
        AUTOINCREMENT,
    )
