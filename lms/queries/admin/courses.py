"""Courses as admins see them, and what deleting or closing one would take along."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select

from lms.db import db
from lms.models import (
    AccessRequest,
    AccessSource,
    Certificate,
    Chapter,
    ChapterCompletion,
    Course,
    CourseFile,
    Enrollment,
    Offer,
    Payment,
    holds_seat,
    is_pending,
)
from lms.models.catalog import CourseFields, course_columns
from lms.models.payment_status import GIVING_ACCESS
from lms.money import is_sold
from lms.queries.paging import SHAPES, counted, paged, skipped, unpaged
from lms.queries.read_model import COURSE, columns, execute, read, read_model, stream
from lms.queries.search import matches
from lms.queries.seats import seats_held
from lms.queries.sums import current, number_of
from lms.refusals import ChapterNotFound, CourseNotFound


@read_model
class CourseRow(CourseFields):
    """A course with its counts of enrolled and waiting students."""

    id: int
    created_at: datetime
    chapter_count: int
    enrolled: int
    held: int
    """Seats that offers hold."""
    waiting: int

    @property
    def is_sold(self) -> bool:
        """Whether Stripe takes its price, as far as is known; a price may be an old school's."""
        return not self.price_cents or is_sold(self.price_cents, self.currency)

    @property
    def seats_left(self) -> int | None:
        """None where seats are unlimited."""
        return None if self.capacity is None else max(0, self.capacity - self.enrolled - self.held)


@read_model
class CourseList:
    """One page of the courses."""

    courses: list[CourseRow]
    total: int
    page: int
    pages: int


@read_model
class ChapterRow:
    """A chapter, with how many have completed it."""

    id: int
    course_id: int
    title: str
    position: int
    completions: int


@read_model
class ChapterText:
    """A chapter to edit."""

    id: int
    course_id: int
    title: str
    body: str


@read_model
class Losses:
    """What deleting a course would remove, and the payments that would stay."""

    enrollments: int
    chapters: int
    completions: int
    requests: int
    offers: int
    files: int
    payments: int
    giving_access: int
    """How many of the payments, whose money is then to be reviewed."""
    certificates: int
    """How many stay, and stay valid."""


def courses(*, page: int = 1, q: str = "", status: str = "") -> CourseList:
    """Return the courses by title."""
    found = _found(status, q)
    return CourseList(
        courses=read(CourseRow, _listed(paged(found)), skipped=skipped(page)),
        **counted(found, page),
    )


def every_course(*, q: str = "", status: str = "") -> Iterator[CourseRow]:
    """Yield all courses that are looked for, by title."""
    return stream(CourseRow, _listed(unpaged(_found(status, q))))


def course(course_id: int) -> CourseRow:
    """Return one course, whatever its status."""
    found = read(CourseRow, _course(), course_id=course_id)
    if not found:
        raise CourseNotFound("This course doesn't exist. See the list of courses.")
    return found[0]


def finished(course_id: int) -> int:
    """Return how many students have finished a course."""
    return execute(number_of("completed", is_of_course=True), course_id=course_id).scalar() or 0


def titles() -> list[tuple[int, str]]:
    """Return id and title of every course, by title."""
    return [(row.id, row.title) for row in execute(_titles()).all()]


def currency_of(course_id: int) -> str | None:
    """Return the currency of a course's price; None if there is no such course."""
    return db.session.scalar(select(Course.currency).where(Course.id == course_id))


def chapters(course_id: int) -> list[ChapterRow]:
    """Return the chapters of a course in their order."""
    rows = select(
        *columns(
            ChapterRow, Chapter, completions=_count(ChapterCompletion.chapter_id == Chapter.id)
        )
    )
    return read(
        ChapterRow,
        rows.where(Chapter.course_id == course_id).order_by(Chapter.position, Chapter.id),
    )


def chapter(course_id: int, chapter_id: int) -> ChapterText:
    """Return one chapter of this course with its Markdown."""
    found = select(*columns(ChapterText, Chapter)).where(
        Chapter.id == chapter_id, Chapter.course_id == course_id
    )
    for text in read(ChapterText, found):
        return text
    raise ChapterNotFound


def completions(chapter_id: int) -> int:
    """Return how many students have completed a chapter."""
    return db.session.scalar(select(_count(ChapterCompletion.chapter_id == chapter_id))) or 0


def certified_without(course_id: int, chapter_id: int) -> int:
    """Return how many students would get a certificate if the course lost a chapter."""
    others = and_(Chapter.course_id == course_id, Chapter.id != chapter_id)
    done = exists().where(
        ChapterCompletion.chapter_id == Chapter.id,
        ChapterCompletion.student_id == Enrollment.user_id,
    )
    finishing = _count(
        Enrollment.course_id == course_id,
        Enrollment.progress < 100,
        ~exists().where(
            Certificate.user_id == Enrollment.user_id, Certificate.course_id == course_id
        ),
        exists().where(others),
        ~exists().where(others, ~done.correlate(Chapter, Enrollment)).correlate(Enrollment),
    )
    return db.session.scalar(select(finishing)) or 0


def losses(course_id: int) -> Losses:
    """Return what deleting a course would take along."""
    of_course = select(Chapter.id).where(Chapter.course_id == course_id)
    (found,) = read(
        Losses,
        select(
            _count(Enrollment.course_id == course_id).label("enrollments"),
            _count(Chapter.course_id == course_id).label("chapters"),
            _count(ChapterCompletion.chapter_id.in_(of_course)).label("completions"),
            _count(AccessRequest.course_id == course_id, is_pending()).label("requests"),
            _count(Offer.course_id == course_id, holds_seat()).label("offers"),
            _count(CourseFile.course_id == course_id).label("files"),
            _count(Payment.course_id == course_id).label("payments"),
            _count(
                Payment.course_id == course_id,
                Payment.status.in_(GIVING_ACCESS),
            ).label("giving_access"),
            _count(Certificate.course_id == course_id).label("certificates"),
        ),
    )
    return found


def only_by_default(course_id: int) -> int:
    """Return how many students have access only because this course is open to all."""
    losing = (
        select(AccessSource.user_id)
        .where(AccessSource.course_id == course_id)
        .group_by(AccessSource.user_id)
        .having(func.count() == 1, func.max(AccessSource.kind) == "default")
    )
    return db.session.scalar(select(func.count()).select_from(losing.subquery())) or 0


@lru_cache(SHAPES)
def _found(status: str, q: str) -> Select[Any]:
    found = select(Course.id).order_by(Course.title, Course.id)
    if status:
        found = found.where(Course.status == status)
    return found.where(matches(q, Course.title, Course.code, Course.description)) if q else found


@lru_cache(SHAPES)
def _listed(found: Select[Any]) -> Select[*tuple[Any, ...]]:
    ids = found.subquery()
    return _rows().join(ids, ids.c.id == Course.id).order_by(Course.title, Course.id)


@cache
def _course() -> Select[*tuple[Any, ...]]:
    return _rows().where(Course.id == COURSE)


@cache
def _titles() -> Select[*tuple[Any, ...]]:
    return select(Course.id, Course.title).order_by(Course.title, Course.id)


def _rows() -> Select[*tuple[Any, ...]]:
    return select(
        Course.id,
        Course.created_at,
        *course_columns(),
        _count(Chapter.course_id == Course.id).label("chapter_count"),
        current("enrolled", course_id=Course.id).label("enrolled"),
        seats_held().label("held"),
        current("waiting", course_id=Course.id).label("waiting"),
    )


def _count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count()).where(*conditions).scalar_subquery()
