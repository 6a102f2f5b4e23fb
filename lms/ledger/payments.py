"""The one place where a payment changes, and its access with it.

Facts of Stripe's come in, `project` says what they amount to, `bring_in_line` writes it; `settling`
then passes on a seat that was given up. The rooms beside this one change payments in the same way:
when one is begun, when an admin has dealt with it, and when its course, its buyer or its access
ends. Locks: the facts, then course, user and payments by rising id.
"""

from dataclasses import dataclass, replace

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from lms.ledger.access import end_sources, let_in
from lms.ledger.fact_rows import disputes, lock_facts, refunds, sessions
from lms.ledger.kept import kept_percent
from lms.ledger.locks import lock_course, lock_if_free, lock_user
from lms.ledger.manual_payments import manual_refunds
from lms.ledger.movements import book
from lms.ledger.offers import end_due
from lms.ledger.paid_waiting import payers_without_access
from lms.ledger.payment_changes import publish_changes, refresh_payments
from lms.ledger.payment_pairs import with_notes
from lms.ledger.price_parts import Parts
from lms.ledger.projection import Projection, Snapshot, project
from lms.ledger.seats import seats_left
from lms.ledger.sources import Source
from lms.models import AccessSource, Course, Enrollment, Payment, User
from lms.models.payments import STRIPE
from lms.refusals import CourseFull, CourseNotFound, PaymentNotFound, UserNotFound

COURSE_GONE = "The course no longer exists. Refund the payment."
ACCOUNT_GONE = "The account no longer exists. Refund the payment."
COURSE_FULL = "The course is full. Raise its capacity, or refund the payment."
ACCOUNT_LOCKED = "The account is deactivated. Reactivate it and retry, or refund the payment."


def lock_payment(session: Session, payment_id: int) -> Payment:
    """Hold a payment, with all that decides about it; raises PaymentNotFound."""
    lock_facts(session)
    if session.get(Payment, payment_id) is None:
        raise PaymentNotFound
    return _lock(session, payment_id).payments[payment_id]


@dataclass(frozen=True)
class Settled:
    """What came of bringing a payment in line with the facts."""

    has_changed: bool
    freed: Course | None
    """The course of which a seat has become free by it."""


def bring_in_line(
    session: Session, payment_id: int, *, by: int | None = None, reason: str = ""
) -> Settled:
    """Bring a payment and its access in line with the facts.

    What other payments of the same student for the same course say follows from it, and is
    corrected too. The caller holds the facts, unless it changes nothing but the payment's own row
    before.
    """
    pair = _lock(session, payment_id)
    results = {
        number: _project(session, payment)
        for number, payment in pair.payments.items()
        # A seat that this one gets or gives up is one that an undeliverable one can share.
        if number == payment_id or payment.status == "undeliverable"
    }
    moved, freed = set(), False
    # Who is let in first keeps the seat that another payment gives up.
    for number in sorted(results, key=lambda key: (not results[key].gives_access, key)):
        delivery = _deliver(session, pair, number, results[number], by=by)
        results[number], freed = delivery.result, freed or delivery.has_freed
        if delivery.has_moved:
            moved.add(number)
    results = with_notes({n: _recorded(each) for n, each in pair.payments.items()} | results)
    for number, payment in pair.payments.items():
        if write(session, payment, results[number], by=by, reason=reason):
            moved.add(number)
        elif number in moved:
            refresh_payments(session, [payment])
    book(session, pair.payments)
    return Settled(bool(moved), pair.course if freed else None)


def let_in_who_paid(session: Session, course: Course) -> bool:
    """Give free seats to students who have paid without getting one, oldest payment first.

    The caller holds the course's seats. A student whom another transaction holds is not waited for,
    since that might wait for this one: False says that a seat is theirs when the worker comes back.
    """
    for payer in payers_without_access(session, course.id):
        if not payer.is_enrolled and seats_left(session, course.id) == 0:
            continue
        if lock_if_free(session, payer.student_id) is None:
            return False
        bring_in_line(session, payer.payment_id)
    return True


def write(
    session: Session, payment: Payment, result: Projection, *, by: int | None, reason: str = ""
) -> bool:
    """Write a payment's outcome, and publish it; True if anything changed."""
    before = payment.status, payment.refunded_cents, payment.lost_cents
    after = result.status, result.refunded_cents, result.lost_cents
    repriced = _write_parts(payment, result.parts)
    if not repriced and (*before, payment.paid_at, payment.attention) == (
        *(*after, result.paid_at, result.attention),
    ):
        return False
    payment.status, payment.refunded_cents, payment.lost_cents = after
    payment.paid_at = result.paid_at
    if payment.attention != result.attention:
        payment.attention, payment.dismissed_attention = result.attention, None
    session.flush()
    if before == after:
        refresh_payments(session, [payment])
    else:
        publish_changes(session, [(payment, before[0])], by=by, reason=reason)
    return True


def snapshot(payment: Payment) -> Snapshot:
    """Return our side of a purchase, as the projection takes it."""
    return Snapshot(
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        # There is no bank to wait for: an admin has said that the money is there.
        status="paid" if _is_recorded(payment) else payment.status,
        refunded_cents=payment.refunded_cents,
        lost_cents=payment.lost_cents,
        paid_at=payment.paid_at,
        access_ended_at=payment.access_ended_at,
        kept_percent=kept_percent(),
        agreed_cents=_agreed(payment),
        subtotal_cents=payment.subtotal_cents,
        accepted_cents=payment.accepted_cents,
        sale_ended_at=payment.sale_ended_at,
        sale_end=payment.sale_end or "off_sale",
        refusal=payment.refusal,
    )


def _is_recorded(payment: Payment) -> bool:
    return payment.method != STRIPE and payment.status == "processing"


def _write_parts(payment: Payment, parts: Parts | None) -> bool:
    """Write what was charged; True if that changed anything."""
    if parts is None:
        return False
    known = (
        *(payment.subtotal_cents, payment.discount_cents, payment.tax_cents),
        payment.amount_cents,
    )
    charged = (parts.subtotal, parts.discount, parts.tax, parts.total)
    if known == charged:
        return False
    payment.agreed_cents = _agreed(payment)  # what it replaces may be all that says so
    payment.subtotal_cents, payment.discount_cents, payment.tax_cents = charged[:3]
    payment.amount_cents = parts.total
    return True


def _agreed(payment: Payment) -> int:
    known = (payment.agreed_cents, payment.subtotal_cents, payment.amount_cents)
    return next(amount for amount in known if amount is not None)


@dataclass(frozen=True)
class _Pair:
    """A payment with all others of its student for its course, locked."""

    payments: dict[int, Payment]
    """By rising id."""
    course: Course | None
    user: User | None


def _lock(session: Session, payment_id: int) -> _Pair:
    """Lock course, user and payments, in this order; a course or user that is gone is None."""
    named = session.execute(
        select(Payment.course_id, Payment.user_id).where(Payment.id == payment_id)
    ).one()
    course, user = None, None
    if named.course_id is not None:
        try:
            course = lock_course(session, named.course_id, "seats")
        except CourseNotFound:  # deleted while this waited for it
            course = None
    if named.user_id is not None:
        try:
            user = lock_user(session, named.user_id)
        except UserNotFound:
            user = None
    same = (Payment.user_id == named.user_id) & (Payment.course_id == named.course_id)
    payments = session.scalars(
        select(Payment)
        .where(or_(Payment.id == payment_id, same) if course and user else Payment.id == payment_id)
        .order_by(Payment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return _Pair({payment.id: payment for payment in payments}, course, user)


def _project(session: Session, payment: Payment) -> Projection:
    return project(
        snapshot(payment),
        sessions(session, payment.id),
        [
            *refunds(session, payment.stripe_payment_intent_id),
            *manual_refunds(session, payment.id, payment.currency),
        ],
        disputes(session, payment.stripe_payment_intent_id),
    )


def _recorded(payment: Payment) -> Projection:
    return Projection(
        payment.status,
        payment.refunded_cents,
        payment.lost_cents,
        payment.paid_at,
        payment.attention,
    )


@dataclass(frozen=True)
class _Delivery:
    """What came of letting in, or ending, what was bought."""

    result: Projection
    """With what stands in the way."""
    has_moved: bool = False
    """Whether access has."""
    has_freed: bool = False
    """Whether nobody has the seat any more."""


def _deliver(
    session: Session, pair: _Pair, payment_id: int, result: Projection, *, by: int | None
) -> _Delivery:
    """Let in or end what was bought."""
    course, user = pair.course, pair.user
    if course is None or user is None:
        why = COURSE_GONE if course is None else ACCOUNT_GONE
        return _Delivery(_or_undeliverable(result, why))
    bought = Source(user.id, course.id, "payment", payment_id)
    if result.gives_access and user.role != "student":
        result = _or_undeliverable(result, "The buyer is no longer a student. Refund the payment.")
    if result.gives_access and not user.is_proven:
        result = _or_undeliverable(
            result, "The buyer's address isn't confirmed. Refund the payment."
        )
    # Who had access keeps it while locked out; what nobody can use yet is not sold.
    if result.gives_access and not user.is_active and not _is_granted(session, bought):
        result = _or_undeliverable(result, ACCOUNT_LOCKED)
    # What an admin has dealt with otherwise takes no seat by itself.
    if result.gives_access and by is None and _is_reviewed(session, pair.payments[payment_id]):
        result = _or_undeliverable(result, pair.payments[payment_id].attention)
    if result.gives_access:
        return _give_bought(session, course, bought, result, by=by)
    return _end_bought(session, bought, result, by=by)


def _give_bought(
    session: Session, course: Course, bought: Source, result: Projection, *, by: int | None
) -> _Delivery:
    """Let in by a payment, if there is a seat."""
    if end_due(session, course.id):
        let_in_who_paid(session, course)  # they have waited longer
    try:
        return _Delivery(result, has_moved=bool(let_in(session, [bought], by=by).granted))
    except CourseFull:
        return _Delivery(_or_undeliverable(result, COURSE_FULL))


def _end_bought(
    session: Session, bought: Source, result: Projection, *, by: int | None
) -> _Delivery:
    """End what a payment gave, if it gave anything."""
    if not _is_granted(session, bought):
        return _Delivery(result)
    reason = f"payment {result.status.replace('_', ' ')}"
    ended = end_sources(session, [bought], by=by, reason=reason)
    return _Delivery(result, has_moved=True, has_freed=bool(ended))


def _is_reviewed(session: Session, payment: Payment) -> bool:
    """Return whether an admin has taken a payment without a seat off the list."""
    if payment.status != "undeliverable" or payment.dismissed_attention != payment.attention:
        return False
    enrolled = exists().where(
        Enrollment.user_id == payment.user_id, Enrollment.course_id == payment.course_id
    )
    return not session.scalar(select(enrolled))


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
