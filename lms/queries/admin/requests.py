"""The queue of access requests, and what became of those that left it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache, lru_cache
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Select, bindparam, case, func, select

from lms.db import now
from lms.models import (
    UNDO_WITHIN,
    AccessRequest,
    Course,
    Decision,
    DecisionReversal,
    Offer,
    User,
    holds_seat,
    is_pending,
    place_in_line,
)
from lms.queries.paging import SHAPES, counted, paged, skipped, unpaged
from lms.queries.read_model import COURSE, columns, execute, read, read_model, stream
from lms.queries.search import matches
from lms.queries.sums import current, number_of


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
    place_in_line: Annotated[int | None, Field(exclude=True)]
    """Which of those that wait for a seat in the course; None unless it does."""
    seat_since: Annotated[datetime | None, Field(exclude=True)]
    """Since when there has been a seat for it."""
    approved_at: Annotated[datetime | None, Field(exclude=True)]
    """When it was approved for the next free seat."""
    price_cents: Annotated[int, Field(exclude=True)]
    currency: Annotated[str, Field(exclude=True)]
    requires_approval: Annotated[bool, Field(exclude=True)]
    """Whether approving makes an offer to buy, where the course has a price."""


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
    waiting, values = _asked(q, course_id)
    by_sum = None if q else number_of("waiting", is_of_course=bool(values))
    rows = read(QueuedRequest, _queued(paged(waiting)), skipped=skipped(page), **values)
    shown = len(rows) if q else None
    return RequestQueue(
        requests=rows, **counted(waiting, page, by_sum=by_sum, shown=shown, **values)
    )


def every_queued(*, q: str = "", course_id: int | None = None) -> Iterator[QueuedRequest]:
    """Yield all pending requests that are looked for, longest waiting first."""
    waiting, values = _asked(q, course_id)
    return stream(QueuedRequest, _queued(unpaged(waiting)), **values)


def requested_courses() -> list[tuple[int, str]]:
    """Return id and title of the courses with pending requests, by title."""
    return [(row.id, row.title) for row in execute(_requested_courses())]


def full_courses(course_ids: Iterable[int]) -> set[int]:
    """Return which of the courses have no free seat, so that approving would be refused."""
    return set(execute(_full_courses(), course_ids=sorted(set(course_ids))).scalars())


def decided(*, page: int = 1, q: str = "") -> DecidedRequests:
    """Return the requests that were decided, the latest decision first."""
    found = _decisions(q)
    rows = read(DecidedRequest, _decided(paged(found)), skipped=skipped(page))
    by_sum = None if q else number_of("decided")
    return DecidedRequests(
        requests=rows, **counted(found, page, by_sum=by_sum, shown=len(rows) if q else None)
    )


def every_decided(*, q: str = "") -> Iterator[DecidedRequest]:
    """Yield all decisions that are looked for, the latest first."""
    return stream(DecidedRequest, _decided(unpaged(_decisions(q))))


def _asked(q: str, course_id: int | None) -> tuple[Select[Any], dict[str, int]]:
    values = {} if course_id is None else {"course_id": course_id}
    return _waiting(q, is_of_course=bool(values)), values


@lru_cache(SHAPES)
def _waiting(q: str, *, is_of_course: bool) -> Select[Any]:
    found = (
        select(AccessRequest.id)
        .where(is_pending())
        .order_by(AccessRequest.created_at, AccessRequest.id)
    )
    if q:
        found = (
            found.join(User, User.id == AccessRequest.student_id)
            .join(Course, Course.id == AccessRequest.course_id)
            .where(matches(q, User, Course.title))
        )
    return found.where(AccessRequest.course_id == COURSE) if is_of_course else found


@lru_cache(SHAPES)
def _queued(waiting: Select[Any]) -> Select[Any]:
    ids = waiting.subquery()
    return (
        select(
            *columns(
                QueuedRequest,
                AccessRequest,
                student_name=User.name,
                student_email=User.email,
                course_title=Course.title,
                price_cents=Course.price_cents,
                currency=Course.currency,
                requires_approval=Course.requires_approval,
                requested_at=AccessRequest.created_at,
                place_in_line=case((AccessRequest.awaits_seat, place_in_line())),
            )
        )
        .join(ids, ids.c.id == AccessRequest.id)
        .join(User, User.id == AccessRequest.student_id)
        .join(Course, Course.id == AccessRequest.course_id)
        .order_by(AccessRequest.created_at, AccessRequest.id)
    )


@cache
def _requested_courses() -> Select[*tuple[Any, ...]]:
    is_wanted = current("waiting", course_id=Course.id) > 0
    return select(Course.id, Course.title).where(is_wanted).order_by(Course.title)


@cache
def _full_courses() -> Select[Any]:
    held = select(func.count()).where(Offer.course_id == Course.id, holds_seat())
    taken = current("enrolled", course_id=Course.id) + held.scalar_subquery()
    return select(Course.id).where(
        Course.id.in_(bindparam("course_ids", expanding=True)),
        Course.capacity.is_not(None),
        Course.capacity <= taken,
    )


@lru_cache(SHAPES)
def _decisions(q: str) -> Select[Any]:
    found = select(Decision.id).order_by(Decision.decided_at.desc(), Decision.id.desc())
    named = (Decision.student_name, Decision.student_email, Decision.course_title)
    return found.where(matches(q, *named)) if q else found


@lru_cache(SHAPES)
def _decided(found: Select[Any]) -> Select[Any]:
    ids = found.subquery()
    return (
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
