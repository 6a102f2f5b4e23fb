"""The sources of access: why a student is enrolled."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    bindparam,
    delete,
    exists,
    func,
    select,
    tuple_,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert
from sqlalchemy.types import TypeEngine

from lms.db import UtcDateTime
from lms.ledger.rows import PAIR, PAIRS, Pair, Rows, as_table, of_pairs
from lms.models import AccessSource, SourceKind, StudentProgress
from lms.statements import MOMENT, run
from lms.upsert import insert


class Source(NamedTuple):
    """A reason for a student's access to a course."""

    student_id: int
    course_id: int
    kind: SourceKind
    reference: int = 0
    """The decision of an approval, the payment of a purchase."""

    @property
    def pair(self) -> Pair:
        """The student and the course."""
        return self.student_id, self.course_id


_COLUMNS: dict[str, TypeEngine[Any]] = {**PAIR, "kind": String(), "reference": Integer()}
_GRANTED = ("granted_at", "granted_by")
_SOURCES = bindparam("sources", type_=Rows())
_SOURCE = (AccessSource.user_id, AccessSource.course_id, AccessSource.kind, AccessSource.reference)


class Grant(NamedTuple):
    """When a source of access was granted, and by whom."""

    at: datetime
    by: int | None


def grant_sources(
    session: Session, sources: list[Source], *, now_by: Grant, earlier: Mapping[Source, Grant]
) -> list[Source]:
    """Add the sources that are not there yet, and return these; some were granted `earlier`."""
    if not sources:
        return []
    rows = [(*source, *earlier.get(source, now_by)) for source in sources]
    granted = run(session, _granting(), sources=rows)
    new = {Source(*row) for row in granted}
    return [source for source in sources if source in new]


def enrolled_since(known: Any, student: Any, course: Any) -> ColumnElement[datetime]:
    """Return the SQL of when a new enrollment began: as is known, or else now.

    A lost enrollment may have left something behind that shows since when it was there.
    """
    return func.coalesce(
        known,
        select(func.min(AccessSource.granted_at))
        .where(AccessSource.user_id == student, AccessSource.course_id == course)
        .scalar_subquery(),
        select(func.min(StudentProgress.last_activity_at))
        .where(StudentProgress.student_id == student, StudentProgress.course_id == course)
        .scalar_subquery(),
        MOMENT,
    )


@cache
def _granting() -> ReturningInsert[*tuple[Any, ...]]:
    wanted = as_table(_SOURCES, **_COLUMNS, granted_at=UtcDateTime(), granted_by=Integer())
    is_there = exists().where(
        *(column == wanted.c[name] for column, name in zip(_SOURCE, Source._fields, strict=True))
    )
    return (
        insert(AccessSource)
        .from_select(
            ["user_id", "course_id", "kind", "reference", "granted_at", "granted_by"],
            select(*(wanted.c[name] for name in (*Source._fields, *_GRANTED)))
            .where(~is_there)
            .order_by(wanted.c.place),
        )
        .on_conflict_do_nothing()
        .returning(*_SOURCE)
    )


def take_sources(session: Session, sources: Collection[Source]) -> list[Source]:
    """Delete these sources, and return those that were there."""
    if not sources:
        return []
    return _in_order(run(session, _taking(), sources=sources))


@cache
def _taking() -> ReturningDelete[*tuple[Any, ...]]:
    named = as_table(_SOURCES, **_COLUMNS)
    return _deleting(tuple_(*_SOURCE).in_(select(*(named.c[name] for name in Source._fields))))


def take_all_sources(session: Session, pairs: Collection[Pair]) -> list[Source]:
    """Delete all sources of these students in these courses, and return them."""
    if not pairs:
        return []
    return _in_order(run(session, _taking_all(), pairs=pairs))


@cache
def _taking_all() -> ReturningDelete[*tuple[Any, ...]]:
    return _deleting(of_pairs(AccessSource, PAIRS))


def sources_of(session: Session, pairs: Collection[Pair]) -> list[Source]:
    """Return the sources of these students in these courses, the oldest first."""
    if not pairs:
        return []
    return _in_order(run(session, _there(), pairs=pairs))


@cache
def _there() -> Select[*tuple[Any, ...]]:
    return select(AccessSource.id, *_SOURCE).where(of_pairs(AccessSource, PAIRS))


def kinds_by_pair(sources: Iterable[Source]) -> dict[Pair, list[str]]:
    """Return which kinds of sources each student has in each course."""
    kinds: dict[Pair, list[str]] = defaultdict(list)
    for source in sources:
        kinds[source.pair].append(source.kind)
    return dict(kinds)


def _deleting(chosen: ColumnElement[bool]) -> ReturningDelete[*tuple[Any, ...]]:
    return delete(AccessSource).where(chosen).returning(AccessSource.id, *_SOURCE)


def _in_order(rows: Iterable[Any]) -> list[Source]:
    """Return rows, each with its id before it, as sources: RETURNING keeps no order."""
    return [Source(*row[1:]) for row in sorted(map(tuple, rows))]
