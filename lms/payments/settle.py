"""Make status and access follow the facts: the one place where a payment changes."""

from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.ledger import fact_rows
from lms.ledger.access import end_sources, let_in
from lms.ledger.audit import record
from lms.ledger.locks import lock_course_for_seats, lock_user
from lms.ledger.projection import Projection, Snapshot, project
from lms.ledger.sources import Source
from lms.live import touch
from lms.models import AccessSource, Course, Payment, PaymentStatus, User
from lms.models.payment_status import GIVING_ACCESS
from lms.payments.news import tell
from lms.refusals import CourseFull, CourseNotFound, UserNotFound
from lms.transaction import transactional


@transactional
def settle_payment(session: Session, payment_id: int) -> bool:
    """Update one payment and its access from the facts; True if that changed anything."""
    fact_rows.lock_facts(session)
    return settle(session, payment_id)


def settle(session: Session, payment_id: int) -> bool:
    """Do so in the caller's transaction, which has locked the facts; True if anything changed."""
    course, user = lock_pair(session, payment_id)
    payment = session.get_one(Payment, payment_id, populate_existing=True, with_for_update=True)
    before = payment.status, payment.refunded_cents, payment.paid_at, payment.attention
    result = project(
        _snapshot(payment),
        fact_rows.sessions(session, payment),
        fact_rows.refunds(session, payment),
        fact_rows.disputes(session, payment),
    )
    result, moved = _deliver(session, payment, course, user, result)
    if not moved and before == (
        result.status,
        result.refunded_cents,
        result.paid_at,
        result.attention,
    ):
        return False
    payment.status = result.status
    payment.refunded_cents = result.refunded_cents
    payment.paid_at = result.paid_at
    if payment.attention != result.attention:
        payment.attention, payment.dismissed_attention = result.attention, None
    session.flush()
    if before[:2] != (result.status, result.refunded_cents):
        record(
            session,
            f"payment.{result.status}",
            by=None,
            student_id=payment.user_id,
            course_id=payment.course_id,
            payment_id=payment_id,
            before=before[0],
            after=result.status,
            refunded_cents=result.refunded_cents,
            amount_cents=payment.amount_cents,
            currency=payment.currency,
        )
        tell(session, payment, before=before[0])
    touch(session, "payments", students=[payment.user_id] if payment.user_id else [])
    return True


def lock_pair(session: Session, payment_id: int) -> tuple[Course | None, User | None]:
    """Lock course, then user; a deleted one is None."""
    pair = session.execute(
        select(Payment.course_id, Payment.user_id).where(Payment.id == payment_id)
    ).one()
    course, user = None, None
    if pair.course_id is not None:
        try:
            course = lock_course_for_seats(session, pair.course_id)
        except CourseNotFound:  # deleted while this waited for it
            course = None
    if pair.user_id is not None:
        try:
            user = lock_user(session, pair.user_id)
        except UserNotFound:
            user = None
    return course, user


def _snapshot(payment: Payment) -> Snapshot:
    return Snapshot(
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        status=cast("PaymentStatus", payment.status),
        paid_at=payment.paid_at,
        access_ended_at=payment.access_ended_at,
    )


def _deliver(
    session: Session,
    payment: Payment,
    course: Course | None,
    user: User | None,
    result: Projection,
) -> tuple[Projection, bool]:
    """Grant or withdraw the purchase; return what prevents it, and whether access changed."""
    if course is None or user is None:
        gone = "course" if course is None else "account"
        return _or_undeliverable(result, f"The {gone} no longer exists. Refund the payment."), False
    bought = Source(user.id, course.id, "payment", payment.id)
    had_it = _has_source(session, payment, course, user)
    if result.gives_access and user.role != "student":
        result = _or_undeliverable(result, "The buyer is no longer a student. Refund the payment.")
    if result.gives_access:
        try:
            let_in(session, [bought], by=None)
        except CourseFull:
            why = "The course is full. Raise its capacity, or refund the payment."
            return _or_undeliverable(result, why), False
        return _noticing_a_second_purchase(session, payment, result), not had_it
    if had_it:
        reason = f"payment {result.status.replace('_', ' ')}"
        end_sources(session, [bought], by=None, reason=reason)
    return result, had_it


def _has_source(session: Session, payment: Payment, course: Course, user: User) -> bool:
    found = session.scalar(
        select(AccessSource.id).where(
            AccessSource.user_id == user.id,
            AccessSource.course_id == course.id,
            AccessSource.kind == "payment",
            AccessSource.reference == payment.id,
        )
    )
    return found is not None


def _or_undeliverable(result: Projection, why: str) -> Projection:
    if not result.gives_access:
        return result
    return Projection("undeliverable", result.refunded_cents, result.paid_at, why)


def _noticing_a_second_purchase(
    session: Session, payment: Payment, result: Projection
) -> Projection:
    earlier = session.scalar(
        select(Payment.id)
        .where(
            Payment.user_id == payment.user_id,
            Payment.course_id == payment.course_id,
            Payment.id < payment.id,
            Payment.status.in_(GIVING_ACCESS),
        )
        .limit(1)
    )
    if earlier is None or result.attention:
        return result
    return Projection(
        result.status,
        result.refunded_cents,
        result.paid_at,
        f"The student paid twice: payment {earlier} is for the same course. Refund one.",
    )
