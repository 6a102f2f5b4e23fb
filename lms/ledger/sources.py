"""The sources of access: why a student is enrolled."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    delete,
    exists,
    literal,
    select,
    tuple_,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from lms.db import now
from lms.ledger.rows import PAIR, Pair, as_table, of_pairs
from lms.models import AccessSource, SourceKind
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
_SOURCE = (AccessSource.user_id, AccessSource.course_id, AccessSource.kind, AccessSource.reference)


def grant_sources(session: Session, sources: list[Source], *, by: int | None) -> list[Source]:
    """Add the sources that are not there yet, and return these."""
    if not sources:
        return []
    wanted = as_table(sources, **_COLUMNS)
    is_there = exists().where(
        *(column == wanted.c[name] for column, name in zip(_SOURCE, Source._fields, strict=True))
    )
    granted = session.execute(
        insert(AccessSource)
        .from_select(
            ["user_id", "course_id", "kind", "reference", "granted_by", "granted_at"],
            select(
                *(wanted.c[name] for name in Source._fields),
                literal(by, AccessSource.granted_by.type),
                literal(now(), AccessSource.granted_at.type),
            )
            .where(~is_there)
            .order_by(wanted.c.place),
        )
        .on_conflict_do_nothing()
        .returning(*_SOURCE)
    )
    new = {Source(*row) for row in granted}
    return [source for source in sources if source in new]


def take_sources(session: Session, sources: Collection[Source]) -> list[Source]:
    """Delete these sources, and return those that were there."""
    if not sources:
        return []
    named = as_table(sources, **_COLUMNS)
    return _take(session, tuple_(*_SOURCE).in_(select(*(named.c[name] for name in Source._fields))))


def take_all_sources(session: Session, pairs: Collection[Pair]) -> list[Source]:
    """Delete all sources of these students in these courses, and return them."""
    if not pairs:
        return []
    return _take(session, of_pairs(AccessSource, pairs))


def sources_of(session: Session, pairs: Collection[Pair]) -> list[Source]:
    """Return the sources of these students in these courses, the oldest first."""
    if not pairs:
        return []
    mine = of_pairs(AccessSource, pairs)
    return _in_order(session.execute(select(AccessSource.id, *_SOURCE).where(mine)))


def kinds_by_pair(sources: Iterable[Source]) -> dict[Pair, list[str]]:
    """Return which kinds of sources each student has in each course."""
    kinds: dict[Pair, list[str]] = defaultdict(list)
    for source in sources:
        kinds[source.pair].append(source.kind)
    return dict(kinds)


def _take(session: Session, chosen: ColumnElement[bool]) -> list[Source]:
    taken = delete(AccessSource).where(chosen).returning(AccessSource.id, *_SOURCE)
    return _in_order(session.execute(taken, execution_options={"synchronize_session": False}))


def _in_order(rows: Iterable[Any]) -> list[Source]:
    """Return rows, each with its id before it, as sources: RETURNING keeps no order."""
    return [Source(*row[1:]) for row in sorted(map(tuple, rows))]
