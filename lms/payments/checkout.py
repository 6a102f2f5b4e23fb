"""Buying: one open checkout per student and course, however often 'Buy' is pressed.

Three steps, so that no call to Stripe is made inside a transaction: write the attempt down, open
its checkout under the attempt's reference as idempotency key, write down where to pay. Dying
between any two of them loses nothing, since the next press goes through the same steps. A press
that finds an attempt asks Stripe how it stands: the event that it was paid may be lost.
"""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import school
from lms.db import now
from lms.ledger import payment_beginnings as beginnings
from lms.ledger.limits import count
from lms.ledger.locks import lock_course, lock_learner
from lms.ledger.offers import OpenOffer, offer_to_buy
from lms.ledger.paid_waiting import why_not_again
from lms.ledger.payment_beginnings import Price
from lms.ledger.seats import has_seat
from lms.ledger.waiting import fill_seats
from lms.models import Course, Enrollment, Payment
from lms.models.payment_status import AWAITED
from lms.payments.gateway import AddressDeclined, Busy, Declined, Gateway, Offer, OpenCheckout
from lms.payments.inbox import observe
from lms.refusals import (
    AlreadyEnrolled,
    ApprovalRequired,
    CourseFull,
    CourseNotFound,
    Invalid,
    PaymentInProgress,
    PaymentInReview,
    PaymentsNotConfigured,
    PaymentsUnavailable,
    Refusal,
)
from lms.transaction import transactional

LIFETIME = timedelta(hours=2)
"""How long a student may take to pay. Stripe allows 30 minutes to 24 hours."""
_STALE = timedelta(minutes=5)
_SHORTEST = timedelta(minutes=31)
_SHORTEST_FOR_OFFER = _SHORTEST + _STALE
"""An offer bought in its last minutes is held until the checkout is over."""
_ATTEMPTS = 12
_PAUSE_SECONDS = 0.25
_PATIENCE = timedelta(seconds=2)
"""How long a call waits for an address that another is requesting; then it requests one too."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Attempt:
    """An attempt to buy, and what has to happen to it next."""

    payment_id: int
    offer: Offer
    session_id: str | None
    url: str | None
    is_outdated: bool
    """Its price or time is no longer right: close it before a new one is opened."""
    is_being_opened: bool = False
    """Another press has written it down a moment ago."""
    refusal: Refusal | None = None
    """Why it should no longer be paid."""


def buy(gateway: Gateway | None, student_id: int, course_id: int, *, origin: str) -> str:
    """Return the address at Stripe where the student pays for the course.

    `origin` is where Stripe sends the student back to. Pressing often, at once or from several
    browsers leads to one checkout. Raises AlreadyEnrolled, CourseFull, CourseNotFound,
    PaymentInProgress, PaymentInReview, PaymentsUnavailable, RateLimited, and Invalid for a course
    that is free.
    """
    for _ in range(_ATTEMPTS):
        attempt = _begin(student_id, course_id, origin=origin, is_configured=gateway is not None)
        if gateway is None:
            raise PaymentsNotConfigured
        try:
            if url := _proceed(gateway, attempt):
                return url
        except Busy:  # another press of the same student is at it, and writes down what comes of it
            time.sleep(_PAUSE_SECONDS)
        except Declined:
            break
    raise PaymentsUnavailable


give_up = transactional(beginnings.give_up)


@transactional
def _begin(
    session: Session, student_id: int, course_id: int, *, origin: str, is_configured: bool
) -> _Attempt:
    course = lock_course(session, course_id, "seats")
    student = lock_learner(session, student_id)
    fill_seats(session, course)  # whoever waits comes first
    offered = offer_to_buy(session, student_id, course_id)
    refusal = _refusal(session, course, student_id, has_offer=offered is not None)
    price = Price(course.price_cents, course.currency)
    if offered is not None:
        price = Price(offered.price_cents, offered.currency)
    payment = session.scalar(
        select(Payment)
        .where(
            Payment.user_id == student_id,
            Payment.course_id == course_id,
            Payment.status.in_(AWAITED),
        )
        .order_by(Payment.status.desc())
    )
    is_new = payment is None
    if refusal is not None and (is_new or not is_configured):
        raise refusal
    if payment is not None and payment.status == "processing":
        raise refusal or PaymentInProgress()
    if not is_configured:
        says_how = bool(school.of(session).how_to_pay)
        raise PaymentsNotConfigured(has_offer=offered is not None, says_how=says_how)
    if payment is None:
        count(session, "checkout", student_id)
        # Stripe counts in seconds, and a retry must send the same one.
        expires_at = _end_of_checkout(offered).replace(microsecond=0)
        payment = beginnings.begin_payment(
            session, course, student, price=price, origin=origin, expires_at=expires_at
        )
    return _Attempt(
        payment_id=payment.id,
        offer=_offer(payment, course),
        session_id=payment.stripe_session_id,
        url=payment.checkout_url,
        is_outdated=_is_outdated(payment, price),
        is_being_opened=not is_new and now() - payment.created_at < _PATIENCE,
        refusal=refusal,
    )


def _end_of_checkout(offered: OpenOffer | None) -> datetime:
    """Return until when can be paid: not much longer than a seat is held."""
    moment = now()
    if offered is None:
        return moment + LIFETIME
    return min(moment + LIFETIME, max(offered.expires_at, moment + _SHORTEST_FOR_OFFER))


def _refusal(
    session: Session, course: Course, student_id: int, *, has_offer: bool
) -> Refusal | None:
    """Return why a student cannot buy a course, if so."""
    enrolled = session.scalar(
        select(Enrollment.id).where(
            Enrollment.user_id == student_id, Enrollment.course_id == course.id
        )
    )
    if enrolled is not None:
        return AlreadyEnrolled("You're already enrolled in this course. Open it to continue.")
    if not course.is_visible:
        return CourseNotFound()
    if course.price_cents == 0:
        return Invalid("course_id", "This course is free. Enroll or request access instead.")
    if why := why_not_again(session, student_id, course.id):
        return PaymentInReview(why)
    if course.requires_approval and not has_offer:
        return ApprovalRequired()
    is_full = course.capacity is not None and not has_seat(session, student_id, course.id)
    return CourseFull(CourseFull.for_students) if is_full else None


def _offer(payment: Payment, course: Course | None) -> Offer:
    return Offer(
        reference=payment.reference or "",
        course_id=payment.course_id or 0,
        course_title=payment.course_title,
        user_email=payment.user_email if payment.email_refused_at is None else "",
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        expires_at=payment.session_expires_at or now() + LIFETIME,
        origin=payment.origin,
        note=payment.checkout_note,
        allows_promotion_codes=course is not None and course.allows_promotion_codes,
    )


def _is_outdated(payment: Payment, price: Price) -> bool:
    expires_at = payment.session_expires_at
    return (
        (payment.amount_cents, payment.currency) != price
        or payment.sale_ended_at is not None
        or payment.reference is None  # by which Stripe's answers find it
        or expires_at is None
        or expires_at - _STALE < now()
    )


def _proceed(gateway: Gateway, attempt: _Attempt) -> str | None:
    """Take an attempt one step further; return where to pay, or None to begin again."""
    if attempt.refusal is not None:
        with suppress(Busy, Declined, PaymentsUnavailable):  # else reconciliation closes it
            _expire(gateway, attempt)
        raise attempt.refusal
    if attempt.is_outdated:
        _expire(gateway, attempt)
        return None
    if attempt.url is not None:
        return attempt.url if _is_open(gateway, attempt) else None
    if attempt.is_being_opened:
        time.sleep(_PAUSE_SECONDS)
        return None
    return _open(gateway, attempt)


def _is_open(gateway: Gateway, attempt: _Attempt) -> bool:
    """Return whether the checkout can still be paid; if not, apply Stripe's state."""
    try:
        fact = gateway.without_retries.checkout(attempt.session_id or "").fact
    except (Busy, Declined, PaymentsUnavailable):
        return True  # the student's browser may fare better, and nothing is lost if it does not
    observe(fact)
    return fact.state == "open"


def _open(gateway: Gateway, attempt: _Attempt) -> str | None:
    """Open the checkout and return where to pay; None to begin again."""
    payment_id = attempt.payment_id
    try:
        opened = _opened(gateway, attempt)
    except Declined as refusal:  # nobody can pay what was never opened
        if attempt.offer.expires_at - now() > _SHORTEST:
            give_up(payment_id, because=str(refusal))
            _log.warning("Stripe refuses the checkout of payment %d: %s", payment_id, refusal)
            raise PaymentsUnavailable(
                "The payment service refused this purchase, and you weren't charged. "
                "Contact the school, which can see why, or try again later."
            ) from None
        give_up(payment_id)
        return None  # too little time was left: begin again
    return _write_address(attempt.payment_id, opened)


def _opened(gateway: Gateway, attempt: _Attempt) -> OpenCheckout:
    try:
        return gateway.create_checkout(attempt.offer)
    except AddressDeclined:
        return gateway.create_checkout(_without_address(attempt.payment_id))


@transactional
def _without_address(session: Session, payment_id: int) -> Offer:
    payment = beginnings.refuse_address(session, payment_id)
    course = session.get(Course, payment.course_id) if payment.course_id else None
    return _offer(payment, course)


@transactional
def _write_address(session: Session, payment_id: int, opened: OpenCheckout) -> str | None:
    payment = beginnings.keep_checkout(session, payment_id, opened.fact, url=opened.url)
    return opened.url if payment.status == "pending" else None


def _expire(gateway: Gateway, attempt: _Attempt) -> None:
    """Make sure that nobody can pay an attempt any more, or learn that somebody has."""
    if attempt.session_id is None:
        give_up(attempt.payment_id)
        return
    observe(gateway.expire_checkout(attempt.session_id))
