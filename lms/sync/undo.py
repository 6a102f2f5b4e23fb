"""Undo of a run, in bounded transactions."""

from collections.abc import Callable
from contextlib import nullcontext

from sqlalchemy.exc import IntegrityError, OperationalError

from lms.ledger.changes import pair_of
from lms.queries import sync as queries
from lms.queries.read_model import read_model
from lms.queries.sync import ChangedRow
from lms.refusals import RunNotFound, SyncRunning
from lms.sync.reasons import reason
from lms.sync.restoring import finish_undo, undo_changes
from lms.sync.runs import end_dead_runs
from lms.transaction import without_references

STEP = 100
PAGE = 5_000


@read_model
class KeptRow:
    """A row that undo left unchanged, and why."""

    table: str
    id: int
    kind: str
    reason: str


@read_model
class UndoResult:
    """What undo restored and what it left unchanged."""

    run_id: int
    undone: int
    kept: list[KeptRow]


def undo(
    run_id: int, *, by: int | None, progress: Callable[[int, int], None] | None = None
) -> UndoResult:
    """Put every row back as it was before the run, or say why one stays as it is.

    A second undo changes nothing. Raises RunNotFound, SyncRunning.
    """
    run = queries.run(run_id)
    if run is None:
        raise RunNotFound
    end_dead_runs()
    if any(other.status == "running" for other in queries.runs(limit=5)):
        raise SyncRunning
    units = _units(run_id)
    for start in range(0, len(units), STEP):
        _undo(units[start : start + STEP], by=by)
        if progress:
            progress(min(start + STEP, len(units)), len(units))
    finish_undo(run_id, by=by)
    rows = _all_changes(run_id)
    return UndoResult(
        run_id=run_id,
        undone=sum(row.undone_at is not None for row in rows),
        kept=[
            KeptRow(table=row.table_name, id=row.row_id, kind=row.kind, reason=row.not_undone)
            for row in rows
            if row.undone_at is None
        ],
    )


def _units(run_id: int) -> list[list[int]]:
    """Return the ids of changes that go back together, latest first."""
    changes = _all_changes(run_id)
    # What was given to an account that the run itself opened goes with it, or stays with it.
    opened = {row.row_id for row in changes if row.table_name == "users" and row.before is None}
    units: dict[object, list[int]] = {}
    for row in reversed(changes):
        if row.undone_at is None:
            unit: object = pair_of(row.after or row.before or {}) or (row.table_name, row.row_id)
            if isinstance(unit, tuple) and unit[0] in opened:
                unit = ("users", unit[0])
            units.setdefault(unit, []).append(row.id)
    return list(units.values())


def _all_changes(run_id: int) -> list[ChangedRow]:
    found: list[ChangedRow] = []
    while page := queries.changes(run_id, limit=PAGE, after=found[-1].id if found else 0):
        found += page
    return found


def _undo(
    units: list[list[int]], *, by: int | None, refused: str = "", checks_references: bool = True
) -> None:
    try:
        with nullcontext() if checks_references else without_references():
            undo_changes(units, by=by, refused=refused)
    except OperationalError as error:
        if not checks_references or "foreign key mismatch" not in str(error.orig):
            raise
        _undo(units, by=by, checks_references=False)
    except IntegrityError as error:
        if len(units) == 1:
            _undo(units, by=by, refused=reason(error))
        else:
            middle = len(units) // 2
            _undo(units[:middle], by=by)
            _undo(units[middle:], by=by)
