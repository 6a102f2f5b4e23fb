"""The catalog, and one course to read or to consider."""

from functools import cache, lru_cache
from typing import Annotated, Any, Literal, get_args

from pydantic import Field
from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import outerjoin

from lms.db import db
from lms.models import (
    VISIBLE_STATUSES,
    AccessRequest,
    AccessSource,
    Chapter,
    ChapterCompletion,
    Course,
    Enrollment,
    is_pending,
)
from lms.models.catalog import CourseFields, course_columns
from lms.models.columns import constants
from lms.queries.paging import SHAPES, paged, skipped, total
from lms.queries.read_model import COURSE, STUDENT, execute, read, read_model
from lms.queries.search import matches
from lms.queries.student.learning import (
    CHAPTER_STATE,
    ChapterState,
    chapter_state,
    completed_by,
)
from lms.queries.sums import current
from lms.refusals import CourseNotFound

CatalogueFilter = Literal["all", "mine", "requested", "new", "free"]
CATALOGUE_FILTERS: tuple[CatalogueFilter, ...] = get_args(CatalogueFilter)
MainAction = Literal["continue", "cancel", "enroll", "buy", "request"]


@read_model
class CourseCard(CourseFields):
    """A course of the catalog, with the student's access to it at one moment."""

    id: int
    chapter_count: int
    is_enrolled: bool
    has_pending_request: bool
    has_approved_request: bool
    """Whether access came by an approved request."""
    progress: int
    pending_request_id: Annotated[int | None, Field(exclude=True)]
    capacity: Annotated[int | None, Field(exclude=True)]
    seats_taken: Annotated[int, Field(exclude=True)]
    """Counted only where seats are limited."""

    @property
    def seats_left(self) -> int | None:
        """The number of free seats; None is unlimited."""
        return None if self.capacity is None else max(self.capacity - self.seats_taken, 0)

    @property
    def main_action(self) -> MainAction:
        """The one thing to do next; for a full course a request is the waiting list."""
        if self.is_enrolled:
            return "continue"
        if self.has_pending_request:
            return "cancel"
        if self.seats_left == 0:
            return "request"
        if self.price_cents > 0:
            return "buy"
        return "enroll" if self.is_public else "request"


@read_model
class CoursePage:
    """A course as its own page shows it: to read for the enrolled, to consider for others."""

    card: CourseCard
    chapters: list[ChapterState]

    @property
    def next_unread(self) -> ChapterState | None:
        """The first chapter that is not completed yet."""
        return next((chapter for chapter in self.chapters if not chapter.is_completed), None)


def courses(
    student_id: int, q: str = "", show: CatalogueFilter = "all", page: int | None = None
) -> list[CourseCard]:
    """Return every course open to students by title; "mine" also those since closed to others."""
    found = _found(show, q)
    if page is None:
        return read(CourseCard, found, student_id=student_id)
    return read(CourseCard, paged(found), student_id=student_id, skipped=skipped(page))


def course_count(student_id: int, q: str = "", show: CatalogueFilter = "all") -> int:
    """Return how many courses the same search finds."""
    return total(_found(show, q), student_id=student_id)


def course(student_id: int, course_id: int) -> CoursePage:
    """Return a visible course, or any in which the student is enrolled."""
    pair = {"student_id": student_id, "course_id": course_id}
    cards = read(CourseCard, _card(), **pair)
    if not cards:
        raise CourseNotFound
    return CoursePage(
        card=cards[0], chapters=[chapter_state(row) for row in execute(_chapters(), **pair)]
    )


def chapter_body(chapter_id: int) -> str:
    """Return the Markdown of a chapter; the caller has seen to it that it may be read."""
    return db.session.scalar(select(Chapter.body).where(Chapter.id == chapter_id)) or ""


def course_title(course_id: int) -> str:
    """Return the title of a course, empty if it is gone."""
    return db.session.scalar(select(Course.title).where(Course.id == course_id)) or ""


def _cards() -> Select[*tuple[Any, ...]]:
    """Select the courses with the student's access to each, in one statement.

    Two statements could show neither 'enrolled' nor 'requested' in the middle of an approval.
    """
    taken = current("enrolled", course_id=Course.id)
    chapter_count = select(func.count()).where(Chapter.course_id == Course.id).scalar_subquery()
    approved = exists().where(
        AccessSource.user_id == STUDENT,
        AccessSource.course_id == Course.id,
        AccessSource.kind == "approval",
    )
    own = and_(Enrollment.course_id == Course.id, Enrollment.user_id == STUDENT)
    of_student = and_(AccessRequest.course_id == Course.id, AccessRequest.student_id == STUDENT)
    waiting = and_(of_student, is_pending())
    return select(
        Course.id,
        *course_columns(),
        chapter_count.label("chapter_count"),
        Enrollment.id.is_not(None).label("is_enrolled"),
        AccessRequest.id.is_not(None).label("has_pending_request"),
        approved.label("has_approved_request"),
        func.coalesce(Enrollment.progress, 0).label("progress"),
        AccessRequest.id.label("pending_request_id"),
        case((Course.capacity.is_(None), 0), else_=taken).label("seats_taken"),
    ).select_from(outerjoin(outerjoin(Course, Enrollment, own), AccessRequest, waiting))


@cache
def _card() -> Select[*tuple[Any, ...]]:
    is_shown = or_(Course.status.in_(constants(*VISIBLE_STATUSES)), Enrollment.id.is_not(None))
    return _cards().where(Course.id == COURSE, is_shown)


@cache
def _chapters() -> Select[*tuple[Any, ...]]:
    return (
        select(*CHAPTER_STATE)
        .select_from(Chapter)
        .outerjoin(ChapterCompletion, completed_by(STUDENT))
        .where(Chapter.course_id == COURSE)
        .order_by(Chapter.position, Chapter.id)
    )


@lru_cache(SHAPES)
def _found(show: CatalogueFilter, q: str) -> Select[*tuple[Any, ...]]:
    is_open = Course.status.in_(constants(*VISIBLE_STATUSES))
    shown: dict[CatalogueFilter, list[ColumnElement[bool]]] = {
        "all": [is_open],
        "mine": [Enrollment.id.is_not(None)],
        "requested": [AccessRequest.id.is_not(None)],
        "new": [is_open, Enrollment.id.is_(None), AccessRequest.id.is_(None)],
        "free": [is_open, Course.price_cents == 0],
    }
    found = _cards().where(*shown[show]).order_by(Course.title, Course.id)
    return found.where(matches(q, Course.title, Course.description)) if q else found
