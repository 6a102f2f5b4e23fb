"""The one place where a payment changes, and its access with it.

Facts of Stripe's come in, `project` says what they amount to, `settle` writes it. The rooms beside
this one change payments in the same way: when one is begun, when an admin has dealt with it, and
when its course, its buyer or its access ends. Locks: the facts, then course, user and payment.
"""

from dataclasses import replace

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from lms.ledger.access import end_sources, let_in
from lms.ledger.fact_rows import disputes, lock_facts, refunds, sessions
from lms.ledger.locks import lock_course, lock_user
from lms.ledger.payment_changes import publish_changes, refresh_payments
from lms.ledger.projection import Projection, Snapshot, project
from lms.ledger.sources import Source
from lms.models import AccessSource, Course, Payment, User
from lms.models.payment_status import GIVING_ACCESS
from lms.refusals import CourseFull, CourseNotFound, PaymentNotFound, UserNotFound

COURSE_GONE = "The course no longer exists. Refund the payment."
ACCOUNT_GONE = "The account no longer exists. Refund the payment."
REFUND_ONE = "If neither has been refunded, refund one."
"""Said of the later of two, and true of it as well once the earlier has been refunded."""


def lock_payment(session: Session, payment_id: int) -> Payment:
    """Hold a payment, with all that decides about it; raises PaymentNotFound."""
    lock_facts(session)
    if session.get(Payment, payment_id) is None:
        raise PaymentNotFound
    payment, _, _ = _lock(session, payment_id)
    return payment


def settle(session: Session, payment_id: int, *, by: int | None = None, reason: str = "") -> bool:
    """Bring a payment and its access in line with the facts; True if anything changed.

    The caller holds the facts, unless it changes nothing but the payment's own row before.
    """
    payment, course, user = _lock(session, payment_id)
    result = project(
        _snapshot(payment),
        sessions(session, payment.id),
        refunds(session, payment.stripe_payment_intent_id),
        disputes(session, payment.stripe_payment_intent_id),
    )
    result, moved = _deliver(session, payment, course, user, result, by=by)
    changed = write(session, payment, result, by=by, reason=reason)
    if moved and not changed:
        refresh_payments(session, [payment])
    return changed or moved


def write(
    session: Session, payment: Payment, result: Projection, *, by: int | None, reason: str = ""
) -> bool:
    """Write what a payment has come to, and publish it; True if anything changed."""
    before = payment.status, payment.refunded_cents
    if (*before, payment.paid_at, payment.attention) == (
        *(result.status, result.refunded_cents, result.paid_at, result.attention),
    ):
        return False
    payment.status, payment.refunded_cents = result.status, result.refunded_cents
    payment.paid_at = result.paid_at
    if payment.attention != result.attention:
        payment.attention, payment.dismissed_attention = result.attention, None
    session.flush()
    if before == (result.status, result.refunded_cents):
        refresh_payments(session, [payment])
    else:
        publish_changes(session, [(payment, before[0])], by=by, reason=reason)
    return True


def _lock(session: Session, payment_id: int) -> tuple[Payment, Course | None, User | None]:
    """Lock course, user and payment, in this order; a course or user that is gone is None."""
    pair = session.execute(
        select(Payment.course_id, Payment.user_id).where(Payment.id == payment_id)
    ).one()
    course, user = None, None
    if pair.course_id is not None:
        try:
            course = lock_course(session, pair.course_id, "seats")
        except CourseNotFound:  # deleted while this waited for it
            course = None
    if pair.user_id is not None:
        try:
            user = lock_user(session, pair.user_id)
        except UserNotFound:
            user = None
    payment = session.get_one(Payment, payment_id, populate_existing=True, with_for_update=True)
    return payment, course, user


def _snapshot(payment: Payment) -> Snapshot:
    return Snapshot(
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        status=payment.status,
        refunded_cents=payment.refunded_cents,
        paid_at=payment.paid_at,
        access_ended_at=payment.access_ended_at,
    )


def _deliver(
    session: Session,
    payment: Payment,
    course: Course | None,
    user: User | None,
    result: Projection,
    *,
    by: int | None,
) -> tuple[Projection, bool]:
    """Let in or end what was bought; return what stands in the way, and whether access moved."""
    if course is None or user is None:
        return _or_undeliverable(result, COURSE_GONE if course is None else ACCOUNT_GONE), False
    bought = Source(user.id, course.id, "payment", payment.id)
    if result.gives_access and user.role != "student":
        result = _or_undeliverable(result, "The buyer is no longer a student. Refund the payment.")
    if result.gives_access and not user.is_proven:
        result = _or_undeliverable(
            result, "The buyer's address isn't confirmed. Refund the payment."
        )
    if result.gives_access:
        try:
            moved = bool(let_in(session, [bought], by=by).granted)
        except CourseFull:
            why = "The course is full. Raise its capacity, or refund the payment."
            return _or_undeliverable(result, why), False
        return _noticing_a_second_purchase(session, payment, result), moved
    if moved := _is_granted(session, bought):
        reason = f"payment {result.status.replace('_', ' ')}"
        end_sources(session, [bought], by=by, reason=reason)
    return result, moved


def _is_granted(session: Session, source: Source) -> bool:
    granted = exists().where(
        AccessSource.user_id == source.student_id,
        AccessSource.course_id == source.course_id,
        AccessSource.kind == source.kind,
        AccessSource.reference == source.reference,
    )
    return bool(session.scalar(select(granted)))


def _or_undeliverable(result: Projection, why: str) -> Projection:
    if not result.gives_access:
        return result
    return replace(result, status="undeliverable", attention=why)


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
    why = f"The student also paid for this course with payment {earlier}. {REFUND_ONE}"
    return replace(result, attention=why)
