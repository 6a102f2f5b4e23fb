"""`access.let_in` for very many students at once: the rows stay in the database, in carriers."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache, reduce
from operator import add
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Index,
    Insert,
    Integer,
    Select,
    String,
    Text,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    select,
    tuple_,
    union,
)
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from lms.carrying import carrier, carry, empty
from lms.db import UtcDateTime
from lms.ledger.audit import recording
from lms.ledger.certificates import issue
from lms.ledger.rows import Pair
from lms.ledger.seats import Newcomer, remarkable
from lms.ledger.sources import enrolled_since
from lms.ledger.told import as_json, isoformat
from lms.models import (
    AccessSource,
    Course,
    Enrollment,
    StudentProgress,
    last_completion,
    later,
    share_completed,
)
from lms.statements import BY, MOMENT, run
from lms.upsert import insert

_PAIR = ("student_id", "course_id")
_SOURCES = carrier(
    "sources",
    Column("student_id", Integer),
    Column("course_id", Integer),
    Column("kind", String),
    Column("reference", Integer),
    Column("enrolled_at", UtcDateTime),
    Column("last_activity_at", UtcDateTime),
    Column("details", Text),  # more for the trail, as JSON: `, "progress": 50`
    Index("ix_carried_sources", "student_id", "course_id", "place"),
)
_NEW = carrier(
    "newcomers",
    Column("student_id", Integer),
    Column("course_id", Integer),
    Column("enrolled_at", UtcDateTime),
    Column("last_activity_at", UtcDateTime),
    Column("share", Integer),
    Column("completed_at", UtcDateTime),
)
Arrival = Sequence[Any]
"""Student, course, kind and reference of a source, and of an enrollment of earlier times when it
began, the last activity in it (as text in UTC) and details for the audit trail (as JSON).
"""
_COMPLETED = tuple_(Enrollment.user_id, Enrollment.course_id).in_(
    select(_NEW.c.student_id, _NEW.c.course_id).where(_NEW.c.share == 100)
)


def find_newcomers(
    session: Session, arrivals: Iterable[Arrival], *, moment: datetime
) -> dict[Pair, Newcomer]:
    """Carry sources, no two the same; return who of their students isn't enrolled and is special.

    That is who has a request, an offer or a checkout, or needs one of a limited number of seats.
    """
    carry(session, _SOURCES, arrivals)
    empty(session, _NEW)
    run(session, _finding(), moment=moment)
    return remarkable(session, _NEW)


def enroll_newcomers(session: Session) -> None:
    """Insert both mirrored rows of those found, with the progress of what they had completed."""
    run(session, _enrolling())
    run(session, _mirroring())
    if run(session, _completing()).scalar():
        issue(session, _COMPLETED)


def grant_carried(session: Session, *, by: int | None, reason: str, moment: datetime) -> list[int]:
    """Add the sources that are not there yet, write down all of it; return whose access changed."""
    run(session, _forgetting())
    run(session, _granting(), moment=moment, by=by)
    run(session, _recording(), done="access.granted", by=by, why=reason, moment=moment)
    return list(run(session, _students()).scalars())


def without_paying(session: Session, pairs: Iterable[Pair]) -> list[Pair]:
    """Return which of the pairs have been granted a source other than a payment."""
    granted = {(row[0], row[1]) for row in run(session, _for_nothing())}
    return [pair for pair in pairs if pair in granted]


def limited_courses(session: Session) -> set[int]:
    """Return the courses of newcomers that have only so many seats."""
    return set(run(session, _limited()).scalars())


@cache
def _finding() -> Insert:
    student, course = _SOURCES.c.student_id, _SOURCES.c.course_id
    earlier = _SOURCES.alias()
    is_second = exists().where(
        earlier.c.student_id == student,
        earlier.c.course_id == course,
        earlier.c.place < _SOURCES.c.place,
    )
    is_enrolled = exists().where(Enrollment.user_id == student, Enrollment.course_id == course)
    enrolled_at = enrolled_since(_SOURCES.c.enrolled_at, student, course)
    return insert(_NEW).from_select(
        ["place", *_PAIR, "enrolled_at", "last_activity_at", "share", "completed_at"],
        select(
            *(_SOURCES.c.place, student, course, enrolled_at, _SOURCES.c.last_activity_at),
            *(share_completed(student, course), last_completion(student, course)),
        ).where(~is_enrolled, ~is_second),
    )


@cache
def _enrolling() -> Insert:
    completed_at = func.coalesce(_NEW.c.completed_at, _NEW.c.enrolled_at)
    return insert(Enrollment).from_select(
        ["user_id", "course_id", "progress", "enrolled_at", "completed_at"],
        select(
            *(_NEW.c.student_id, _NEW.c.course_id, _NEW.c.share, _NEW.c.enrolled_at),
            case((_NEW.c.share == 100, completed_at)),
        ).order_by(_NEW.c.place),
    )


@cache
def _mirroring() -> Insert:
    has_mirror = exists().where(
        StudentProgress.student_id == _NEW.c.student_id,
        StudentProgress.course_id == _NEW.c.course_id,
    )
    return insert(StudentProgress).from_select(
        ["student_id", "course_id", "total_progress", "last_activity_at"],
        select(
            *(_NEW.c.student_id, _NEW.c.course_id, _NEW.c.share),
            later(_NEW.c.last_activity_at, _NEW.c.completed_at),
        )
        .where(~has_mirror)
        .order_by(_NEW.c.place),
    )


@cache
def _completing() -> Select[bool]:
    return select(exists().where(_NEW.c.share == 100))


@cache
def _forgetting() -> Delete:
    is_there = exists().where(
        AccessSource.user_id == _SOURCES.c.student_id,
        AccessSource.course_id == _SOURCES.c.course_id,
        AccessSource.kind == _SOURCES.c.kind,
        AccessSource.reference == _SOURCES.c.reference,
    )
    return delete(_SOURCES).where(is_there)


@cache
def _granting() -> Insert:
    given = [_SOURCES.c[name] for name in (*_PAIR, "kind", "reference")]
    return insert(AccessSource).from_select(
        ["user_id", "course_id", "kind", "reference", "granted_at", "granted_by"],
        select(*given, MOMENT, BY).order_by(_SOURCES.c.place),
    )


@cache
def _recording() -> Insert:
    """Write down all that it takes to rebuild this access, as `access.let_in` does."""
    enrolled, active = _NEW.c.enrolled_at, _NEW.c.last_activity_at
    parts: list[ColumnElement[str] | str] = [
        *('{"source": "', _SOURCES.c.kind, '", "reference": '),
        cast(_SOURCES.c.reference, String),
        case((_NEW.c.place.is_(None), ', "enrolled": false'), else_=', "enrolled": true'),
        _told("enrolled_at", enrolled, enrolled != MOMENT),
        _told("last_activity_at", active, active.is_not(None)),
        func.coalesce(_SOURCES.c.details, ""),
        "}",
    ]
    details = _joined(*parts)
    given = select(
        *(_SOURCES.c.place, _SOURCES.c.student_id, _SOURCES.c.course_id),
        as_json(details).label("details"),
    ).outerjoin_from(_SOURCES, _NEW, _NEW.c.place == _SOURCES.c.place)
    return recording(given.subquery())


def _joined(*parts: ColumnElement[str] | str) -> ColumnElement[str]:
    return reduce(add, (literal(part) if isinstance(part, str) else part for part in parts))


def _told(name: str, time: ColumnElement[Any], is_said: ColumnElement[bool]) -> ColumnElement[str]:
    said = literal(f', "{name}": "') + isoformat(time) + literal('"')
    return case((is_said, said), else_="")


@cache
def _students() -> Select[int]:
    both = union(select(_SOURCES.c.student_id), select(_NEW.c.student_id)).subquery()
    return select(both.c.student_id)


@cache
def _for_nothing() -> Select[int, int]:
    return select(_SOURCES.c.student_id, _SOURCES.c.course_id).where(_SOURCES.c.kind != "payment")


@cache
def _limited() -> Select[int]:
    return (
        select(_NEW.c.course_id)
        .distinct()
        .join(Course, Course.id == _NEW.c.course_id)
        .where(Course.capacity.is_not(None))
    )
