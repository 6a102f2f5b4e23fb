"""Who may learn what, why, and how far they got."""

from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import (
    Case,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    ScalarSelect,
    SQLColumnExpression,
    String,
    Text,
    UniqueConstraint,
    and_,
    case,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Mapped, aliased, mapped_column

from lms.db import Base, UtcDateTime
from lms.models.catalog import Chapter
from lms.models.columns import (
    AUTOINCREMENT,
    ChapterId,
    CourseId,
    CreatedAt,
    Email,
    Id,
    PersonName,
    Time,
    Title,
    UserId,
    between,
    constants,
    one_of,
    partial_index,
)

SourceKind = Literal["default", "direct", "approval", "admin", "payment", "import"]
UNDO_WITHIN = timedelta(minutes=15)
"""How long a decision can be undone; later, an admin enrolls or unenrolls, with a reason."""


class Enrollment(Base):
    """A student's access to a course: the source of truth.

    The database holds its mirror `student_progress` to it: each row references the other's
    (student, course, progress). The key below makes an enrollment without its mirror impossible;
    the cascading key of the mirror carries every change and deletion along.
    """

    __tablename__ = "enrollments"

    id: Mapped[Id]
    user_id: Mapped[UserId]
    course_id: Mapped[CourseId]
    progress: Mapped[int] = mapped_column(server_default="0")
    """Percent of the course's present chapters completed, rounded down."""
    enrolled_at: Mapped[CreatedAt]
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("user_id", "course_id"),
        UniqueConstraint("user_id", "course_id", "progress"),
        ForeignKeyConstraint(
            ["user_id", "course_id", "progress"],
            [
                "student_progress.student_id",
                "student_progress.course_id",
                "student_progress.total_progress",
            ],
            name="fk_enrollments_mirror",
            use_alter=True,
            deferrable=True,
            initially="DEFERRED",
        ),
        between("progress", 0, 100),
        Index("ix_enrollments_course_id", "course_id", "user_id", "progress"),
        Index("ix_enrollments_newest", "course_id", "enrolled_at", "id"),
        # Who has not begun, in order of time: of the school, and of a course.
        partial_index("ix_enrollments_not_begun", "enrolled_at", "id", where=progress == 0),
        partial_index(
            *("ix_enrollments_not_begun_by_course", "course_id", "enrolled_at", "id"),
            where=progress == 0,
        ),
        AUTOINCREMENT,
    )


def is_odd(
    progress: SQLColumnExpression[int], active_at: SQLColumnExpression[Any]
) -> ColumnElement[bool]:
    """Return whether an unfinished student is at 0 % in spite of activity, or not and without any.

    Reopening a chapter does the former, as does the first of very many; a restore the latter.
    """
    # One term, with no parameter, and of equality: so both engines expect few, and take the index.
    none, every, one = (literal_column(number, Integer) for number in ("0", "100", "1"))
    return case((and_(progress < every, active_at.is_not(None) == (progress == none)), one)) == one


class StudentProgress(Base):
    """The mirror of an enrollment, kept for older readers."""

    __tablename__ = "student_progress"

    id: Mapped[Id]
    student_id: Mapped[UserId]
    course_id: Mapped[CourseId]
    total_progress: Mapped[int] = mapped_column(server_default="0")
    last_activity_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("student_id", "course_id"),
        UniqueConstraint("student_id", "course_id", "total_progress"),
        ForeignKeyConstraint(
            ["student_id", "course_id", "total_progress"],
            ["enrollments.user_id", "enrollments.course_id", "enrollments.progress"],
            name="fk_student_progress_mirror",
            onupdate="CASCADE",
            ondelete="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
        between("total_progress", 0, 100),
        Index("ix_student_progress_course_id", "course_id", "total_progress", "last_activity_at"),
        # Who has not finished, in order of time: of the school, and of a course.
        partial_index(
            *("ix_student_progress_unfinished", "last_activity_at", "id"),
            where=total_progress < 100,
        ),
        partial_index(
            *("ix_student_progress_unfinished_by_course", "course_id", "last_activity_at", "id"),
            where=total_progress < 100,
        ),
        partial_index(
            *("ix_student_progress_odd", "student_id", "course_id"),
            where=is_odd(total_progress, last_activity_at),
        ),
        AUTOINCREMENT,
    )


class AccessSource(Base):
    """One reason why an enrollment exists; the enrollment ends with the last of them."""

    __tablename__ = "access_sources"

    id: Mapped[Id]
    user_id: Mapped[int]
    course_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    reference: Mapped[int] = mapped_column(server_default="0")
    """The decision of an approval, the payment of a purchase; 0 where there can be only one."""
    granted_at: Mapped[CreatedAt]
    granted_by: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("user_id", "course_id", "kind", "reference"),
        ForeignKeyConstraint(
            ["user_id", "course_id"],
            ["enrollments.user_id", "enrollments.course_id"],
            name="fk_access_sources_enrollment",
            ondelete="CASCADE",
        ),
        one_of("kind", *get_args(SourceKind)),
        Index("ix_access_sources_course_id", "course_id"),
        AUTOINCREMENT,
    )


class AccessWaiver(Base):
    """An admin ended this student's access to a course that is open to all."""

    __tablename__ = "access_waivers"

    user_id: Mapped[UserId] = mapped_column(primary_key=True)
    course_id: Mapped[CourseId] = mapped_column(primary_key=True, index=True)
    created_at: Mapped[CreatedAt]


class ChapterCompletion(Base):
    """A chapter that a student has completed; it outlives the enrollment, so learning is kept."""

    __tablename__ = "chapter_completions"

    id: Mapped[Id]
    student_id: Mapped[UserId]
    chapter_id: Mapped[ChapterId] = mapped_column(index=True)
    completed_at: Mapped[CreatedAt]

    __table_args__ = (
        UniqueConstraint("student_id", "chapter_id"),
        Index("ix_chapter_completions_completed_at", "completed_at"),
        AUTOINCREMENT,
    )


class AccessRequest(Base):
    """A pending request; a decided one leaves this table for `decisions`.

    The status has room for decided ones because restored dumps of older systems bring them in;
    sync finds and clears those.
    """

    __tablename__ = "access_requests"

    id: Mapped[Id]
    student_id: Mapped[UserId]
    course_id: Mapped[CourseId] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(String(16), server_default="pending")
    message: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[CreatedAt]
    is_news: Mapped[bool] = mapped_column(server_default=false())
    """Whether the next digest to the admins will name it; only what a student makes begins so."""
    awaits_seat: Mapped[bool] = mapped_column(server_default=false())
    """Whether it is on the course's waiting list; no longer once a seat has been its turn."""
    seat_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when there has been a free seat for it, of which the student was told."""
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When an admin approved it although the course was full: the next free seat decides it."""
    approved_by: Mapped[int | None]
    approval_reason: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        one_of("status", "pending", "approved", "rejected"),
        partial_index(
            *("uq_access_requests_pending", "student_id", "course_id"),
            where=status == "pending",
            unique=True,
        ),
        Index("ix_access_requests_status", "status", "created_at", "id"),
        Index("ix_access_requests_student_id", "student_id", "course_id"),
        partial_index("ix_access_requests_news", "id", where=is_news == true()),
        partial_index(
            *("ix_access_requests_waiting", "course_id", "created_at", "id"),
            where=awaits_seat == true(),
        ),
        AUTOINCREMENT,
    )


def is_pending(request: type[AccessRequest] = AccessRequest) -> ColumnElement[bool]:
    """Select the requests that wait for a decision."""
    [pending] = constants("pending")
    return request.status == pending


def place_in_line() -> ColumnElement[int]:
    """Return the SQL of which a request is of those that wait for a seat in its course."""
    ahead = aliased(AccessRequest)
    is_ahead = or_(
        ahead.created_at < AccessRequest.created_at,
        and_(ahead.created_at == AccessRequest.created_at, ahead.id <= AccessRequest.id),
    )
    counted = select(func.count()).where(
        ahead.course_id == AccessRequest.course_id, ahead.awaits_seat, is_pending(ahead), is_ahead
    )
    return counted.correlate_except(ahead).scalar_subquery()


EARLIER_SYSTEM = "An earlier system"
"""Who decided what came here decided."""


class Decision(Base):
    """What was decided on a request, by whom, when and why; kept for good, hence the names."""

    __tablename__ = "decisions"

    id: Mapped[Id]
    request_id: Mapped[int] = mapped_column(unique=True)
    """One decision per request: the first one wins."""
    student_id: Mapped[int]
    student_name: Mapped[PersonName] = mapped_column(server_default="")
    student_email: Mapped[Email] = mapped_column(server_default="")
    course_id: Mapped[int]
    course_title: Mapped[Title] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text, server_default="")
    reason: Mapped[str] = mapped_column(Text, server_default="")
    requested_at: Mapped[Time]
    decided_at: Mapped[CreatedAt]
    decided_by: Mapped[int | None]
    decided_by_name: Mapped[PersonName] = mapped_column(server_default="")

    __table_args__ = (
        one_of("status", "approved", "rejected"),
        Index("ix_decisions_student_id", "student_id", "course_id"),
        Index("ix_decisions_decided_at", "decided_at", "id"),
        Index("ix_decisions_course_id", "course_id", "decided_at"),
        AUTOINCREMENT,
    )


class DecisionReversal(Base):
    """A decision that an admin took back; the decision itself stays as it was made."""

    __tablename__ = "decision_reversals"

    id: Mapped[Id]
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), unique=True)
    """One reversal per decision: the first one wins."""
    request_id: Mapped[int | None] = mapped_column(unique=True)
    """The new id of the request; None if the student has other access or a newer request."""
    reversed_at: Mapped[CreatedAt]
    reversed_by: Mapped[int | None]
    reversed_by_name: Mapped[PersonName] = mapped_column(server_default="")

    __table_args__ = (AUTOINCREMENT,)


def decider(name: str) -> str:
    """Return who decided, as it is written within a sentence."""
    return EARLIER_SYSTEM.lower() if name == EARLIER_SYSTEM else name


def stands(decision: type[Decision] = Decision) -> ColumnElement[bool]:
    """Return the SQL for whether a decision is in force: it has not been undone."""
    return ~(
        exists()
        .where(DecisionReversal.decision_id == decision.id)
        .correlate_except(DecisionReversal)
    )


def has_started() -> ColumnElement[bool]:
    """Return the SQL for whether a student has begun a course, by its progress row."""
    # The first of very many chapters is less than one percent, rounded down to none.
    return or_(StudentProgress.total_progress > 0, StudentProgress.last_activity_at.is_not(None))


def share_completed(
    student_id: SQLColumnExpression[int] | int, course_id: SQLColumnExpression[int] | int
) -> ColumnElement[int]:
    """Return the SQL for the percentage of a course's present chapters that a student completed.

    Rounded down, so it is 100 only when all are; a course without chapters is at 0.
    """
    total = (
        select(func.count())
        .select_from(Chapter)
        .where(Chapter.course_id == course_id)
        .correlate_except(Chapter)
        .scalar_subquery()
    )
    done = (
        select(func.count())
        .select_from(ChapterCompletion)
        .join(Chapter, Chapter.id == ChapterCompletion.chapter_id)
        .where(Chapter.course_id == course_id, ChapterCompletion.student_id == student_id)
        .correlate_except(Chapter, ChapterCompletion)
        .scalar_subquery()
    )
    return func.coalesce(done * 100 // func.nullif(total, 0, type_=Integer), 0)


def last_completion(
    student_id: SQLColumnExpression[int] | int, course_id: SQLColumnExpression[int] | int
) -> ScalarSelect[datetime]:
    """Return the SQL for when a student last completed a chapter of a course."""
    return (
        select(func.max(ChapterCompletion.completed_at))
        .join(Chapter, Chapter.id == ChapterCompletion.chapter_id)
        .where(Chapter.course_id == course_id, ChapterCompletion.student_id == student_id)
        .correlate_except(Chapter, ChapterCompletion)
        .scalar_subquery()
    )


def later(
    told: SQLColumnExpression[datetime | None], found: SQLColumnExpression[datetime | None]
) -> Case[datetime | None]:
    """Return the SQL for the later of two moments, each of which may be unknown."""
    return case(
        (told.is_(None), found),  # first, since what is found may take a search
        (told >= found, told),
        else_=func.coalesce(found, told),
    )
