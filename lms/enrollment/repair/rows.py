"""One step of a run: some rows of one kind, repaired and written down in one transaction."""

from typing import Any

from sqlalchemy import Select, and_, delete, or_, select, tuple_
from sqlalchemy.orm import Session

from lms.db import Base
from lms.enrollment.repair import access, dates, deletions, learning, numbers, requests, words
from lms.enrollment.repair.changes import (
    Change,
    differences,
    of_pairs,
    snapshot,
    table_of,
    write_down,
)
from lms.enrollment.repair.repair import Found, Repair, Step
from lms.enrollment.repair.runs import count_fixed
from lms.enrollment.repair.told import tell_students
from lms.enrollment.repair.trail import tell
from lms.live import touch
from lms.models import Course, SyncAttention, User
from lms.transaction import transactional

Keys = list[tuple[int, int | None, int | None]]

REPAIRS: dict[tuple[str, str], Repair] = {
    **words.REPAIRS,
    **dates.REPAIRS,
    **numbers.REPAIRS,
    **deletions.REPAIRS,
    **learning.REPAIRS,
    **requests.REPAIRS,
    **access.REPAIRS,
}


@transactional
def repair_rows(
    session: Session,
    run_id: int,
    *,
    kind: str,
    model: type[Base],
    find: Select[Any],
    keys: Keys,
    repair: Repair,
    by: int | None,
) -> int:
    """Repair those of the rows that are still wrong, and return how many they were.

    `find` is the check narrowed to these rows: it is asked again under the locks of all verbs,
    since somebody may have changed them after they were found.
    """
    repair.first(session)
    _hold(session, keys)
    held = set(keys)
    found = [
        Found(row.row_id, row.student_id, row.course_id, row.expected, row.actual)
        for row in session.execute(find)
        if row.attention is None and (row.row_id, row.student_id, row.course_id) in held
    ]
    if found:
        step = Step(session, kind, model, found, by)
        _take_off_attention(step)
        before = _snapshots(step, repair)
        repair.apply(step)
        session.flush()
        after = _snapshots(step, repair)
        changes: list[Change] = []
        for table, rows_before in before.items():
            changes += differences(table, rows_before, after[table])
        write_down(session, run_id, kind, changes)
        tell(step, run_id, [] if repair.tells else changes)
        tell_students(step, changes)
        touch(
            session,
            *("sync", "access", "requests", "progress", "payments", "catalogue", "people"),
            students={student for _, student, _ in keys if student is not None},
        )
    count_fixed(session, run_id, kind, len(found))
    return len(found)


def _hold(session: Session, keys: Keys) -> None:
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


def _take_off_attention(step: Step) -> None:
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


def _snapshots(step: Step, repair: Repair) -> dict[Any, dict[Any, dict[str, Any]]]:
    own = table_of(step.model)
    taken = {}
    for model in repair.also:
        table = table_of(model)
        taken[table] = snapshot(step.session, table, of_pairs(table, step.pairs))
    for model, column in repair.by_column:
        taken[table_of(model)] = snapshot(step.session, table_of(model), column.in_(step.ids))
    if own not in taken:
        key = next(iter(own.primary_key))
        taken[own] = snapshot(step.session, own, key.in_(step.ids))
    return taken
