"""Courses as admins see them, and what deleting or closing one would take along."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from lms.db import db
from lms.models import (
    AccessRequest,
    AccessSource,
    Chapter,
    ChapterCompletion,
    Course,
    Enrollment,
    Payment,
)
from lms.models.catalog import CourseFields, course_columns
from lms.queries.paging import paged, pages, total
from lms.queries.read_model import read_model
from lms.queries.search import matches
from lms.refusals import ChapterNotFound, CourseNotFound


@read_model
class CourseRow(CourseFields):
    """A course with its counts of enrolled and waiting students."""

    id: int
    created_at: datetime
    chapter_count: int
    enrolled: int
    waiting: int

    @property
    def seats_left(self) -> int | None:
        """None where seats are unlimited."""
        return None if self.capacity is None else max(0, self.capacity - self.enrolled)


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
    payments: int


def courses(*, page: int = 1, q: str = "", status: str = "") -> CourseList:
    """Return the courses by title."""
    found = select(Course.id)
    if status:
        found = found.where(Course.status == status)
    if q:
        found = found.where(matches(q, Course.title, Course.description))
    ids = paged(found.order_by(Course.title, Course.id), page).subquery()
    rows = db.session.execute(
        _rows().join(ids, ids.c.id == Course.id).order_by(Course.title, Course.id)
    )
    count = total(found)
    return CourseList(
        courses=[CourseRow(**row._asdict()) for row in rows],
        total=count,
        page=page,
        pages=pages(count),
    )


def course(course_id: int) -> CourseRow:
    """Return one course, whatever its status."""
    row = db.session.execute(_rows().where(Course.id == course_id)).one_or_none()
    if row is None:
        raise CourseNotFound("This course doesn't exist. See the list of courses.")
    return CourseRow(**row._asdict())


def finished(course_id: int) -> int:
    """Return how many students have finished a course."""
    return (
        db.session.scalar(
            select(func.count()).where(
                Enrollment.course_id == course_id, Enrollment.progress == 100
            )
        )
        or 0
    )


def titles() -> list[tuple[int, str]]:
    """Return id and title of every course, by title."""
    rows = db.session.execute(select(Course.id, Course.title).order_by(Course.title, Course.id))
    return [(row.id, row.title) for row in rows]


def chapters(course_id: int) -> list[ChapterRow]:
    """Return the chapters of a course in their order."""
    rows = db.session.execute(
        _chapter_rows().where(Chapter.course_id == course_id).order_by(Chapter.position, Chapter.id)
    )
    return [ChapterRow(**row._asdict()) for row in rows]


def chapter(course_id: int, chapter_id: int) -> ChapterText:
    """Return one chapter of this course with its Markdown."""
    row = db.session.execute(
        select(Chapter.id, Chapter.course_id, Chapter.title, Chapter.body).where(
            Chapter.id == chapter_id, Chapter.course_id == course_id
        )
    ).one_or_none()
    if row is None:
        raise ChapterNotFound
    return ChapterText(**row._asdict())


def completions(chapter_id: int) -> int:
    """Return how many students have completed a chapter."""
    found = select(func.count()).where(ChapterCompletion.chapter_id == chapter_id)
    return db.session.scalar(found) or 0


def losses(course_id: int) -> Losses:
    """Return what deleting a course would take along."""
    of_course = select(Chapter.id).where(Chapter.course_id == course_id)
    row = db.session.execute(
        select(
            _count(Enrollment.course_id == course_id).label("enrollments"),
            _count(Chapter.course_id == course_id).label("chapters"),
            _count(ChapterCompletion.chapter_id.in_(of_course)).label("completions"),
            _count(AccessRequest.course_id == course_id, AccessRequest.status == "pending").label(
                "requests"
            ),
            _count(Payment.course_id == course_id).label("payments"),
        )
    ).one()
    return Losses(**row._asdict())


def only_by_default(course_id: int) -> int:
    """Return how many students have access only because this course is open to all."""
    losing = (
        select(AccessSource.user_id)
        .where(AccessSource.course_id == course_id)
        .group_by(AccessSource.user_id)
        .having(func.count() == 1, func.max(AccessSource.kind) == "default")
    )
    return db.session.scalar(select(func.count()).select_from(losing.subquery())) or 0


def _rows() -> Select[*tuple[Any, ...]]:
    return select(
        Course.id,
        Course.created_at,
        *course_columns(),
        _count(Chapter.course_id == Course.id).label("chapter_count"),
        _count(Enrollment.course_id == Course.id).label("enrolled"),
        _count(AccessRequest.course_id == Course.id, AccessRequest.status == "pending").label(
            "waiting"
        ),
    )


def _chapter_rows() -> Select[*tuple[Any, ...]]:
    return select(
        Chapter.id,
        Chapter.course_id,
        Chapter.title,
        Chapter.position,
        _count(ChapterCompletion.chapter_id == Chapter.id).label("completions"),
    )


def _count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return select(func.count()).where(*conditions).scalar_subquery()
