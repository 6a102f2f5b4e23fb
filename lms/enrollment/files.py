"""The files of courses. Their contents are in the store before a row names them."""

from dataclasses import asdict
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.files import store
from lms.files.content import Content
from lms.files.names import cleaned_name
from lms.ledger.audit import record
from lms.ledger.locks import lock_course
from lms.live import touch
from lms.models import CourseFile
from lms.refusals import FileLost
from lms.statements import COURSE, run
from lms.transaction import transactional
from lms.upsert import insert


@transactional
def add_file(
    session: Session, course_id: int, content: Content, *, name: str, by: int | None
) -> int:
    """Add a file to a course and return its id; that of the same upload if it is there already.

    Raises FileLost if the content isn't in the store any more.
    """
    lock_course(session, course_id, "learning")
    if store.size(content.digest) != content.bytes:
        raise FileLost
    named = cleaned_name(name)
    values = {"course_id": course_id, "name": named, **asdict(content), "created_at": now()}
    added = run(session, _adding(tuple(values)), **values).scalar()
    if added is None:
        same = {"course": course_id, "digest": content.digest, "name": named}
        return int(run(session, _same(), **same).scalar_one())
    record(
        session,
        "file.added",
        by=by,
        course_id=course_id,
        file_id=added,
        name=named,
        kind=content.kind,
        bytes=content.bytes,
    )
    touch(session, "catalogue")
    return int(added)


@cache
def _adding(names: tuple[str, ...]) -> Any:
    columns = CourseFile.__table__.c
    values = {name: bindparam(name, type_=columns[name].type) for name in names}
    return insert(CourseFile).values(values).on_conflict_do_nothing().returning(CourseFile.id)


@cache
def _same() -> Select[int]:
    columns = CourseFile.__table__.c
    same = [
        columns[name] == bindparam(name, type_=columns[name].type) for name in ("digest", "name")
    ]
    return select(CourseFile.id).where(CourseFile.course_id == COURSE, *same)
