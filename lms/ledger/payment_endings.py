"""What becomes of payments when their course, their buyer or their access ends.

In a few statements for any number of buyers. The caller holds the course or the users concerned.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, case, exists, literal, or_, select, update
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.payment_changes import publish_changes
from lms.ledger.payments import ACCOUNT_GONE, COURSE_GONE, bring_in_line
from lms.ledger.projection import ACCESS_ENDED
from lms.ledger.rows import Pair, of_pairs
from lms.models import Course, Payment, PaymentStatus, User, pseudonym
from lms.models.payment_status import GIVING_ACCESS, Occasion

_CHUNK = 500


def course_removed(session: Session, course: Course, *, by: int | None, reason: str) -> None:
    """Keep a deleted course's purchases readable, and list their payments for review."""
    of_course = Payment.course_id == course.id
    _update(session, of_course, Payment.course_title == "", course_title=course.title)
    _say_why(session, of_course, COURSE_GONE)
    _move(
        *(session, of_course, "undeliverable", COURSE_GONE, "course_removed"), by=by, reason=reason
    )


def account_removed(session: Session, user: User, *, by: int | None, reason: str) -> None:
    """Keep a deleted account's payments readable, and list them for review."""
    of_user = Payment.user_id == user.id
    _update(session, of_user, Payment.user_email == "", user_email=user.email)
    _say_why(session, of_user, ACCOUNT_GONE)
    _move(
        *(session, of_user, "undeliverable", ACCOUNT_GONE, "account_removed"), by=by, reason=reason
    )


def forget_buyer(session: Session, person_id: int, payment_ids: Collection[int]) -> None:
    """Remove the buyer's name from payments of an erased account; amounts and dates stay."""
    values = {
        "user_email": pseudonym(person_id),
        "checkout_url": None,
        "invoice_url": None,
        "buyer_tax_id": None,
    }
    _update(session, Payment.id.in_(payment_ids), Payment.user_id.is_(None), **values)


def access_ended(session: Session, pairs: Collection[Pair], *, by: int | None, reason: str) -> None:
    """Show the admins that money was kept for access that one of them has ended."""
    of_these = of_pairs(Payment, pairs)
    # Won, a dispute must not bring back what the admin has ended.
    _update(session, of_these, Payment.status == "disputed", access_ended_at=now())
    _move(
        *(session, of_these, "needs_review", ACCESS_ENDED, "access_ended"),
        by=by,
        reason=reason,
        among=(*GIVING_ACCESS, "undeliverable"),  # which would have let the student in again
        access_ended_at=now(),
    )


def access_restored(
    session: Session, pairs: Collection[Pair], *, by: int | None, reason: str
) -> None:
    """Let payments count again whose access an admin had ended, or that found no seat."""
    ended = of_pairs(Payment, pairs) & or_(
        Payment.access_ended_at.is_not(None), Payment.sale_ended_at.is_not(None)
    )
    again = {"access_ended_at": None, "sale_ended_at": None, "sale_end": None}
    # A disputed one gives no access now, but may again when the bank has decided.
    _update(session, ended, Payment.status == "disputed", **again)
    in_review = session.scalars(
        update(Payment)
        .where(ended, Payment.status == "needs_review")
        .values(**again)
        .returning(Payment.id)
        .execution_options(synchronize_session=False)
    ).all()
    waiting = session.scalars(
        select(Payment.id).where(of_pairs(Payment, pairs), Payment.status == "undeliverable")
    ).all()
    for payment_id in sorted({*in_review, *waiting}):
        bring_in_line(session, payment_id, by=by, reason=reason)


def mark_undeliverable(
    session: Session, payment_id: int, why: str, *, by: int | None, reason: str
) -> None:
    """List a payment for review whose buyer can't be enrolled."""
    _move(session, Payment.id == payment_id, "undeliverable", why, None, by=by, reason=reason)


def clear_references(session: Session, payment_ids: Collection[int]) -> None:
    """Clear payments' references to missing users and courses; say so where no name is known."""
    for key, owner, known, unknown in (
        (Payment.user_id, User.id, Payment.user_email, "Unknown account"),
        (Payment.course_id, Course.id, Payment.course_title, "Unknown course"),
    ):
        gone = key.is_not(None) & ~exists().where(owner == key)
        named = case((known == "", literal(unknown)), else_=known)
        _update(session, Payment.id.in_(payment_ids), gone, **{key.key: None, known.key: named})


def _say_why(session: Session, chosen: ColumnElement[bool], why: str) -> None:
    """Name what now stands in the way of payments that were undeliverable for another reason."""
    waiting = (chosen, Payment.status == "undeliverable", Payment.attention != why)
    _update(session, *waiting, attention=why, dismissed_attention=None)


def _move(
    session: Session,
    chosen: ColumnElement[bool],
    status: PaymentStatus,
    attention: str,
    occasion: Occasion | None,
    *,
    by: int | None,
    reason: str,
    among: tuple[PaymentStatus, ...] = GIVING_ACCESS,
    **values: Any,
) -> None:
    """Change the status of those payments that give access, or have another of these statuses."""
    found = session.scalars(
        select(Payment)
        .where(chosen, Payment.status.in_(among))
        .order_by(Payment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for start in range(0, len(found), _CHUNK):
        part = found[start : start + _CHUNK]
        changes = [(payment, payment.status) for payment in part]
        session.execute(
            update(Payment)
            .where(Payment.id.in_([payment.id for payment in part]))
            .values(status=status, attention=attention, dismissed_attention=None, **values)
            .execution_options(synchronize_session="evaluate")
        )
        publish_changes(session, changes, by=by, reason=reason, occasion=occasion)


def _update(session: Session, *chosen: ColumnElement[bool], **values: Any) -> None:
    session.execute(
        update(Payment).where(*chosen).values(**values).execution_options(synchronize_session=False)
    )
