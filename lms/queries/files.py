"""The files of a course, and who may read one."""

import re
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    CompoundSelect,
    Integer,
    Select,
    String,
    bindparam,
    exists,
    func,
    select,
)

from lms.models import Chapter, Course, CourseFile, Enrollment, SchoolSettings
from lms.models.catalog import is_open_to_students
from lms.queries.read_model import COURSE, STUDENT, columns, execute, read, read_model
from lms.refusals import FileNotFound

_FILE = bindparam("file_id", type_=Integer)


@read_model
class FileOfCourse:
    """A file of a course, as lessons name it: `file:ID`."""

    id: int
    course_id: int
    name: str
    kind: str
    """picture, video, audio, captions or document."""
    media_type: str
    digest: str
    bytes: int
    width: int | None
    height: int | None
    alt: str
    captions_of: int | None
    language: str | None
    is_cover: bool


@read_model
class ChapterOf:
    """A chapter that shows a file."""

    id: int
    title: str


def of_course(course_id: int) -> tuple[FileOfCourse, ...]:
    """Return all files of a course, the newest first."""
    return tuple(read(FileOfCourse, _of_course(), course_id=course_id))


def readable(course_id: int, file_id: int, user_id: int, *, is_admin: bool) -> FileOfCourse:
    """Return a file for who may read the course's chapters: the enrolled, and admins.

    The picture of a course is there for all who see the course.

    Raises FileNotFound for everybody else, as for a file that is not there.
    """
    values = {"course_id": course_id, "file_id": file_id, "student_id": user_id}
    found = read(FileOfCourse, _readable(), is_admin=is_admin, **values)
    if not found:
        raise FileNotFound
    return found[0]


def named(digests: list[str]) -> set[str]:
    """Return which of some digests rows name."""
    return set(execute(_named(), digests=digests).scalars())


def used() -> int:
    """Return how many bytes all contents take; each counts once."""
    return int(execute(_used()).scalar_one())


def is_any_course() -> bool:
    """Return whether the school has a course."""
    return bool(execute(_any_course()).scalar_one())


def chapters_with_files(course_id: int) -> dict[int, list[ChapterOf]]:
    """Return by file the chapters of a course whose text names it, in reading order."""
    found: dict[int, list[ChapterOf]] = {}
    for row in execute(_naming(), course_id=course_id).all():
        for number in dict.fromkeys(re.findall(r"\bfile:(\d{1,10})\b", row.body)):
            found.setdefault(int(number), []).append(ChapterOf(id=row.id, title=row.title))
    return found


@cache
def _naming() -> Select[*tuple[Any, ...]]:
    chapters = select(Chapter.id, Chapter.title, Chapter.body).where(Chapter.course_id == COURSE)
    return chapters.where(Chapter.body.like("%file:%")).order_by(Chapter.position, Chapter.id)


@cache
def _named() -> CompoundSelect[Any]:
    digests = bindparam("digests", expanding=True, type_=String)
    of_courses = select(CourseFile.digest).where(CourseFile.digest.in_(digests))
    logo = select(SchoolSettings.logo_digest).where(SchoolSettings.logo_digest.in_(digests))
    return of_courses.union(logo)


@cache
def _used() -> Select[Any]:
    each = select(func.max(CourseFile.bytes).label("bytes")).group_by(CourseFile.digest).subquery()
    return select(func.coalesce(func.sum(each.c.bytes), 0))


@cache
def _any_course() -> Select[Any]:
    return select(exists().select_from(Course))


@cache
def _of_course() -> Select[Any]:
    files = select(*columns(FileOfCourse, CourseFile)).where(CourseFile.course_id == COURSE)
    return files.order_by(CourseFile.id.desc())


@cache
def _readable() -> Select[Any]:
    is_enrolled = exists().where(Enrollment.user_id == STUDENT, Enrollment.course_id == COURSE)
    is_seen = exists().where(Course.id == COURSE, is_open_to_students())
    may_read = bindparam("is_admin", type_=Boolean) | is_enrolled | (CourseFile.is_cover & is_seen)
    return select(*columns(FileOfCourse, CourseFile)).where(
        CourseFile.id == _FILE, CourseFile.course_id == COURSE, may_read
    )
