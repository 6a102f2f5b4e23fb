"""One step of a run: some rows of one kind, repaired and written down in one transaction.

So a killed run leaves complete steps behind, and every run can be undone.
"""

from typing import Any

from sqlalchemy import and_, delete, or_, select, tuple_
from sqlalchemy.orm import Session

from lms.ledger.audit import Entry, record_all
from lms.ledger.changes import (
    Change,
    differences,
    snapshot,
    table_of,
    write_down,
)
from lms.ledger.rows import of_pairs
from lms.live import touch
from lms.models import Course, SyncAttention, User
from lms.sync.finding import Scope, key_of
from lms.sync.kind import Check, Found, Kind, Step
from lms.sync.notices import announce_repair
from lms.sync.runs import count_fixed
from lms.transaction import transactional

Keys = list[tuple[int, int | None, int | None]]


@transactional
def repair_rows(
    session: Session,
    run_id: int,
    kind: Kind,
    check: Check,
    scope: Scope,
    *,
    keys: Keys,
    by: int | None,
) -> int:
    """Repair those of the rows that are still wrong, and return how many they were.

    The check is asked again under the locks of all verbs, since somebody may have changed the rows
    after they were found.
    """
    kind.lock(session)
    _lock(session, keys)
    locked = set(keys)
    found = [
        Found(row.row_id, row.student_id, row.course_id, row.expected, row.actual)
        for row in session.execute(check.select(scope.only([key[0] for key in keys])))
        if row.attention is None and (row.row_id, row.student_id, row.course_id) in locked
    ]
    if found and check.fix:
        step = Step(session, run_id, kind.name, kind.label, check.model, found, by)
        _remove_attention(step)
        before = _snapshots(step, check)
        check.fix(step)
        session.flush()
        after = _snapshots(step, check)
        changes: list[Change] = []
        for table, rows_before in before.items():
            changes += differences(table, rows_before, after[table])
        write_down(session, run_id, kind.name, changes)
        _record(step)
        announce_repair(session, kind, changes)
        touch(
            session,
            *("sync", "access", "requests", "progress", "payments", "catalogue", "people"),
            students={student for _, student, _ in keys if student is not None},
        )
    count_fixed(session, run_id, kind.name, len(found))
    return len(found)


def _lock(session: Session, keys: Keys) -> None:
    """Take the locks of the verbs in their order: courses, then users, each by rising id."""
    courses = sorted({course for _, _, course in keys if course is not None})
    students = sorted({student for _, student, _ in keys if student is not None})
    for model, ids in ((Course, courses), (User, students)):
        session.execute(
            select(model.id)
            .where(model.id.in_(ids))
            .order_by(model.id)
            .with_for_update(key_share=True)
        )


def _remove_attention(step: Step) -> None:
    pair = tuple_(SyncAttention.student_id, SyncAttention.course_id)
    step.run(
        delete(SyncAttention).where(
            SyncAttention.kind == step.kind,
            or_(
                and_(
                    SyncAttention.table_name == step.model.__tablename__,
                    SyncAttention.row_id.in_(step.ids),
                ),
                pair.in_(step.pairs),
            ),
        )
    )


def _record(step: Step) -> None:
    """Record each row repaired; what came of it is recorded by the ledger that wrote it."""
    entries: list[Entry] = [
        (
            row.student_id,
            row.course_id,
            {"row": row.row_id, "actual": row.actual, "expected": row.expected, **step.details},
        )
        for row in step.found
    ]
    record_all(step.session, "sync.repaired", entries, by=step.by, reason=step.reason)


def _snapshots(step: Step, check: Check) -> dict[Any, dict[Any, dict[str, Any]]]:
    own = table_of(step.model)
    taken = {}
    for model in check.also:
        table = table_of(model)
        taken[table] = snapshot(step.session, table, of_pairs(model, step.pairs))
    for column in check.referring:
        table = column.table
        taken[table] = snapshot(step.session, table, column.in_(step.ids))
    if own not in taken and not check.is_derived:
        taken[own] = snapshot(step.session, own, key_of(step.model).in_(step.ids))
    return taken
