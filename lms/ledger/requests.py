"""Requests and the decisions on them: how one leaves the queue, once."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import Integer, bindparam, delete
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert

from lms.db import now
from lms.ledger.audit import ACTOR_NAME, record
from lms.live import touch
from lms.models import AccessRequest, Course, Decision, User, is_pending
from lms.statements import BY, run
from lms.upsert import insert


@dataclass(frozen=True)
class RequestMade:
    """A pending request."""

    id: int
    student_id: int
    course_id: int
    message: str
    requested_at: datetime


REQUEST_MADE = (
    *(AccessRequest.id, AccessRequest.student_id, AccessRequest.course_id),
    *(AccessRequest.message, AccessRequest.created_at),
)
REQUEST = bindparam("request", type_=Integer)


def take_request(session: Session, request_id: int) -> RequestMade | None:
    """Take a pending request from the queue; None for a second caller."""
    taken = run(session, _taking(), request=request_id).one_or_none()
    return RequestMade(*taken) if taken else None


@cache
def _taking() -> ReturningDelete[*tuple[Any, ...]]:
    taking = delete(AccessRequest).where(AccessRequest.id == REQUEST, is_pending())
    return taking.returning(*REQUEST_MADE)


def decide(
    session: Session,
    request: RequestMade,
    student: User,
    course: Course,
    status: Literal["approved", "rejected"],
    *,
    by: int | None,
    reason: str,
) -> int:
    """Keep the decision on a request that was taken from the queue, and return its id."""
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
