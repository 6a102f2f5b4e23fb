"""Everything the portal knows of one student and one course."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, union_all

from lms.db import db
from lms.models import (
    AccessRequest,
    AccessSource,
    AccessWaiver,
    AuditEntry,
    Chapter,
    ChapterCompletion,
    Course,
    Decision,
    DecisionReversal,
    Enrollment,
    Offer,
    Payment,
    User,
    holds_seat,
)
from lms.models.columns import constants
from lms.queries import past
from lms.queries.past import AsOf, PastSource
from lms.queries.read_model import columns, read, read_model
from lms.refusals import CourseNotFound, StudentNotFound

_LATEST = 100
_CHANGES = ("access.granted", "access.source_withdrawn", "access.ended")
[_EDITED] = constants("course.edited")


@read_model
class Source:
    """One reason for access, and where it came from."""

    kind: str
    reference: int
    granted_at: datetime
    granted_by: str | None


@read_model
class WaitingRequest:
    """A request in the queue."""

    id: int
    status: str
    message: str
    created_at: datetime
    awaits_seat: bool
    seat_since: datetime | None
    approved_at: datetime | None


@read_model
class HeldSeat:
    """An offer of a seat, open or over."""

    id: int
    status: str
    price_cents: int
    currency: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@read_model
class PastDecision:
    """A decision on an earlier request."""

    id: int
    status: str
    reason: str
    decided_at: datetime
    decided_by_name: str
    undone_at: datetime | None
    undone_by_name: str | None


@read_model
class Purchase:
    """A payment for the course."""

    id: int
    status: str
    attention: str
    dismissed_attention: str | None
    amount_cents: int
    refunded_cents: int
    currency: str
    created_at: datetime
    paid_at: datetime | None
    access_ended_at: datetime | None

    @property
    def is_reviewed(self) -> bool:
        """Whether an admin has said that what stands in its way is dealt with."""
        return self.dismissed_attention == self.attention


@read_model
class TrailEntry:
    """One thing that happened."""

    at: datetime
    action: str
    actor_name: str
    reason: str
    details: dict[str, Any]


@read_model
class Pair:
    """A student, a course, and everything that affects the student's access to it."""

    student_id: int
    student_name: str
    student_email: str
    is_active: bool
    is_proven: bool
    role: str
    course_id: int
    course_title: str
    status: str
    is_public: bool
    is_default_unlocked: bool
    price_cents: int
    requires_approval: bool
    capacity: int | None
    taken: int
    held: int
    progress: int | None
    enrolled_at: datetime | None
    completed_chapters: int
    total_chapters: int
    waived_at: datetime | None
    sources: list[Source]
    requests: list[WaitingRequest]
    offers: list[HeldSeat]
    decisions: list[PastDecision]
    payments: list[Purchase]
    timeline: list[TrailEntry]

    @property
    def has_access(self) -> bool:
        """Whether the student is enrolled."""
        return self.enrolled_at is not None


@read_model
class PastPair:
    """A student and a course, and the student's access to it at a moment of the past."""

    student_id: int
    student_name: str
    student_email: str
    is_active: bool
    course_id: int
    course_title: str
    enrolled_at: datetime | None
    sources: list[PastSource]
    timeline: list[TrailEntry]
    ended: TrailEntry | None
    """How access had ended, if it had."""
    following: TrailEntry | None
    """What changed next."""

    @property
    def has_access(self) -> bool:
        """Whether the student was enrolled."""
        return self.enrolled_at is not None


def past_pair(student_id: int, course_id: int, moment: AsOf) -> PastPair:
    """Return what the trail knows; raises StudentNotFound, CourseNotFound, or Invalid."""
    student, course = past.student(student_id, moment), past.course(course_id, moment)
    had = past.access(student_id, course_id, moment)
    until = moment.until
    before = (AuditEntry.at <= until.at, AuditEntry.id <= until.entry)
    of_both = (AuditEntry.student_id == student_id, AuditEntry.course_id == course_id)
    change = _entries(*of_both, AuditEntry.action.in_(_CHANGES))
    latest = read(TrailEntry, change.where(*before).order_by(AuditEntry.id.desc()).limit(1))
    following = read(TrailEntry, change.where(~and_(*before)).order_by(AuditEntry.id).limit(1))
    return PastPair(
        student_id=student_id,
        student_name=student.name,
        student_email=student.email,
        is_active=past.was_active(student_id, moment),
        course_id=course_id,
        course_title=course.name,
        enrolled_at=had.enrolled_at if had else None,
        sources=had.sources if had else [],
        timeline=read(TrailEntry, _trail(student_id, course_id, *before)),
        ended=latest[0] if latest and not had else None,
        following=following[0] if following else None,
    )


def pair(student_id: int, course_id: int) -> Pair:
    """Return what is known; raises StudentNotFound or CourseNotFound."""
    user = db.session.execute(
        select(User.name, User.email, User.is_active, User.is_proven, User.role).where(
            User.id == student_id
        )
    ).one_or_none()
    if user is None:
        raise StudentNotFound
    course = db.session.execute(_course(student_id, course_id)).one_or_none()
    if course is None:
        raise CourseNotFound
    return Pair(
        student_id=student_id,
        student_name=user.name,
        student_email=user.email,
        is_active=user.is_active,
        is_proven=user.is_proven,
        role=user.role,
        course_id=course_id,
        course_title=course.title,
        status=course.status,
        is_public=course.is_public,
        is_default_unlocked=course.is_default_unlocked,
        price_cents=course.price_cents,
        requires_approval=course.requires_approval,
        capacity=course.capacity,
        taken=course.taken,
        held=course.held,
        progress=course.progress,
        enrolled_at=course.enrolled_at,
        completed_chapters=course.completed,
        total_chapters=course.chapters,
        waived_at=course.waived_at,
        sources=read(Source, _sources(student_id, course_id)),
        requests=read(WaitingRequest, _of(AccessRequest, WaitingRequest, student_id, course_id)),
        offers=read(HeldSeat, _of(Offer, HeldSeat, student_id, course_id)),
        decisions=read(PastDecision, _decisions(student_id, course_id)),
        payments=read(Purchase, _payments(student_id, course_id)),
        timeline=read(TrailEntry, _trail(student_id, course_id)),
    )


def _course(student_id: int, course_id: int) -> Select[Any]:
    here = (Enrollment.user_id == student_id, Enrollment.course_id == course_id)
    first = select(Enrollment.id).where(*here).order_by(Enrollment.id).limit(1).scalar_subquery()
    taken = select(func.count()).where(Enrollment.course_id == course_id).scalar_subquery()
    held = select(func.count()).where(Offer.course_id == course_id, holds_seat()).scalar_subquery()
    chapters = select(func.count()).where(Chapter.course_id == course_id).scalar_subquery()
    completed = (
        select(func.count(ChapterCompletion.chapter_id.distinct()))
        .join(Chapter, Chapter.id == ChapterCompletion.chapter_id)
        .where(Chapter.course_id == course_id, ChapterCompletion.student_id == student_id)
        .scalar_subquery()
    )
    waived_at = (
        select(AccessWaiver.created_at)
        .where(AccessWaiver.user_id == student_id, AccessWaiver.course_id == course_id)
        .scalar_subquery()
    )
    enrollment = select(Enrollment).where(Enrollment.id == first).subquery()
    return (
        select(
            Course.title,
            Course.status,
            Course.is_public,
            Course.is_default_unlocked,
            Course.price_cents,
            Course.requires_approval,
            Course.capacity,
            enrollment.c.progress,
            enrollment.c.enrolled_at,
            taken.label("taken"),
            held.label("held"),
            chapters.label("chapters"),
            completed.label("completed"),
            waived_at.label("waived_at"),
        )
        .outerjoin(enrollment, enrollment.c.course_id == Course.id)
        .where(Course.id == course_id)
    )


def _sources(student_id: int, course_id: int) -> Select[Any]:
    granted: Any = (
        select(*columns(Source, AccessSource, granted_by=User.name))
        .outerjoin(User, User.id == AccessSource.granted_by)
        .where(AccessSource.user_id == student_id, AccessSource.course_id == course_id)
        .order_by(AccessSource.id)
    )
    return granted  # type: ignore[no-any-return]  # a Select


def _of(model: Any, shape: type, student_id: int, course_id: int) -> Select[Any]:
    return (
        select(*columns(shape, model))
        .where(model.student_id == student_id, model.course_id == course_id)
        .order_by(model.id)
    )


def _decisions(student_id: int, course_id: int) -> Select[Any]:
    made: Any = (
        select(
            *columns(
                PastDecision,
                Decision,
                undone_at=DecisionReversal.reversed_at,
                undone_by_name=DecisionReversal.reversed_by_name,
            )
        )
        .outerjoin(DecisionReversal, DecisionReversal.decision_id == Decision.id)
        .where(Decision.student_id == student_id, Decision.course_id == course_id)
        .order_by(Decision.id)
    )
    return made  # type: ignore[no-any-return]  # a Select


def _payments(student_id: int, course_id: int) -> Select[Any]:
    return (
        select(*columns(Purchase, Payment))
        .where(Payment.user_id == student_id, Payment.course_id == course_id)
        .order_by(Payment.id)
    )


def _trail(student_id: int, course_id: int, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Return what happened to the pair, and to the course as a whole."""
    found = (AuditEntry.course_id == course_id, *conditions)
    # One after the other: for an OR, all that happened in the course would be read.
    ids = union_all(
        select(_latest(AuditEntry.student_id == student_id, *found).subquery()),
        select(_latest(AuditEntry.action == _EDITED, *found).subquery()),
    )
    return _entries(AuditEntry.id.in_(ids)).order_by(AuditEntry.id.desc()).limit(_LATEST)


def _latest(*conditions: ColumnElement[bool]) -> Select[Any]:
    found: Any = select(AuditEntry.id).where(*conditions).order_by(AuditEntry.id.desc())
    return found.limit(_LATEST)  # type: ignore[no-any-return]  # a Select


def _entries(*conditions: ColumnElement[bool]) -> Select[Any]:
    found: Any = select(*columns(TrailEntry, AuditEntry)).where(*conditions)
    return found  # type: ignore[no-any-return]  # a Select
