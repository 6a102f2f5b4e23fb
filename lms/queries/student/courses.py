"""The catalog, and one course to read or to consider."""

from datetime import datetime
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, get_args

from pydantic import Field
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    true,
)

from lms.db import now
from lms.ledger.paid_waiting import Unsettled, unsettled_status, why_unsettled
from lms.models import (
    AccessRequest,
    AccessSource,
    Chapter,
    ChapterCompletion,
    Course,
    CourseFile,
    Enrollment,
    Offer,
    can_be_bought,
    is_pending,
    place_in_line,
)
from lms.models.catalog import CourseFields, course_columns, is_open_to_students
from lms.queries.paging import SHAPES, paged, skipped, total
from lms.queries.read_model import COURSE, STUDENT, execute, read, read_model
from lms.queries.search import matches
from lms.queries.seats import seats_held
from lms.queries.student.learning import (
    CHAPTER_STATE,
    ChapterState,
    chapter_state,
    completed_by,
)
from lms.queries.sums import current
from lms.refusals import CourseNotFound
from lms.statements import MOMENT

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
    """With those that offers hold; counted only where seats are limited."""
    offer_id: Annotated[int | None, Field(exclude=True)]
    offer_expires_at: Annotated[datetime | None, Field(exclude=True)]
    offer_price_cents: Annotated[int | None, Field(exclude=True)]
    offer_currency: Annotated[str | None, Field(exclude=True)]
    seat_since: Annotated[datetime | None, Field(exclude=True)]
    """Since when there has been a seat for the pending request."""
    place_in_line: Annotated[int | None, Field(exclude=True)]
    """Which of those the pending request is that wait for a seat; None unless it does."""
    picture_id: Annotated[int | None, Field(exclude=True)]
    picture_name: Annotated[str | None, Field(exclude=True)]
    picture_width: Annotated[int | None, Field(exclude=True)]
    picture_height: Annotated[int | None, Field(exclude=True)]
    unsettled: Annotated[Unsettled | None, Field(exclude=True)]
    """How money stands that the student has paid for it without getting access."""

    @property
    def seats_left(self) -> int | None:
        """The number of free seats; None is unlimited."""
        return None if self.capacity is None else max(self.capacity - self.seats_taken, 0)

    @property
    def kept_payment(self) -> str:
        """Why the student should not pay for it again; blank if they can."""
        return why_unsettled(self.unsettled)

    @property
    def main_action(self) -> MainAction:
        """The one thing to do next; for a full course a request is the waiting list."""
        if self.is_enrolled:
            return "continue"
        if self.offer_id is not None:
            return "buy"
        if self.has_pending_request:
            return "cancel"
        if self.seats_left == 0 or self.requires_approval:
            return "request"
        if self.price_cents > 0:
            return "buy"
        return "enroll" if self.is_joined_freely else "request"


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
        return read(CourseCard, found, student_id=student_id, moment=now())
    return read(
        CourseCard, paged(found), student_id=student_id, moment=now(), skipped=skipped(page)
    )


def course_count(student_id: int, q: str = "", show: CatalogueFilter = "all") -> int:
    """Return how many courses the same search finds."""
    return total(_found(show, q), student_id=student_id, moment=now())


def course(student_id: int, course_id: int) -> CoursePage:
    """Return a visible course, or any in which the student is enrolled."""
    pair = {"student_id": student_id, "course_id": course_id}
    cards = read(CourseCard, _card(), moment=now(), **pair)
    if not cards:
        raise CourseNotFound
    return CoursePage(
        card=cards[0], chapters=[chapter_state(row) for row in execute(_chapters(), **pair)]
    )


def chapter_body(chapter_id: int) -> str:
    """Return the Markdown of a chapter; the caller has seen to it that it may be read."""
    return execute(_body(), chapter_id=chapter_id).scalar() or ""


@cache
def _body() -> Select[*tuple[Any, ...]]:
    return select(Chapter.body).where(Chapter.id == bindparam("chapter_id", type_=Integer))


def course_title(course_id: int) -> str:
    """Return the title of a course, empty if it is gone."""
    return execute(_title(), course_id=course_id).scalar() or ""


@cache
def _title() -> Select[*tuple[Any, ...]]:
    return select(Course.title).where(Course.id == COURSE)


def _cards() -> Select[*tuple[Any, ...]]:
    """Select the courses with the student's access to each, in one statement.

    Two statements could show neither 'enrolled' nor 'requested' in the middle of an approval.
    """
    taken = current("enrolled", course_id=Course.id) + seats_held()
    chapter_count = select(func.count()).where(Chapter.course_id == Course.id).scalar_subquery()
    approved = exists().where(
        AccessSource.user_id == STUDENT,
        AccessSource.course_id == Course.id,
        AccessSource.kind == "approval",
    )
    own = and_(Enrollment.course_id == Course.id, Enrollment.user_id == STUDENT)
    of_student = and_(AccessRequest.course_id == Course.id, AccessRequest.student_id == STUDENT)
    waiting = and_(of_student, is_pending())
    cover = and_(CourseFile.course_id == Course.id, CourseFile.is_cover == true())
    of_own = and_(Offer.course_id == Course.id, Offer.student_id == STUDENT, can_be_bought(MOMENT))
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
        Offer.id.label("offer_id"),
        Offer.expires_at.label("offer_expires_at"),
        Offer.price_cents.label("offer_price_cents"),
        Offer.currency.label("offer_currency"),
        AccessRequest.seat_since,
        case((AccessRequest.awaits_seat, place_in_line())).label("place_in_line"),
        CourseFile.id.label("picture_id"),
        CourseFile.name.label("picture_name"),
        CourseFile.width.label("picture_width"),
        CourseFile.height.label("picture_height"),
        unsettled_status(STUDENT, Course.id).label("unsettled"),
    ).select_from(
        Course.__table__.outerjoin(Enrollment, own)
        .outerjoin(AccessRequest, waiting)
        .outerjoin(Offer, of_own)
        .outerjoin(CourseFile, cover)
    )


@cache
def _card() -> Select[*tuple[Any, ...]]:
    is_shown = or_(is_open_to_students(), Enrollment.id.is_not(None))
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
    is_open = is_open_to_students()
    shown: dict[CatalogueFilter, list[ColumnElement[bool]]] = {
        "all": [is_open],
        "mine": [Enrollment.id.is_not(None)],
        "requested": [AccessRequest.id.is_not(None)],
        "new": [is_open, Enrollment.id.is_(None), AccessRequest.id.is_(None)],
        "free": [is_open, Course.price_cents == 0],
    }
    found = _cards().where(*shown[show]).order_by(Course.title, Course.id)
    return found.where(*(_says(word) for word in q.split()))


def _says(word: str) -> ColumnElement[bool]:
    """Return whether a course, or the title of one of its chapters, has the word."""
    in_chapter = exists().where(Chapter.course_id == Course.id, matches(word, Chapter.title))
    return or_(matches(word, Course.title, Course.description), in_chapter)
