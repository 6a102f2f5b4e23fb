"""Undo of a run: each row as it was, unless it has changed since."""

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, exists, or_, select
from sqlalchemy.orm import Session

from lms.db import Base, now
from lms.enrollment.people import welcome_key
from lms.ledger.audit import record
from lms.ledger.changes import ROSTER, Row, pair_of, snapshot, stored, table_of
from lms.ledger.payment_changes import publish_changes
from lms.ledger.rewriting import delete_rows, insert_row, rewrite_rows
from lms.ledger.rows import of_pairs
from lms.live import touch
from lms.messages.outbox import discard_email
from lms.models import (
    AccessRequest,
    AccessSource,
    AuditEntry,
    ChapterCompletion,
    Enrollment,
    Offer,
    Payment,
    SignIn,
    StudentProgress,
    SyncAttention,
    SyncChange,
    SyncRun,
    User,
)
from lms.refusals import RunNotFound, SyncRunning
from lms.sync.notices import announce_undo
from lms.sync.undone import record_access
from lms.transaction import transactional
from lms.upsert import insert

_KEPT_FOR_GOOD = {"decisions"}


@transactional
def undo_changes(
    session: Session, units: list[list[int]], *, by: int | None, refused: str = ""
) -> None:
    """Restore rows as they were, one unit of changes of one student and course after the other.

    A unit goes back whole or not at all, so that no pair is left half undone. With `refused` it is
    only written down why the database would not have them back.
    """
    for ids in units:
        changes = session.scalars(
            select(SyncChange).where(SyncChange.id.in_(ids)).order_by(SyncChange.id.desc())
        ).all()
        obstacle = (
            refused or _changed_since(session, changes) or _undo_unit(session, changes, by=by)
        )
        for change in changes:
            if change.table_name in _KEPT_FOR_GOOD:
                change.not_undone = "Decisions are permanent."
            elif obstacle:
                change.not_undone = obstacle
            else:
                change.undone_at = now()
                change.not_undone = ""
        session.flush()
        if not obstacle:
            _leave_alone(session, [each for each in changes if each.kind != ROSTER])
            announce_undo(session, list(changes))
            _publish_payments(session, changes, by=by)
        _record(session, changes, by=by, obstacle=obstacle)


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


def _undo_unit(session: Session, changes: Any, *, by: int | None) -> str:
    """Restore the rows; if keys or triggers would change others along, change nothing, say so."""
    undone = [change for change in changes if change.table_name not in _KEPT_FOR_GOOD]
    with session.begin_nested() as step:
        before = _surroundings(session, undone)
        left_over = _left_over(session, undone)
        for change in undone:
            _restore(session, change)
        expected = dict(before)
        for change in undone:
            expected.pop(_key(change), None)
            if change.before is not None:
                expected[_key(change)] = change.before
        for row_id in left_over:
            expected.pop((AccessSource.__tablename__, row_id), None)
        if _surroundings(session, undone) != expected:
            step.rollback()
            return "Undoing this change would delete rows that depend on it."
        record_access(session, before, expected, by=by)
    return ""


def _left_over(session: Session, changes: Any) -> list[int]:
    """Return the sources of enrollments that were not there before: they cannot stand alone.

    The key takes them along. They had been left over from an enrollment lost without them; what
    was granted since the run is no such source.
    """
    restored = {
        pair
        for change in changes
        if change.table_name == Enrollment.__tablename__ and change.before is None
        if (pair := pair_of(change.after))
    }
    began = select(SyncRun.started_at).where(SyncRun.id.in_({each.run_id for each in changes}))
    mine = of_pairs(AccessSource, restored)
    left_over = mine & (AccessSource.granted_at < began.scalar_subquery())
    return list(session.scalars(select(AccessSource.id).where(left_over)))


def _surroundings(session: Session, changes: Any) -> dict[Any, Row]:
    """Return the rows themselves and all others of the same students and courses."""
    rows: dict[Any, Row] = {}
    pairs = {pair for change in changes if (pair := pair_of(change.after or change.before or {}))}
    for model in (Enrollment, StudentProgress, AccessSource, AccessRequest, Offer):
        table = table_of(model)
        found = snapshot(session, table, of_pairs(model, sorted(pairs)))
        rows |= {(table.name, *key): row for key, row in found.items()}
    for change in changes:
        current = _current(session, change)
        if current is not None:
            rows[_key(change)] = current
    return rows


def _key(change: SyncChange) -> tuple[Any, ...]:
    row = change.before or change.after or {}
    return (change.table_name, *(row[column.name] for column in _table(change).primary_key))


def _changed_since(session: Session, changes: Any) -> str:
    """Return which row of the unit has changed since, if one has."""
    latest: dict[Any, SyncChange] = {}
    for change in changes:  # the latest first: a run may have changed a row more than once
        latest.setdefault(_key(change), change)
    for change in latest.values():
        is_kept = change.table_name in _KEPT_FOR_GOOD
        if not is_kept and _current(session, change) != change.after:
            return f"The row {change.table_name} {change.row_id} has changed since the run."
        is_new = change.table_name == "users" and change.before is None
        if is_new and _is_used(session, changes, change.row_id):
            return "The account is in use: deleting it would delete its data."
    return ""


def _is_used(session: Session, changes: Any, user_id: int) -> bool:
    """Return whether anything beside these changes came of an account since it was opened."""
    known = defaultdict(list)
    for change in changes:
        known[change.table_name].append(change.row_id)
    used = [
        exists().where(User.id == user_id, or_(User.password_hash != "", User.role != "student")),
        exists().where(AuditEntry.actor_id == user_id, AuditEntry.action != "user.added"),
    ]
    for model in (Enrollment, AccessRequest, Offer, ChapterCompletion, Payment, SignIn):
        table = table_of(model)
        student = table.c.user_id if "user_id" in table.c else table.c.student_id
        used.append(exists().where(student == user_id, table.c.id.not_in(known[table.name])))
    return bool(session.scalar(select(or_(*used))))


def _current(session: Session, change: SyncChange) -> Row | None:
    table = _table(change)
    rows = snapshot(session, table, _is_row(table, change.after or change.before or {}))
    return next(iter(rows.values()), None)


def _restore(session: Session, change: SyncChange) -> None:
    table = _table(change)
    before, after = change.before, change.after
    if before is None:
        delete_rows(session, table, _is_row(table, after or {}))
        if change.table_name == "users":
            discard_email(session, welcome_key(change.row_id))
        return
    values = {
        name: stored(session, table.c[name], value)
        for name, value in before.items()
        if after is None or after[name] != value
    }
    if after is None:
        insert_row(session, table, values)
    elif values:
        rewrite_rows(session, table, _is_row(table, after), values)


def _is_row(table: Table, row: Row) -> ColumnElement[bool]:
    return and_(*(column == row[column.name] for column in table.primary_key))


def _table(change: SyncChange) -> Table:
    return Base.metadata.tables[change.table_name]


def _leave_alone(session: Session, changes: Any) -> None:
    """Keep scheduled runs from repairing again at once what a person has just undone."""
    for kind in {change.kind for change in changes}:
        change = next(change for change in changes if change.kind == kind)
        student_id, course_id = pair_of(change.before or change.after or {}) or (None, 0)
        # The repair itself may already have listed the same row.
        session.execute(
            insert(SyncAttention)
            .values(
                kind=kind,
                table_name=change.table_name,
                row_id=change.row_id,
                student_id=student_id,
                course_id=course_id or 0,
                reason="Its repair was undone. Correct it by hand, or choose “Repair now” on the"
                " Sync page.",
            )
            .on_conflict_do_nothing()
        )


def _publish_payments(session: Session, changes: Any, *, by: int | None) -> None:
    """Publish which payments count again that a roster's ending of access had set aside."""
    moved = [
        (session.get_one(Payment, change.row_id, populate_existing=True), change.after["status"])
        for change in changes
        if (change.kind, change.table_name) == (ROSTER, Payment.__tablename__)
        if change.before and change.after and change.before["status"] != change.after["status"]
    ]
    if moved:
        publish_changes(session, moved, by=by, reason="The roster was undone.")


def _record(session: Session, changes: Any, *, by: int | None, obstacle: str) -> None:
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
