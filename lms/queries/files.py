"""The files of a course, and who may read one."""

from functools import cache
from typing import Any

from sqlalchemy import Boolean, Integer, Select, bindparam, exists, select

from lms.models import Course, CourseFile, Enrollment
from lms.models.catalog import is_open_to_students
from lms.queries.read_model import COURSE, STUDENT, columns, read, read_model
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
