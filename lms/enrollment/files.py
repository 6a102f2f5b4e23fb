"""The files of courses. Their contents are in the store before a row names them."""

from dataclasses import asdict
from functools import cache
from typing import Any

from sqlalchemy import Select, String, bindparam, func, select, update
from sqlalchemy.orm import Session

from lms import config
from lms.db import now
from lms.enrollment.seen import merged, of_file
from lms.enrollment.uploaded import uploaded
from lms.files.content import Content
from lms.files.names import cleaned_name, program_in
from lms.identity import checked_line
from lms.ledger.audit import record
from lms.ledger.locks import lock_course
from lms.live import touch
from lms.models import CourseFile
from lms.models.files import LONGEST_ALT, LONGEST_FILE_NAME, LONGEST_LANGUAGE
from lms.refusals import FileNotFound, Invalid, NoRoom
from lms.statements import COURSE, run
from lms.texts import UNSTORABLE, is_storable
from lms.transaction import transactional
from lms.upsert import insert

_GIGABYTE = 1_000_000_000


@uploaded
@transactional
def add_file(
    session: Session, course_id: int, content: Content, *, name: str, by: int | None
) -> int:
    """Add a file to a course and return its id; that of the same upload if it is there already.

    Raises FileLost if the content isn't in the store any more, and NoRoom at `file` if all files
    would take more than LMS_FILES_GIGABYTES.
    """
    lock_course(session, course_id, "learning")
    return file_added(session, course_id, content, name=name, by=by)


def file_added(
    session: Session, course_id: int, content: Content, *, name: str, by: int | None
) -> int:
    """Do so in the caller's transaction, which has locked the course."""
    touch(session, "catalogue")  # a validation may have missed the content before
    named = cleaned_name(name)
    if fault := program_in(named):
        raise Invalid("file", fault)
    values = {"course_id": course_id, "name": named, **asdict(content), "created_at": now()}
    added = run(session, _adding(tuple(values)), **values).scalar()
    if added is None:
        same = {"course": course_id, "digest": content.digest, "name": named}
        return int(run(session, _same(), **same).scalar_one())
    used = int(run(session, _used()).scalar_one())
    refuse_too_much(used - content.bytes, content.bytes)
    told = {"file_id": added, "name": named, "kind": content.kind, "bytes": content.bytes}
    record(session, "file.added", by=by, course_id=course_id, **told)
    return int(added)


@transactional
def edit_file(
    session: Session,
    course_id: int,
    file_id: int,
    *,
    name: str,
    alt: str = "",
    captions_of: int | None = None,
    language: str | None = None,
    seen: str | None = None,
    by: int | None,
) -> None:
    """Change what a file is called, what it shows in words, and whose captions it has.

    `seen`: see `seen.merged`.
    """
    file = _locked(session, course_id, file_id)
    values: dict[str, Any] = {"name": _checked_name(name), "alt": _checked_alt(alt)}
    if file.kind == "captions":
        values |= {
            "captions_of": _checked_film(session, course_id, captions_of),
            "language": _checked_language(language),
        }
    values = merged(of_file(file), values, seen)
    if values["name"] != file.name and (fault := program_in(values["name"])):
        raise Invalid("name", fault)
    changes = {
        name: [getattr(file, name), value]
        for name, value in values.items()
        if getattr(file, name) != value
    }
    if not changes:
        return
    same = {"course": course_id, "digest": file.digest, "name": values["name"]}
    if "name" in changes and run(session, _same(), **same).scalar() is not None:
        raise Invalid(
            "name",
            "This course already has the same file under this name. Enter a different name.",
        )
    session.execute(update(CourseFile).where(CourseFile.id == file_id).values(values))
    record(session, "file.changed", by=by, course_id=course_id, file_id=file_id, changes=changes)
    touch(session, "catalogue")


@transactional
def delete_file(session: Session, course_id: int, file_id: int, *, by: int | None) -> None:
    """Delete a file with its captions; what was in it goes once no course names it."""
    file = _locked(session, course_id, file_id)
    told: dict[str, Any] = {"name": file.name, "kind": file.kind, "bytes": file.bytes}
    session.delete(file)
    session.flush()
    record(session, "file.deleted", by=by, course_id=course_id, file_id=file_id, **told)
    touch(session, "catalogue")


def _locked(session: Session, course_id: int, file_id: int) -> CourseFile:
    lock_course(session, course_id, "learning")
    file = session.get(CourseFile, file_id, with_for_update=True, populate_existing=True)
    if file is None or file.course_id != course_id:
        raise FileNotFound
    return file


def refuse_too_much(used: int, added: int, *, unfinished: int = 0) -> None:
    """Raise NoRoom at `file` if what is used, or will be, has no room for so many bytes more."""
    most = config.setting("LMS_FILES_GIGABYTES")
    if used + unfinished + added <= most * _GIGABYTE:
        return
    facts = f"There's no room for this file: {used / _GIGABYTE:,.2f} of {most} GB are used"
    raised = "have whoever runs the portal raise LMS_FILES_GIGABYTES."
    if used + added > most * _GIGABYTE:
        raise NoRoom("file", f"{facts}. Delete files that no chapter needs, or {raised}")
    raise NoRoom(
        "file",
        f"{facts}, and unfinished uploads take {unfinished / _GIGABYTE:,.2f} GB. They are"
        f" deleted a day after their last part arrived. Finish or cancel yours, wait, or {raised}",
    )


def _checked_name(text: str) -> str:
    name = checked_line("name", text)
    if not name:
        raise Invalid("name", "Enter a name.")
    if len(name) > LONGEST_FILE_NAME:
        raise Invalid("name", f"Use at most {LONGEST_FILE_NAME} characters.")
    if cleaned_name(name) != name:
        raise Invalid(
            "name", 'Use a name without / \\ : * ? " < > | and without a dot at either end.'
        )
    return name


def _checked_alt(text: str) -> str:
    if not is_storable(text):
        raise Invalid("alt", UNSTORABLE)
    alt = " ".join(text.split())
    if len(alt) > LONGEST_ALT:
        raise Invalid("alt", f"Use at most {LONGEST_ALT:,} characters.")
    return alt


def _checked_film(session: Session, course_id: int, film_id: int | None) -> int | None:
    if film_id is None:
        return None
    film = session.get(CourseFile, film_id)
    if film is None or film.course_id != course_id or film.kind not in {"video", "audio"}:
        raise Invalid("captions_of", "Choose a video or an audio file of this course.")
    return film_id


def _checked_language(text: str | None) -> str | None:
    tag = (text or "").strip()
    parts = tag.split("-")
    is_tag = tag.isascii() and all(part.isalnum() and len(part) <= 8 for part in parts)
    if tag and not (is_tag and 2 <= len(parts[0]) <= 3 and len(tag) <= LONGEST_LANGUAGE):
        raise Invalid("language", "Enter the code of a language, such as en or pt-BR.")
    return tag or None


@cache
def _adding(names: tuple[str, ...]) -> Any:
    columns = CourseFile.__table__.c
    values = {name: bindparam(name, type_=columns[name].type) for name in names}
    return insert(CourseFile).values(values).on_conflict_do_nothing().returning(CourseFile.id)


@cache
def _same() -> Select[int]:
    named = (CourseFile.digest, "digest"), (CourseFile.name, "name")
    same = [column == bindparam(name, type_=String()) for column, name in named]
    return select(CourseFile.id).where(CourseFile.course_id == COURSE, *same)


@cache
def _used() -> Select[int]:
    """Return how much the contents take; each counts once, whoever names it."""
    each = select(func.max(CourseFile.bytes).label("bytes")).group_by(CourseFile.digest).subquery()
    return select(func.coalesce(func.sum(each.c.bytes), 0))
