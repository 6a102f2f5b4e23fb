"""Offers: a seat that is held for a student until it is paid for, declined or lost."""

from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import CheckConstraint, ColumnElement, Index, String, and_, exists, or_
from sqlalchemy.orm import Mapped, aliased, mapped_column

from lms.db import Base, UtcDateTime
from lms.models.columns import (
    AUTOINCREMENT,
    CourseId,
    CreatedAt,
    Id,
    Time,
    UserId,
    constants,
    one_of,
    partial_index,
)
from lms.models.payments import Payment, is_unreviewed
from lms.money import MAX_PRICE

OfferStatus = Literal["open", "accepted", "declined", "expired", "withdrawn"]


class Offer(Base):
    """A seat in a course that one student may buy, at the price that was offered.

    What the course costs later changes no offer: it is a promise. The row stays when it is over.
    """

    __tablename__ = "offers"

    id: Mapped[Id]
    student_id: Mapped[UserId]
    course_id: Mapped[CourseId]
    decision_id: Mapped[int | None] = mapped_column(unique=True)
    """The approval that made it; None if it came with a free seat alone."""
    price_cents: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(16), server_default="open")
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Time]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        one_of("status", *get_args(OfferStatus)),
        CheckConstraint(f"price_cents BETWEEN 1 AND {MAX_PRICE}", name="price_cents"),
        CheckConstraint("length(currency) = 3 AND currency = lower(currency)", name="currency"),
        CheckConstraint("(status = 'open') = (ended_at IS NULL)", name="ended"),
        partial_index(
            *("uq_offers_open", "student_id", "course_id"), where=status == "open", unique=True
        ),
        partial_index("ix_offers_held", "course_id", "expires_at", where=status == "open"),
        partial_index("ix_offers_due", "expires_at", "id", where=status == "open"),
        Index("ix_offers_student_id", "student_id", "id"),
        Index("ix_offers_course_id", "course_id", "id"),
        AUTOINCREMENT,
    )


def holds_seat(offer: type[Offer] = Offer) -> ColumnElement[bool]:
    """Select the offers that have not ended; those past their time wait for the next verb."""
    [is_open] = constants("open")
    return offer.status == is_open


def can_be_bought(
    moment: ColumnElement[datetime], offer: type[Offer] = Offer
) -> ColumnElement[bool]:
    """Select the offers that a student can buy at this moment."""
    return and_(holds_seat(offer), offer.expires_at > moment)


def is_due(moment: ColumnElement[datetime], offer: type[Offer] = Offer) -> ColumnElement[bool]:
    """Select the offers that are over: past their end, with no money there or on its way.

    Whoever has begun to pay in time keeps the seat until the checkout is over or the bank has
    answered, and where another amount came, until an admin has decided about it.
    """
    payment = aliased(Payment)
    pending, processing, in_review = constants("pending", "processing", "needs_review")
    is_being_paid = (
        exists()
        .where(
            payment.user_id == offer.student_id,
            payment.course_id == offer.course_id,
            or_(
                payment.status == processing,
                and_(payment.status == in_review, is_unreviewed(payment)),
                and_(payment.status == pending, payment.session_expires_at > moment),
            ),
        )
        .correlate_except(payment)
    )
    return and_(holds_seat(offer), offer.expires_at <= moment, ~is_being_paid)
