"""The queue of access requests, and what became of those that left it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from lms.db import db, now
from lms.models import (
    UNDO_WITHIN,
    AccessRequest,
    Course,
    Decision,
    DecisionReversal,
    Enrollment,
    User,
)
from lms.queries.paging import counted, paged
from lms.queries.read_model import columns, read, read_model
from lms.queries.search import matches


@read_model
class QueuedRequest:
    """A pending request."""

    id: int
    student_id: int
    student_name: str
    student_email: str
    course_id: int
    course_title: str
    message: str
    requested_at: datetime


@read_model
class RequestQueue:
    """One page of the queue."""

    requests: list[QueuedRequest]
    total: int
    page: int
    pages: int


@read_model
class DecidedRequest:
    """A request that was decided, with the names as they were then."""

    id: int
    student_id: int
    student_name: str
    student_email: str
    course_id: int
    course_title: str
    status: str
    message: str
    reason: str
    requested_at: datetime
    decided_at: datetime
    decided_by_name: str
    undone_at: datetime | None
    undone_by_name: str | None

    @property
    def can_be_undone(self) -> bool:
        """Whether it can still be undone, and has not been."""
        return self.undone_at is None and now() - self.decided_at <= UNDO_WITHIN


@read_model
class DecidedRequests:
    """One page of the decisions."""

    requests: list[DecidedRequest]
    total: int
    page: int
    pages: int


def queue(*, page: int = 1, q: str = "", course_id: int | None = None) -> RequestQueue:
    """Return the pending requests, longest waiting first."""
    waiting = _waiting(q, course_id)
    ids = paged(waiting.order_by(AccessRequest.created_at, AccessRequest.id), page).subquery()
    queued = (
        select(
            *columns(
                QueuedRequest,
                AccessRequest,
                student_name=User.name,
                student_email=User.email,
                course_title=Course.title,
                requested_at=AccessRequest.created_at,
            )
        )
        .join(ids, ids.c.id == AccessRequest.id)
        .join(User, User.id == AccessRequest.student_id)
        .join(Course, Course.id == AccessRequest.course_id)
        .order_by(AccessRequest.created_at, AccessRequest.id)
    )
    return RequestQueue(
        requests=read(QueuedRequest, queued),
        **counted(waiting, page),
    )


def requested_courses() -> list[tuple[int, str]]:
    """Return id and title of the courses with pending requests, by title."""
    wanted = select(AccessRequest.course_id).where(AccessRequest.status == "pending")
    rows = db.session.execute(
        select(Course.id, Course.title).where(Course.id.in_(wanted)).order_by(Course.title)
    )
    return [(row.id, row.title) for row in rows]


def full_courses(course_ids: Iterable[int]) -> set[int]:
    """Return which of the courses have no free seat, so that approving would be refused."""
    taken = select(func.count()).where(Enrollment.course_id == Course.id).scalar_subquery()
    return set(
        db.session.scalars(
            select(Course.id).where(
                Course.id.in_(set(course_ids)),
                Course.capacity.is_not(None),
                Course.capacity <= taken,
            )
        )
    )


def decided(*, page: int = 1, q: str = "") -> DecidedRequests:
    """Return the requests that were decided, the latest decision first."""
    found = select(Decision.id)
    if q:
        named = (Decision.student_name, Decision.student_email, Decision.course_title)
        found = found.where(matches(q, *named))
    ids = paged(found.order_by(Decision.decided_at.desc(), Decision.id.desc()), page).subquery()
    decisions = (
        select(
            *columns(
                DecidedRequest,
                Decision,
                undone_at=DecisionReversal.reversed_at,
                undone_by_name=DecisionReversal.reversed_by_name,
            )
        )
        .join(ids, ids.c.id == Decision.id)
        .outerjoin(DecisionReversal, DecisionReversal.decision_id == Decision.id)
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
    )
    return DecidedRequests(
        requests=read(DecidedRequest, decisions),
        **counted(found, page),
    )


def _waiting(q: str, course_id: int | None) -> Select[Any]:
    found = select(AccessRequest.id).where(AccessRequest.status == "pending")
    if course_id is not None:
        found = found.where(AccessRequest.course_id == course_id)
    if q:
        found = (
            found.join(User, User.id == AccessRequest.student_id)
            .join(Course, Course.id == AccessRequest.course_id)
            .where(matches(q, User.name, User.email, Course.title))
        )
    return found
