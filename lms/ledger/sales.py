"""Sales that end while a checkout is open: the verb that ends one marks it, within its locks.

The worker closes what is marked. Money that still comes is reviewed (`projection.SALE_ENDED`).
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, exists, or_, update
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.rows import Pair, of_pairs
from lms.live import touch
from lms.models import Course, Offer, Payment, holds_seat
from lms.models.columns import constants
from lms.models.payment_status import AWAITED
from lms.models.payments import SaleEnd


def course_off_sale(session: Session, course: Course) -> None:
    """End the sale of a course, also to students who have ordered but not paid yet."""
    _end(session, "off_sale", Payment.course_id == course.id, Payment.status.in_(AWAITED))


def offers_ended(session: Session, pairs: Collection[Pair]) -> None:
    """End the sale of seats that are held for these students no longer."""
    if pairs:
        _end(session, "offer", of_pairs(Payment, pairs), Payment.status.in_(AWAITED))


def terms_changed(session: Session, course: Course, *, needs_approval: bool) -> None:
    """End the sale by checkouts of an earlier price, or from before approval was needed.

    An offer stays as it was made, and so does what has been ordered and waits for the bank.
    """
    another = or_(Payment.amount_cents != course.price_cents, Payment.currency != course.currency)
    is_offered = exists().where(
        Offer.student_id == Payment.user_id, Offer.course_id == Payment.course_id, holds_seat()
    )
    open_ones = (Payment.course_id == course.id, _is_open(), ~is_offered)
    if needs_approval:
        _end(session, "approval", *open_ones)
    _end(session, "price", *open_ones, another)


def already_has(session: Session, pairs: Collection[Pair], why: SaleEnd) -> None:
    """End the sale to students who no longer need to pay at their open checkout."""
    if pairs:
        _end(session, why, of_pairs(Payment, pairs), _is_open())


def _is_open() -> ColumnElement[bool]:
    [pending] = constants("pending")
    return Payment.status == pending


def _end(session: Session, why: SaleEnd, *chosen: ColumnElement[bool]) -> None:
    students = session.scalars(
        update(Payment)
        .where(*chosen, Payment.sale_ended_at.is_(None))
        .values(sale_ended_at=now(), sale_end=why)
        .returning(Payment.user_id)
        .execution_options(synchronize_session=False)
    ).all()
    if students:
        touch(session, "payments", students={each for each in students if each is not None})
