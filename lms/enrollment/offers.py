"""Offers that a student declines or an admin withdraws, and free seats to be passed on."""

from functools import cache

from sqlalchemy import Integer, Select, bindparam, select
from sqlalchemy.orm import Session

from lms.db import db, now
from lms.ledger import offers
from lms.ledger.locks import lock_course, lock_student
from lms.ledger.paid_waiting import is_processing
from lms.ledger.rows import Pair
from lms.ledger.sales import offers_ended
from lms.ledger.waiting import courses_to_fill, fill_seats, pass_on_seats
from lms.models import Offer
from lms.refusals import CourseNotFound, OfferNotFound, PaymentInProgress
from lms.statements import STUDENT, run
from lms.transaction import transactional

_OFFER = bindparam("offer", type_=Integer)


@transactional
def decline_offer(session: Session, offer_id: int, *, by: int) -> int:
    """Give back a seat that is held for a student, for the next in line; return the course.

    Raises OfferNotFound for one that is over, and PaymentInProgress while the bank is processing
    the payment: it would arrive with nothing left to buy.
    """
    course_id = run(session, _course(), offer=offer_id, student=by).scalar()
    if course_id is None:
        raise OfferNotFound
    course = lock_course(session, course_id, "seats")
    lock_student(session, by)
    if is_processing(session, by, course.id):
        raise PaymentInProgress(PaymentInProgress.for_offer)
    if offers.decline_offer(session, offer_id, by=by) is None:
        raise OfferNotFound
    offers_ended(session, [(by, course.id)])
    fill_seats(session, course, freed=1)
    return course.id


@transactional
def withdraw_offer(session: Session, offer_id: int, *, by: int, reason: str = "") -> Pair:
    """Withdraw an open offer and notify the student of the reason; return whose it was.

    Its seat goes to the next in line. Raises OfferNotFound for one that is over.
    """
    found = run(session, _pair(), offer=offer_id).one_or_none()
    if found is None:
        raise OfferNotFound
    course = lock_course(session, found.course_id, "seats")
    lock_student(session, found.student_id)
    ended = offers.withdraw_offers(session, "offer", offer_id, by=by, reason=reason)
    if not ended:
        raise OfferNotFound
    offers_ended(session, [ended[0].pair])
    fill_seats(session, course, freed=1)
    return ended[0].pair


@cache
def _course() -> Select[int]:
    return select(Offer.course_id).where(Offer.id == _OFFER, Offer.student_id == STUDENT)


@cache
def _pair() -> Select[int, int]:
    return select(Offer.student_id, Offer.course_id).where(Offer.id == _OFFER)


def fill_free_seats() -> int:
    """Pass on what became free with time, or while others were at it; return of how many courses.

    Each course is a transaction of its own.
    """
    try:
        course_ids = list(db.session.scalars(_to_fill(), {"moment": now()}))
    finally:
        db.session.rollback()
    for course_id in course_ids:
        _fill(course_id)
    return len(course_ids)


_to_fill = cache(courses_to_fill)


@transactional
def _fill(session: Session, course_id: int) -> None:
    try:
        course = lock_course(session, course_id, "seats")
    except CourseNotFound:  # deleted since it was found
        return
    pass_on_seats(session, course)
