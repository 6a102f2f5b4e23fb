"""Access requests: a student makes one, an admin decides it, once."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert

from lms.db import now
from lms.ledger.access import is_enrolled
from lms.ledger.audit import record
from lms.ledger.limits import count
from lms.ledger.locks import (
    lock_course,
    lock_learner,
    lock_student,
    lock_user,
)
from lms.ledger.offers import OpenOffer, offer_of, offer_to_buy
from lms.ledger.requests import REQUEST, REQUEST_MADE, RequestMade, decide, take_request
from lms.ledger.seats import seats_left
from lms.ledger.waiting import (
    approve_ahead,
    carry_out,
    fill_others,
    fill_seats,
    let_payment_count,
)
from lms.live import touch
from lms.messages.catalogue import RequestRejected
from lms.messages.notices import announce
from lms.models import AccessRequest, AuditEntry, Course, Decision, User, is_pending, stands
from lms.refusals import (
    AlreadyEnrolled,
    AlreadyReviewed,
    CourseFull,
    CourseNotFound,
    NotFound,
    PaymentInReview,
    RequestNotFound,
    RequestPending,
)
from lms.statements import STUDENT, run
from lms.transaction import transactional
from lms.upsert import insert

Action = Literal["approve", "reject"]
Outcome = Literal[
    "approved", "rejected", "already_reviewed", "not_found", "course_full", "payment_in_review"
]


@dataclass(frozen=True)
class DecisionMade:
    """What was decided on a request."""

    request_id: int
    student_id: int
    course_id: int
    status: Literal["approved", "rejected"]
    decision_id: int
    offer: OpenOffer | None = None
    """The seat that is held until it is paid for; None where the student is in, or isn't."""
    is_unpaid: bool = False
    """Whether the student is in a course with a price without having to pay it."""


class OneOfMany(NamedTuple):
    """What became of one of many requests."""

    request_id: int
    outcome: Outcome
    decision_id: int | None = None
    decided_by: str = ""
    """Who had decided it before."""


@transactional
def request_access(
    session: Session, student_id: int, course_id: int, *, message: str = ""
) -> RequestMade:
    """Put a student in the queue for a course that is open to students; one place per pair."""
    course = lock_course(session, course_id, "learning")
    lock_learner(session, student_id)
    if is_enrolled(session, student_id, course_id):
        raise AlreadyEnrolled("You're already enrolled in this course. Open it to continue.")
    if not course.is_visible:
        raise CourseNotFound
    if offer_to_buy(session, student_id, course_id) is not None:
        raise RequestPending(RequestPending.has_offer)
    left = seats_left(session, course_id) if course.capacity is not None else None
    queued = run(
        *(session, _queueing()),
        student_id=student_id,
        course_id=course_id,
        status="pending",
        message=message,
        created_at=now(),
        is_news=True,
        awaits_seat=left is not None and left <= 0,
    ).one_or_none()
    if queued is None:
        raise RequestPending
    count(session, "request", student_id)
    made = RequestMade(*queued)
    record(
        session,
        "request.made",
        by=student_id,
        student_id=student_id,
        course_id=course_id,
        request_id=made.id,
    )
    touch(session, "requests", students=[student_id])
    return made


@transactional
def cancel_request(session: Session, request_id: int, *, by: int) -> None:
    """Cancel a student's own pending request."""
    lock_user(session, by)
    cancelled = run(session, _cancelling(), request=request_id, student=by).scalar()
    if cancelled is None:
        _refuse_if_decided(session, request_id, student_id=by)
        raise RequestNotFound
    record(
        session,
        "request.cancelled",
        by=by,
        student_id=by,
        course_id=cancelled,
        request_id=request_id,
    )
    fill_others(session, [cancelled], freed=0)  # whose turn it was has passed it on
    touch(session, "requests", students=[by])


def approve(request_id: int, *, by: int, reason: str = "") -> DecisionMade:
    """Let the student in, or hold a seat to be bought, and clear the request from the queue.

    Two admins may press at once: the second gets AlreadyReviewed, naming the first. CourseFull
    leaves the request in the queue, approved ahead: the first seat that becomes free carries it
    out. The admin who approved it so and asks again gets the same answer as the first time. Raises
    PaymentInReview for a student who has paid already.
    """
    try:
        return _approve(request_id, by=by, reason=reason)
    except CourseFull:
        made = _approve_ahead(request_id, by=by, reason=reason)
    if made is None:
        raise CourseFull(CourseFull.for_approved)
    return made


@transactional
def _approve(session: Session, request_id: int, *, by: int, reason: str) -> DecisionMade:
    pair = _lock_pair(session, request_id)
    if pair is not None:
        fill_seats(session, pair[0])  # whoever waits comes first
    request = take_request(session, request_id)
    if pair is None or request is None:
        return _carried_out(session, request_id, by=by)
    course, student = pair
    decision_id, offer = carry_out(session, request, student, course, by=by, reason=reason)
    return DecisionMade(
        *(request_id, student.id, course.id, "approved", decision_id, offer),
        is_unpaid=course.is_waived_by_approval,
    )


@transactional
def _approve_ahead(
    session: Session, request_id: int, *, by: int, reason: str
) -> DecisionMade | None:
    """Approve a request of a full course ahead; None while it waits."""
    pair = _lock_pair(session, request_id)
    if pair is not None and approve_ahead(session, request_id, by=by, reason=reason):
        course, student = pair
        if course.is_sold_by_offer:
            let_payment_count(session, student.id, course.id, by=by, reason=reason)
        fill_seats(session, pair[0])  # a seat may have become free since it was refused
        if run(session, _pair(), request=request_id).one_or_none() is not None:
            return None
    return _carried_out(session, request_id, by=by)


@transactional
def reject(session: Session, request_id: int, *, by: int, reason: str = "") -> DecisionMade:
    """Turn the request down, with a reason for the student, and clear it from the queue."""
    pair, request = _lock_pair(session, request_id), take_request(session, request_id)
    if pair is None or request is None:
        _refuse_if_decided(session, request_id)
        raise RequestNotFound
    course, student = pair
    decision_id = decide(session, request, student, course, "rejected", by=by, reason=reason)
    rejected = RequestRejected(course.id, course.title, reason=reason)
    announce(session, rejected, request.student_id, key=f"decision-{decision_id}")
    fill_seats(session, course)
    return DecisionMade(request_id, request.student_id, course.id, "rejected", decision_id)


def decide_many(
    request_ids: Iterable[int], action: Action, *, by: int, reason: str = ""
) -> list[OneOfMany]:
    """Decide each request in a transaction of its own, so that one bad row stops no other."""
    verb = approve if action == "approve" else reject
    outcomes = []
    for request_id in dict.fromkeys(request_ids):
        try:
            made = verb(request_id, by=by, reason=reason)
            outcomes.append(OneOfMany(request_id, made.status, made.decision_id))
        except AlreadyReviewed as late:
            first = late.decided_by
            outcomes.append(OneOfMany(request_id, "already_reviewed", decided_by=first))
        except CourseFull:
            outcomes.append(OneOfMany(request_id, "course_full"))
        except PaymentInReview:
            outcomes.append(OneOfMany(request_id, "payment_in_review"))
        except NotFound:
            outcomes.append(OneOfMany(request_id, "not_found"))
    return outcomes


@cache
def _queueing() -> ReturningInsert[*tuple[Any, ...]]:
    return insert(AccessRequest).on_conflict_do_nothing().returning(*REQUEST_MADE)


@cache
def _cancelling() -> ReturningDelete[int]:
    return (
        delete(AccessRequest)
        .where(
            AccessRequest.id == REQUEST,
            AccessRequest.student_id == STUDENT,
            is_pending(),
        )
        .returning(AccessRequest.course_id)
    )


def _lock_pair(session: Session, request_id: int) -> tuple[Course, User] | None:
    """Lock the course's seats and the student of a request; None if it is gone."""
    pair = run(session, _pair(), request=request_id).one_or_none()
    if pair is None:
        return None
    return lock_course(session, pair.course_id, "seats"), lock_student(session, pair.student_id)


@cache
def _pair() -> Select[int, int]:
    found = select(AccessRequest.course_id, AccessRequest.student_id)
    return found.where(AccessRequest.id == REQUEST)


def _carried_out(session: Session, request_id: int, *, by: int) -> DecisionMade:
    """Return what has come of a request that the same admin had approved ahead; refuse others."""
    found = (
        select(Decision, Course)
        .outerjoin(Course, Course.id == Decision.course_id)
        .where(Decision.request_id == request_id, stands())
        .where(Decision.status == "approved", Decision.decided_by == by)
    )
    decision, course = session.execute(found).one_or_none() or (None, None)
    if decision is None or not _was_approved_ahead(session, decision):
        _refuse_if_decided(session, request_id)
        raise RequestNotFound
    return DecisionMade(
        *(request_id, decision.student_id, decision.course_id, "approved", decision.id),
        offer_of(session, decision.id),
        is_unpaid=course is not None and course.is_waived_by_approval,
    )


def _was_approved_ahead(session: Session, decision: Decision) -> bool:
    details = session.scalars(
        select(AuditEntry.details).where(
            AuditEntry.action == "request.approved_ahead",
            AuditEntry.student_id == decision.student_id,
            AuditEntry.course_id == decision.course_id,
            AuditEntry.actor_id == decision.decided_by,
        )
    )
    return any(each.get("request_id") == decision.request_id for each in details)


def _refuse_if_decided(session: Session, request_id: int, *, student_id: int | None = None) -> None:
    found = select(Decision).where(Decision.request_id == request_id, stands())
    if student_id is not None:
        found = found.where(Decision.student_id == student_id)
    if (decision := session.scalar(found)) is not None:
        raise AlreadyReviewed(
            decided_by=decision.decided_by_name,
            decided_at=decision.decided_at,
            decision=decision.status,
        )
