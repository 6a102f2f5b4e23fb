"""The picture of a course: one of its own, seen by whoever sees the course."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, Update, bindparam, select, true, update
from sqlalchemy.orm import Session

from lms.enrollment.files import file_added
from lms.enrollment.uploaded import Picture
from lms.ledger.audit import record
from lms.live import touch
from lms.models import CourseFile
from lms.refusals import Invalid
from lms.statements import COURSE, run

_FILE = bindparam("file", type_=Integer)


@dataclass(frozen=True)
class Cover:
    """One of the pictures that a course has already; None for no picture."""

    file_id: int | None
    shown: str | None = None
    """The number of the one that was shown where this was chosen, blank for none.

    None has seen nothing, and overwrites any.
    """


def cover_changed(
    session: Session, course_id: int, picture: Picture | Cover | None, *, by: int | None
) -> None:
    """Make a picture that of a course which the caller has locked; None leaves it as it is.

    Raises Invalid at `picture` or `cover`.
    """
    if isinstance(picture, Picture):
        cover_uploaded(session, course_id, picture, by=by)
    elif picture is not None:
        _refuse_unseen(session, course_id, picture)
        _choose(session, course_id, picture.file_id, by=by)


def cover_uploaded(session: Session, course_id: int, picture: Picture, *, by: int | None) -> None:
    """Add a picture to a course that the caller has locked, and make it that of the course.

    Raises Invalid at `picture`.
    """
    try:
        added = file_added(session, course_id, picture.content, name=picture.name, by=by)
    except Invalid as refusal:
        raise Invalid("picture", refusal.detail) from None
    _choose(session, course_id, added, by=by)


def _refuse_unseen(session: Session, course_id: int, picture: Cover) -> None:
    now = run(session, _chosen(), course=course_id).one_or_none()
    number = now.id if now else None
    if picture.shown not in {None, str(number or "")} and number != picture.file_id:
        told = (
            f"“{now.name}” has been chosen. Save again to replace it."
            if now
            else "the course's picture has been removed. Save again to use the one you chose."
        )
        raise Invalid("cover", f"Since you opened this page, {told}")


def _choose(session: Session, course_id: int, file_id: int | None, *, by: int | None) -> None:
    before = run(session, _chosen(), course=course_id).one_or_none()
    if (before.id if before else None) == file_id:
        return
    run(session, _parting(), course=course_id)
    named = run(session, _choosing(), course=course_id, file=file_id).scalar_one_or_none()
    if file_id is not None and named is None:
        raise Invalid("cover", "This picture isn't in the course anymore. Choose another one.")
    changes = {"picture": [before.name if before else None, named]}
    record(session, "course.edited", by=by, course_id=course_id, changes=changes)
    touch(session, "catalogue")


@cache
def _chosen() -> Select[int, str]:
    is_cover = CourseFile.course_id == COURSE, CourseFile.is_cover == true()
    return select(CourseFile.id, CourseFile.name).where(*is_cover)


@cache
def _parting() -> Update:
    is_cover = CourseFile.course_id == COURSE, CourseFile.is_cover == true()
    return update(CourseFile).where(*is_cover).values(is_cover=False)


@cache
def _choosing() -> Any:
    is_picture = CourseFile.id == _FILE, CourseFile.kind == "picture"
    chosen = update(CourseFile).where(CourseFile.course_id == COURSE, *is_picture)
    return chosen.values(is_cover=True).returning(CourseFile.name)
