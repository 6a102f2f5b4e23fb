"""What a search from the top bar finds: students, courses and chapters."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Select, select

from lms.models import Chapter, Course
from lms.queries.admin import students
from lms.queries.admin.students import StudentHit
from lms.queries.paging import SHAPES
from lms.queries.read_model import columns, read, read_model
from lms.queries.search import matches


@read_model
class CourseHit:
    """A course by its title or code."""

    id: int
    title: str
    code: str | None


@read_model
class ChapterHit:
    """A chapter by its title."""

    id: int
    title: str
    course_id: int
    course_title: str


@read_model
class Hits:
    """The first of each, in the order of their lists."""

    students: list[StudentHit]
    courses: list[CourseHit]
    chapters: list[ChapterHit]

    @property
    def number(self) -> int:
        """How many there are of all."""
        return len(self.students) + len(self.courses) + len(self.chapters)


def hits(q: str, *, limit: int) -> Hits:
    """Return what a search finds, so many of each at most; nothing where nothing is looked for."""
    if not q:
        return Hits(students=[], courses=[], chapters=[])
    return Hits(
        students=students.hits(q, limit=limit),
        courses=read(CourseHit, _courses(q, limit)),
        chapters=read(ChapterHit, _chapters(q, limit)),
    )


@lru_cache(SHAPES)
def _courses(q: str, limit: int) -> Select[Any]:
    found = select(*columns(CourseHit, Course)).where(matches(q, Course.title, Course.code))
    return found.order_by(Course.title, Course.id).limit(limit)


@lru_cache(SHAPES)
def _chapters(q: str, limit: int) -> Select[Any]:
    shown = columns(ChapterHit, Chapter, course_title=Course.title)
    found = select(*shown).join(Course, Course.id == Chapter.course_id)
    order = (Course.title, Course.id, Chapter.position, Chapter.id)
    return found.where(matches(q, Chapter.title)).order_by(*order).limit(limit)
