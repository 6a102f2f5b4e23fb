"""Files of courses that nobody can open, and a logo that nobody can see."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    bindparam,
    exists,
    func,
    select,
    tuple_,
)
from sqlalchemy.orm import aliased

from lms.files import store
from lms.models import CourseFile, SchoolSettings
from lms.refusals import StorageAway
from lms.rows import Rows, as_table
from lms.sync.conditions import course_exists
from lms.sync.finding import Column, find
from lms.sync.kind import Check, Kind, Phase, Step

_ANY = "*"
"""Stands for every content while the bucket is out of reach."""
_unchecked: ContextVar[list[StorageAway] | None] = ContextVar("unchecked_files", default=None)
_LOST = (
    "The content of this file is missing from the server, in whole or in part. Upload the same file"
    " again on the page of the course's files, or delete it there."
)


_LOST_LOGO = (
    "The school's logo is missing from the server, in whole or in part. Upload it again in the"
    " school settings, or remove it there."
)


def _orphaned() -> Select[Any]:
    """Find files of a course that is gone, and captions of a film that is gone."""
    film = aliased(CourseFile)
    same = (film.id == CourseFile.captions_of) & (film.course_id == CourseFile.course_id)
    has_film = CourseFile.captions_of.is_(None) | exists().where(same)
    is_sound = course_exists(CourseFile.course_id) & has_film
    return find(
        CourseFile,
        expected="references to existing rows",
        actual="a reference to a missing row",
    ).where(~is_sound)


def _lost() -> Select[Any]:
    """Find files whose content is not in the store, or has another size.

    What is there is looked up whenever the statement runs, by names and sizes alone.
    """
    is_there = _is_there(CourseFile.digest, CourseFile.bytes)
    return find(
        CourseFile,
        expected="the content in the file storage",
        actual="missing, in whole or in part",
        attention=_LOST,
    ).where(~is_there)


def _lost_logo() -> Select[Any]:
    """Find the school's logo where its content is not in the store, or has another size."""
    is_there = _is_there(SchoolSettings.logo_digest, SchoolSettings.logo_bytes)
    return find(
        SchoolSettings,
        expected="the logo in the file storage",
        actual="missing, in whole or in part",
        attention=_LOST_LOGO,
    ).where(SchoolSettings.logo_digest.is_not(None), ~is_there)


def _is_there(digest: Column, size: Column) -> ColumnElement[bool]:
    """Say so in two questions that don't depend on the row: the list is read once for each."""
    contents = bindparam("contents", type_=Rows(), callable_=_contents)
    there, any_ = (as_table(contents, digest=String(), bytes=BigInteger()) for _ in range(2))
    known = tuple_(func.coalesce(digest, ""), func.coalesce(size, 0))  # NULL would be no answer
    is_known = known.in_(select(there.c.digest, there.c.bytes))
    return is_known | exists().where(any_.c.digest == _ANY)


def _contents() -> list[tuple[str, int]]:
    try:
        return store.contents()
    except StorageAway:  # nothing is known to be missing; health says so
        if (unchecked := _unchecked.get()) is not None:
            unchecked.append(StorageAway())
        return [(_ANY, 0)]


@contextmanager
def noting_unchecked() -> Iterator[list[StorageAway]]:
    """Yield what fills whenever a validation inside can't check what is in files."""
    noted: list[StorageAway] = []
    token = _unchecked.set(noted)
    try:
        yield noted
    finally:
        _unchecked.reset(token)


def _delete(step: Step) -> None:
    step.delete_rows()


KINDS = (
    Kind(
        "orphaned_file",
        "Orphaned files",
        "The row is deleted. Undo can restore it once everything it refers to exists.",
        Phase.REFERENCES,
        (Check(CourseFile, _orphaned, _delete),),
    ),
    Kind(
        "lost_file",
        "Files without content",
        "Nothing: only uploading the same file again brings it back.",
        Phase.REFERENCES,
        (Check(CourseFile, _lost),),
    ),
    Kind(
        "lost_logo",
        "Logo without content",
        "Nothing: only uploading the logo again brings it back.",
        Phase.REFERENCES,
        (Check(SchoolSettings, _lost_logo),),
    ),
)
