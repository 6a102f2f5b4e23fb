"""Undo of a run: each row as it was, unless somebody has changed it since."""

from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, insert, select, update
from sqlalchemy.orm import Session

from lms.db import Base, now
from lms.enrollment.audit import record
from lms.enrollment.repair.changes import Pair, Row, of_pairs, pair_of, snapshot, stored, table_of
from lms.live import touch
from lms.models import AccessSource, SyncAttention, SyncChange, SyncRun
from lms.refusals import RunNotFound, SyncRunning
from lms.transaction import transactional

_KEPT_FOR_GOOD = {"decisions"}


@transactional
def undo_changes(
    session: Session, units: list[list[int]], *, by: int | None, refused: str = ""
) -> None:
    """Put rows back as they were, one unit of changes of one student and course after the other.

    A unit goes back whole or not at all, so that no pair is left half undone. With `refused` it is
    only written down why the database would not have them back.
    """
    for ids in units:
        changes = session.scalars(
            select(SyncChange).where(SyncChange.id.in_(ids)).order_by(SyncChange.id.desc())
        ).all()
        obstacle = refused or _obstacle(session, changes)
        for change in changes:
            if change.table_name in _KEPT_FOR_GOOD:
                change.not_undone = "A decision is kept for good."
            elif obstacle:
                change.not_undone = obstacle
            else:
                _put_back(session, change)
                change.undone_at = now()
                change.not_undone = ""
        session.flush()
        if not obstacle:
            _leave_alone(session, changes)
        _announce(session, changes, by=by, obstacle=obstacle)


@transactional
def finish_undo(session: Session, run_id: int, *, by: int | None) -> None:
    """Mark the run as undone."""
    run = session.get(SyncRun, run_id, with_for_update=True)
    if run is None:
        raise RunNotFound
    if run.status == "running":
        raise SyncRunning
    if run.undone_at is None:
        run.undone_at = now()
        run.status = "undone"
        record(session, "sync.undone", by=by, run=run_id)
        touch(session, "sync")


def _obstacle(session: Session, changes: Any) -> str:
    """Return which row of the unit has changed since, if one has."""
    for change in changes:
        table = _table(change)
        current = _current(session, change)
        if change.table_name not in _KEPT_FOR_GOOD and current != change.after:
            return f"{table.name} {change.row_id} has changed since."
    for change in changes:
        pair = pair_of(change.after or {})
        if change.table_name == "enrollments" and change.before is None and pair:
            ours = [row.row_id for row in changes if row.table_name == "access_sources"]
            if _has_other_source(session, pair, ours):
                return "The student has been given access in another way since."
    return ""


def _has_other_source(session: Session, pair: Pair, ours: list[int]) -> bool:
    other = select(AccessSource.id).where(
        of_pairs(table_of(AccessSource), [pair]), AccessSource.id.not_in(ours)
    )
    return session.scalar(other.limit(1)) is not None


def _current(session: Session, change: SyncChange) -> Row | None:
    table = _table(change)
    rows = snapshot(session, table, _is_row(table, change.after or change.before or {}))
    return next(iter(rows.values()), None)


def _put_back(session: Session, change: SyncChange) -> None:
    table = _table(change)
    before, after = change.before, change.after
    if before is None:
        session.execute(delete(table).where(_is_row(table, after or {})))
        return
    values = {
        name: stored(session, table.c[name], value)
        for name, value in before.items()
        if after is None or after[name] != value
    }
    if after is None:
        session.execute(insert(table).values(values))
    elif values:
        session.execute(update(table).where(_is_row(table, after)).values(values))


def _is_row(table: Table, row: Row) -> ColumnElement[bool]:
    return and_(*(column == row[column.name] for column in table.primary_key))


def _table(change: SyncChange) -> Table:
    return Base.metadata.tables[change.table_name]


def _leave_alone(session: Session, changes: Any) -> None:
    """Keep scheduled runs from repairing again at once what a person has just undone."""
    for kind in {change.kind for change in changes}:
        change = next(change for change in changes if change.kind == kind)
        student_id, course_id = pair_of(change.before or change.after or {}) or (None, 0)
        session.add(
            SyncAttention(
                kind=kind,
                table_name=change.table_name,
                row_id=change.row_id,
                student_id=student_id,
                course_id=course_id,
                reason="Its repair was undone. Fix it by hand, or run auto-fix from here.",
            )
        )


def _announce(session: Session, changes: Any, *, by: int | None, obstacle: str) -> None:
    rows = [change.before or change.after or {} for change in changes]
    pair = next(filter(None, map(pair_of, rows)), None) or (None, None)
    record(
        session,
        "sync.undo_refused" if obstacle else "sync.row_undone",
        by=by,
        student_id=pair[0],
        course_id=pair[1],
        reason=obstacle,
        changes=[change.id for change in changes],
    )
    touch(session, "sync", "access", "requests", "progress", "payments", "catalogue", "people")
    if pair[0] is not None:
        touch(session, students=[pair[0]])
