"""The waiting list, and what a free seat means for the next in line.

Students who have paid come first. Approved requests are then carried out: an offer where the course
is sold by offers, access elsewhere.
Where anyone may buy or join, no approval is needed: the next in line gets an offer, or the seat.
All others wait for a decision; one of them per free seat is notified.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, Update, bindparam, func, or_, select, true, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from lms.db import now
from lms.ledger.access import is_enrolled, let_in
from lms.ledger.audit import record
from lms.ledger.locks import lock_if_free
from lms.ledger.offers import OpenOffer, end_due, make_offer
from lms.ledger.paid_waiting import courses_paid_for, is_paid_for, unsettled
from lms.ledger.payment_endings import access_restored
from lms.ledger.payments import let_in_who_paid
from lms.ledger.requests import REQUEST, RequestMade, decide, take_request
from lms.ledger.seats import free_seats, has_seat, line_up, seats_left
from lms.ledger.sources import Source
from lms.live import touch
from lms.messages.catalogue import RequestApproved, SeatFree, SeatGiven
from lms.messages.notices import announce
from lms.models import (
    VISIBLE_STATUSES,
    AccessRequest,
    Course,
    Offer,
    User,
    is_due,
    is_pending,
    may_learn,
)
from lms.models.columns import constants
from lms.refusals import CourseFull, PaymentInReview
from lms.statements import BY, COURSE, MOMENT, WHY, run

_MOST_TOLD = 500
"""Of a course that has no limit any more, in one transaction."""


class _Waiting(NamedTuple):
    """The request whose turn it is."""

    id: int
    student_id: int
    approved_by: int | None
    approval_reason: str
    is_approved: bool


def fill_seats(session: Session, course: Course, *, freed: int = 0) -> None:
    """Give the free seats of a course with limited seats to the students in line.

    The caller holds the course's seats, and has freed so many.
    """
    if course.capacity is not None:
        pass_on_seats(session, course, freed=freed)


def pass_on_seats(session: Session, course: Course, *, freed: int = 0) -> None:
    """End offers that are over, and give the free seats to the students in line.

    A student whom another transaction holds is not waited for, since that might wait for this one:
    the worker comes back.
    """
    freed += len(end_due(session, course.id))
    left = seats_left(session, course.id)
    if freed and left is not None and left <= freed:
        # It was full, so whoever had a request waited for this.
        line_up(session, [course.id], even_if_free=True)
    if not let_in_who_paid(session, course):
        return
    left = seats_left(session, course.id)
    if not course.is_visible:
        return
    while (left is None or left > 0) and (waiting := _next(session, course)):
        student = lock_if_free(session, waiting.student_id)
        if student is None:
            return
        _give(session, course, student, waiting)
        left = None if left is None else left - 1
    if left is None or left > 0:
        _tell_whose_seat_is_free(session, course, left)


def fill_others(session: Session, course_ids: Iterable[int], *, freed: int = 1) -> None:
    """Fill courses of which the caller has freed so many seats each, without holding them.

    Whichever others hold at this moment is left to the worker.
    """
    for course_id in sorted(set(course_ids)):
        course = session.scalar(_free_course(), {"course": course_id})
        if course is not None:
            fill_seats(session, course, freed=freed)


def courses_to_fill() -> Select[int]:
    """Select the courses with offers that are over, or a seat for a student in line."""
    is_over = select(Offer.course_id).where(is_due(MOMENT))
    is_awaited = select(AccessRequest.course_id).where(AccessRequest.awaits_seat, is_pending())
    has_seat = or_(Course.capacity.is_(None), free_seats() > 0)
    return (
        select(Course.id)
        .where(
            or_(
                Course.id.in_(is_over),
                Course.id.in_(courses_paid_for(has_seat)),
                Course.id.in_(is_awaited)
                & has_seat
                & Course.status.in_(constants(*VISIBLE_STATUSES)),
            )
        )
        .order_by(Course.id)
    )


def approve_ahead(session: Session, request_id: int, *, by: int, reason: str) -> bool:
    """Have the next free seat approve a request of a full course; False if it is gone."""
    changed = run(
        *(session, _approving_ahead()), request=request_id, by=by, why=reason, moment=now()
    ).one_or_none()
    if changed is None:
        return False
    record(
        session,
        "request.approved_ahead",
        by=by,
        student_id=changed.student_id,
        course_id=changed.course_id,
        reason=reason,
        request_id=request_id,
    )
    touch(session, "requests", students=[changed.student_id])
    return True


@cache
def _approving_ahead() -> ReturningUpdate[int, int]:
    return (
        update(AccessRequest)
        .where(AccessRequest.id == REQUEST, is_pending())
        .values(
            awaits_seat=True,
            seat_since=None,
            approved_at=MOMENT,
            approved_by=BY,
            approval_reason=WHY,
        )
        .returning(AccessRequest.student_id, AccessRequest.course_id)
    )


def _can_buy_or_join(course: Course) -> bool:
    """Whether nobody's approval is needed to have a seat."""
    return not course.requires_approval and (course.price_cents > 0 or course.is_public)


def _next(session: Session, course: Course) -> _Waiting | None:
    """Return whose turn it is: in order, and before all others those who need no decision."""
    row = run(session, _in_line(_can_buy_or_join(course)), course=course.id).first()
    return _Waiting(*row) if row else None


@cache
def _in_line(can_buy_or_join: bool) -> Select[*tuple[Any, ...]]:
    is_approved = AccessRequest.approved_at.is_not(None)
    return (
        select(
            AccessRequest.id,
            AccessRequest.student_id,
            AccessRequest.approved_by,
            AccessRequest.approval_reason,
            is_approved,
        )
        .join(User, User.id == AccessRequest.student_id)
        .where(
            AccessRequest.course_id == COURSE,
            AccessRequest.awaits_seat,
            is_pending(),
            may_learn(),
            User.is_active,
            true() if can_buy_or_join else is_approved,
            ~is_paid_for(AccessRequest.student_id, AccessRequest.course_id),
        )
        .order_by(AccessRequest.created_at, AccessRequest.id)
        .limit(1)
    )


@cache
def _free_course() -> Select[Course]:
    return (
        select(Course)
        .where(Course.id == COURSE, Course.capacity.is_not(None))
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _give(session: Session, course: Course, student: User, waiting: _Waiting) -> None:
    """Give a free seat to the one whose turn it is."""
    if waiting.is_approved:
        if (request := take_request(session, waiting.id)) is not None:
            by, reason = waiting.approved_by, waiting.approval_reason
            carry_out(session, request, student, course, by=by, reason=reason)
    elif course.price_cents > 0:
        run(session, _calling(), requests=[waiting.id], moment=None)
        make_offer(session, course, student.id, decision_id=None, by=None)
    else:
        admission = let_in(session, [Source(student.id, course.id, "direct")], by=student.id)
        for number in admission.enrolled.values():
            news = SeatGiven(course.id, course.title)
            announce(session, news, student.id, key=f"enrolled-{number}")


def carry_out(
    session: Session,
    request: RequestMade,
    student: User,
    course: Course,
    *,
    by: int | None,
    reason: str,
) -> tuple[int, OpenOffer | None]:
    """Approve a request that was taken from the queue: by an offer, or by access at once.

    Returns the decision's id, and the offer. A student who has already paid is enrolled by that
    payment, and pays nothing more. Raises CourseFull and PaymentInReview.
    """
    decision_id = decide(session, request, student, course, "approved", by=by, reason=reason)
    if course.is_sold_by_offer:
        if not has_seat(session, student.id, course.id):
            raise CourseFull
        is_paid = unsettled(session, student.id, course.id) is not None
        offer = make_offer(
            *(session, course, student.id),
            decision_id=decision_id,
            by=by,
            reason=reason,
            tells=not is_paid,
        )
        if not is_paid:
            return decision_id, offer
        let_payment_count(session, student.id, course.id, by=by, reason=reason)
        if not is_enrolled(session, student.id, course.id):  # a seat is not what is missing
            raise PaymentInReview(PaymentInReview.for_admins)
    else:
        approval = Source(student.id, course.id, "approval", decision_id)
        let_in(session, [approval], by=by, reason=reason)
    approved = RequestApproved(course.id, course.title, reason=reason)
    announce(session, approved, student.id, key=f"decision-{decision_id}")
    return decision_id, None


def let_payment_count(
    session: Session, student_id: int, course_id: int, *, by: int | None, reason: str
) -> None:
    """Let an approval enroll a student by their earlier payment, now or with a free seat.

    Raises PaymentInReview where an admin has to decide about the money first.
    """
    access_restored(session, [(student_id, course_id)], by=by, reason=reason)
    if is_enrolled(session, student_id, course_id):
        return
    if unsettled(session, student_id, course_id) == "needs_review":
        raise PaymentInReview(PaymentInReview.for_admins)


def _tell_whose_seat_is_free(session: Session, course: Course, left: int | None) -> None:
    """Tell those who wait for a decision, one for each free seat, that theirs is free."""
    called = run(session, _called(), course=course.id).scalar() or 0
    wanted = _MOST_TOLD if left is None else left - called
    if wanted <= 0:
        return
    rows = run(session, _to_call(), course=course.id, most=wanted).all()
    if not rows:
        return
    moment = now()
    run(session, _calling(), requests=[row.id for row in rows], moment=moment)
    for row in rows:
        news = SeatFree(course.id, course.title)
        announce(session, news, row.student_id, key=f"seat-{row.id}-{moment:%Y%m%d%H%M%S%f}")
    touch(session, "requests")


@cache
def _called() -> Select[int]:
    return select(func.count()).where(
        AccessRequest.course_id == COURSE, AccessRequest.seat_since.is_not(None), is_pending()
    )


@cache
def _to_call() -> Select[int, int]:
    return (
        select(AccessRequest.id, AccessRequest.student_id)
        .join(User, User.id == AccessRequest.student_id)
        .where(
            AccessRequest.course_id == COURSE,
            AccessRequest.awaits_seat,
            is_pending(),
            may_learn(),
            User.is_active,
        )
        .order_by(AccessRequest.created_at, AccessRequest.id)
        .limit(bindparam("most", type_=Integer))
    )


@cache
def _calling() -> Update:
    """Return what says that a request's turn has come; the next digest to the admins names it."""
    return (
        update(AccessRequest)
        .where(AccessRequest.id.in_(bindparam("requests", type_=Integer, expanding=True)))
        .values(awaits_seat=False, seat_since=MOMENT, is_news=MOMENT.is_not(None))
    )
