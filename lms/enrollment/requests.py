"""Access requests: a student makes one, an admin decides it, once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import Integer, Select, bindparam, delete, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert

from lms.db import now
from lms.ledger.access import is_enrolled, let_in
from lms.ledger.audit import ACTOR_NAME, record
from lms.ledger.limits import count
from lms.ledger.locks import (
    lock_course,
    lock_learner,
    lock_student,
    lock_user,
)
from lms.ledger.sources import Source
from lms.live import touch
from lms.messages.catalogue import RequestApproved, RequestRejected
from lms.messages.notices import announce
from lms.models import AccessRequest, Course, Decision, User, is_pending, stands
from lms.refusals import (
    AlreadyEnrolled,
    AlreadyReviewed,
    CourseFull,
    CourseNotFound,
    NotFound,
    RequestNotFound,
    RequestPending,
)
from lms.statements import BY, STUDENT, run
from lms.transaction import transactional
from lms.upsert import insert

Action = Literal["approve", "reject"]
Outcome = Literal["approved", "rejected", "already_reviewed", "not_found", "course_full"]


@dataclass(frozen=True)
class RequestMade:
    """A new pending request."""

    id: int
    student_id: int
    course_id: int
    message: str
    requested_at: datetime


_MADE = (
    *(AccessRequest.id, AccessRequest.student_id, AccessRequest.course_id),
    *(AccessRequest.message, AccessRequest.created_at),
)
_REQUEST = bindparam("request", type_=Integer)


@dataclass(frozen=True)
class DecisionMade:
    """What was decided on a request."""

    request_id: int
    student_id: int
    course_id: int
    status: Literal["approved", "rejected"]
    decision_id: int


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
    queued = run(
        *(session, _queueing()),
        student_id=student_id,
        course_id=course_id,
        status="pending",
        message=message,
        created_at=now(),
        is_news=True,
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
    touch(session, "requests", students=[by])


@transactional
def approve(session: Session, request_id: int, *, by: int, reason: str = "") -> DecisionMade:
    """Let the student in and clear the request from the queue.

    Two admins may press at once: the second gets AlreadyReviewed, naming the first.
    """
    course, student, request = _take_from_queue(session, request_id)
    decision_id = _decide(session, request, student, course, "approved", by=by, reason=reason)
    approval = Source(request.student_id, course.id, "approval", decision_id)
    let_in(session, [approval], by=by, reason=reason)
    approved = RequestApproved(course.id, course.title, reason=reason)
    announce(session, approved, request.student_id, key=f"decision-{decision_id}")
    return DecisionMade(request_id, request.student_id, course.id, "approved", decision_id)


@transactional
def reject(session: Session, request_id: int, *, by: int, reason: str = "") -> DecisionMade:
    """Turn the request down, with a reason for the student, and clear it from the queue."""
    course, student, request = _take_from_queue(session, request_id)
    decision_id = _decide(session, request, student, course, "rejected", by=by, reason=reason)
    rejected = RequestRejected(course.id, course.title, reason=reason)
    announce(session, rejected, request.student_id, key=f"decision-{decision_id}")
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
        except NotFound:
            outcomes.append(OneOfMany(request_id, "not_found"))
    return outcomes


@cache
def _queueing() -> ReturningInsert[*tuple[Any, ...]]:
    return insert(AccessRequest).on_conflict_do_nothing().returning(*_MADE)


@cache
def _cancelling() -> ReturningDelete[int]:
    return (
        delete(AccessRequest)
        .where(
            AccessRequest.id == _REQUEST,
            AccessRequest.student_id == STUDENT,
            is_pending(),
        )
        .returning(AccessRequest.course_id)
    )


def _take_from_queue(session: Session, request_id: int) -> tuple[Course, User, RequestMade]:
    """Lock the pair, then remove the request; a second caller finds it gone."""
    pair = run(session, _pair(), request=request_id).one_or_none()
    if pair is None:
        _refuse_if_decided(session, request_id)
        raise RequestNotFound
    course = lock_course(session, pair.course_id, "seats")
    student = lock_student(session, pair.student_id)
    taken = run(session, _taking(), request=request_id).one_or_none()
    if taken is None:
        _refuse_if_decided(session, request_id)
        raise RequestNotFound
    return course, student, RequestMade(*taken)


@cache
def _pair() -> Select[int, int]:
    found = select(AccessRequest.course_id, AccessRequest.student_id)
    return found.where(AccessRequest.id == _REQUEST)


@cache
def _taking() -> ReturningDelete[*tuple[Any, ...]]:
    return delete(AccessRequest).where(AccessRequest.id == _REQUEST, is_pending()).returning(*_MADE)


def _decide(
    session: Session,
    request: RequestMade,
    student: User,
    course: Course,
    status: Literal["approved", "rejected"],
    *,
    by: int,
    reason: str,
) -> int:
    decided = run(
        *(session, _deciding()),
        request_id=request.id,
        student_id=student.id,
        student_name=student.name,
        student_email=student.email,
        course_id=course.id,
        course_title=course.title,
        status=status,
        message=request.message,
        reason=reason,
        requested_at=request.requested_at,
        decided_at=now(),
        by=by,
    )
    decision_id: int = decided.scalar_one()
    record(
        session,
        f"request.{status}",
        by=by,
        student_id=student.id,
        course_id=course.id,
        reason=reason,
        request_id=request.id,
    )
    touch(session, "requests", students=[student.id])
    return decision_id


@cache
def _deciding() -> ReturningInsert[int]:
    decision = insert(Decision).values(decided_by=BY, decided_by_name=ACTOR_NAME)
    return decision.returning(Decision.id)


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
