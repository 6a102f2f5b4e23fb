"""What a student is enrolled in, and how far they got."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, and_, exists, func, select
from sqlalchemy import SQLColumnExpression as Expression
from sqlalchemy.orm import aliased

from lms.models import (
    Chapter,
    ChapterCompletion,
    Course,
    Enrollment,
    StudentProgress,
)
from lms.queries.figures import StudentFigures, figures, is_counted
from lms.queries.paging import paged, skipped
from lms.queries.read_model import STUDENT, columns, execute, read, read_model


@read_model
class EnrolledCourse:
    """A course of the student."""

    id: int
    title: str
    progress: int
    enrolled_at: datetime
    last_activity_at: datetime | None
    completed_at: datetime | None
    next_chapter_id: int | None
    """The first chapter that is not completed yet."""
    next_chapter_title: Annotated[str | None, Field(exclude=True)]


@read_model
class ChapterState:
    """A chapter, and whether the student has completed it."""

    id: int
    title: str
    position: int
    is_completed: bool
    completed_at: datetime | None


@read_model
class CourseProgress:
    """The student's progress in a course, chapter by chapter."""

    course_id: int
    title: str
    progress: int
    total_chapters: int
    completed_chapters: int
    completed_at: datetime | None
    chapters: list[ChapterState]


@read_model
class StudentStats(StudentFigures):
    """A student's figures; only chapters of the student's current courses count."""

    in_progress_courses: int
    """Enrolled and not completed, begun or not."""
    completed_chapters: int


def enrolled_courses(
    student_id: int, *, finished: bool | None = None, limit: int | None = None
) -> list[EnrolledCourse]:
    """Return the student's courses, latest activity first."""
    return read(EnrolledCourse, _enrolled(finished, limit), student_id=student_id)


def progress_details(student_id: int, page: int | None = None) -> list[CourseProgress]:
    """Return the student's courses with their chapters, by title."""
    values = {} if page is None else {"skipped": skipped(page)}
    rows = execute(_details(is_paged=page is not None), student_id=student_id, **values)
    by_course: dict[int, list[Row[*tuple[Any, ...]]]] = {}
    for row in rows:
        by_course.setdefault(row.course_id, []).append(row)
    return [_course_progress(course_rows) for course_rows in by_course.values()]


def stats(student_id: int) -> StudentStats:
    """Return the student's figures, all of one moment."""
    row = execute(_stats(), student_id=student_id).one()
    return StudentStats(
        **row._asdict(), in_progress_courses=row.enrolled_courses - row.completed_courses
    )


CHAPTER_STATE = (
    Chapter.id,
    Chapter.title,
    Chapter.position,
    ChapterCompletion.id.is_not(None).label("is_completed"),
    ChapterCompletion.completed_at,
)


def completed_by(student_id: Expression[int]) -> ColumnElement[bool]:
    """Return the condition that joins a chapter with the student's completion of it."""
    return and_(
        ChapterCompletion.chapter_id == Chapter.id, ChapterCompletion.student_id == student_id
    )


def chapter_state(row: Row[*tuple[Any, ...]]) -> ChapterState:
    """Return the chapter of a row that holds CHAPTER_STATE."""
    return ChapterState(
        id=row.id,
        title=row.title,
        position=row.position,
        is_completed=row.is_completed,
        completed_at=row.completed_at,
    )


@cache
def _enrolled(finished: bool | None, limit: int | None) -> Select[*tuple[Any, ...]]:
    next_chapter = aliased(Chapter)
    statement = (
        select(
            *columns(
                EnrolledCourse,
                Enrollment,
                id=Course.id,
                title=Course.title,
                last_activity_at=StudentProgress.last_activity_at,
                next_chapter_id=next_chapter.id,
                next_chapter_title=next_chapter.title,
            )
        )
        .join(Enrollment, Enrollment.course_id == Course.id)
        .outerjoin(
            StudentProgress,
            and_(
                StudentProgress.student_id == Enrollment.user_id,
                StudentProgress.course_id == Enrollment.course_id,
            ),
        )
        .outerjoin(next_chapter, next_chapter.id == _first_unread())
        .where(*_IS_OWN)
        .order_by(
            func.coalesce(StudentProgress.last_activity_at, Enrollment.enrolled_at).desc(),
            Enrollment.id.desc(),
        )
        .limit(limit)
    )
    if finished is None:
        return statement
    is_finished = Enrollment.progress == 100
    return statement.where(is_finished if finished else ~is_finished)


@cache
def _details(*, is_paged: bool) -> Select[*tuple[Any, ...]]:
    courses: Select[*tuple[Any, ...]] = (
        select(
            Course.id.label("course_id"),
            Course.title.label("course_title"),
            Enrollment.progress,
            Enrollment.completed_at.label("finished_at"),
        )
        .join(Enrollment, Enrollment.course_id == Course.id)
        .where(*_IS_OWN)
        .order_by(Course.title, Course.id)
    )
    enrolled = (paged(courses) if is_paged else courses).subquery()
    # One statement, so that a chapter and the progress it counts in are of the same moment.
    return (
        select(enrolled, *CHAPTER_STATE)
        .select_from(enrolled)
        .outerjoin(Chapter, Chapter.course_id == enrolled.c.course_id)
        .outerjoin(ChapterCompletion, completed_by(STUDENT))
        .order_by(enrolled.c.course_title, enrolled.c.course_id, Chapter.position, Chapter.id)
    )


@cache
def _stats() -> Select[*tuple[Any, ...]]:
    chapters = (
        select(func.count())
        .select_from(ChapterCompletion)
        .join(Chapter, Chapter.id == ChapterCompletion.chapter_id)
        .join(Enrollment, Enrollment.course_id == Chapter.course_id)
        .where(*_IS_OWN, ChapterCompletion.student_id == STUDENT)
        .scalar_subquery()
    )
    return select(*figures(STUDENT), chapters.label("completed_chapters"))


_IS_OWN = (Enrollment.user_id == STUDENT, is_counted())


def _first_unread() -> ScalarSelect[int]:
    chapter = aliased(Chapter)
    completed = exists().where(
        ChapterCompletion.chapter_id == chapter.id, ChapterCompletion.student_id == STUDENT
    )
    return (
        select(chapter.id)
        .where(chapter.course_id == Enrollment.course_id, ~completed)
        .order_by(chapter.position, chapter.id)
        .limit(1)
        .correlate(Enrollment)
        .scalar_subquery()
    )


def _course_progress(rows: list[Row[*tuple[Any, ...]]]) -> CourseProgress:
    first = rows[0]
    chapters = [chapter_state(row) for row in rows if row.id is not None]
    return CourseProgress(
        course_id=first.course_id,
        title=first.course_title,
        progress=first.progress,
        total_chapters=len(chapters),
        completed_chapters=sum(chapter.is_completed for chapter in chapters),
        completed_at=first.finished_at,
        chapters=chapters,
    )
