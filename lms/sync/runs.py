"""The life of a run of auto-fix: one at a time, its pulse, and its result."""

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from lms import pulse
from lms.db import now
from lms.ledger.audit import record
from lms.live import touch
from lms.models import SyncAttention, SyncChange, SyncRun, Version
from lms.refusals import SyncRunning
from lms.transaction import transactional
from lms.upsert import insert

IDLE_RUNS_KEPT = timedelta(days=14)

Trigger = Literal["manual", "scheduled", "startup", "import"]
Counts = dict[str, int]


class SlotTaken(RuntimeError):  # noqa: N818 - a fact for whoever comes second
    """The interval has had its run."""


class RunLost(RuntimeError):  # noqa: N818 - a fact for the run that lost its turn
    """Another run took over, because this one was silent for too long."""


@transactional
def begin_run(
    session: Session,
    trigger: Trigger,
    *,
    by: int | None,
    scope: dict[str, int],
    found: Counts,
    slot: int | None = None,
) -> int:
    """Start the only run and return its id.

    A run whose process is dead, or silent for longer than the lease, has left complete steps: it
    is marked as failed, and this one goes on with what remains. Raises SyncRunning while another
    is alive, SlotTaken when the interval has had its run.
    """
    if _had_its_run(session, slot):
        raise SlotTaken(slot)
    _end_dead_runs(session)
    run_id = session.scalar(
        insert(SyncRun)
        .values(
            trigger=trigger,
            slot=slot,
            started_by=by,
            scope=scope,
            status="running",
            found=found,
            owner=pulse.owner(),
            started_at=now(),
            heartbeat_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(SyncRun.id)
    )
    if run_id is None:
        if _had_its_run(session, slot):  # by somebody who committed in between
            raise SlotTaken(slot)
        raise SyncRunning
    _forget_idle_runs(session)
    touch(session, "sync")
    return run_id


@transactional
def end_dead_runs(session: Session) -> None:
    """Mark as ended the runs whose process is dead, or silent for longer than the lease."""
    _end_dead_runs(session)


@transactional
def log_dry_run(
    session: Session,
    *,
    by: int | None,
    scope: dict[str, int],
    found: Counts,
    fixed: Counts,
    remaining: Counts,
) -> int:
    """Record a preview; return its id."""
    run = SyncRun(
        trigger="manual",
        started_by=by,
        scope=scope,
        is_dry_run=True,
        status="finished",
        found=found,
        fixed=fixed,
        remaining=remaining,
        started_at=now(),
        finished_at=now(),
    )
    session.add(run)
    session.flush()
    touch(session, "sync")
    return run.id


@transactional
def finish_run(
    session: Session, run_id: int, *, fixed: Counts, remaining: Counts, error: str = ""
) -> None:
    """Write down the result of a run, or what stopped it."""
    run = session.get_one(SyncRun, run_id, with_for_update=True)
    if run.status != "running":
        return
    run.status = "failed" if error else "finished"
    run.fixed, run.remaining = fixed or run.fixed, remaining
    run.error = error
    run.finished_at = now()
    if any(run.fixed.values()) or error:
        record(
            session,
            "sync.run",
            by=run.started_by,
            run=run_id,
            fixed={kind: number for kind, number in run.fixed.items() if number},
            error=error,
        )
    touch(session, "sync")


@transactional
def ask_for_attention(
    session: Session, *, kind: str, table: str, key: tuple[int, int | None, int | None], reason: str
) -> None:
    """List, once, a row that no repair could fix."""
    row_id, student_id, course_id = key
    known = select(SyncAttention.id).where(
        SyncAttention.kind == kind,
        SyncAttention.table_name == table,
        SyncAttention.row_id == row_id,
        SyncAttention.course_id == (course_id or 0),
    )
    if session.scalar(known) is None:
        session.add(
            SyncAttention(
                kind=kind,
                table_name=table,
                row_id=row_id,
                student_id=student_id,
                course_id=course_id or 0,
                reason=reason,
            )
        )
        touch(session, "sync")


@transactional
def dismiss_attention(session: Session, attention_id: int, *, by: int) -> None:
    """Dismiss a row that needs attention; the next run may try it again."""
    dismissed = session.scalar(
        delete(SyncAttention).where(SyncAttention.id == attention_id).returning(SyncAttention.kind)
    )
    if dismissed is not None:
        record(session, "sync.dismissed", by=by, kind=dismissed)
        touch(session, "sync")


@transactional
def prove_writable(session: Session) -> None:
    """Write a row that nobody reads; raises if the database refuses it."""
    session.execute(
        insert(Version)
        .values(topic="health", shard=0, value=0)
        .on_conflict_do_update(index_elements=["topic", "shard"], set_={"value": 0})
    )


def count_fixed(session: Session, run_id: int, kind: str, number: int) -> None:
    """Count a step and give a sign of life, in the step's own transaction."""
    run = session.get_one(SyncRun, run_id, with_for_update=True)
    if run.status != "running":
        raise RunLost(f"run {run_id} is {run.status}")
    run.fixed = {**run.fixed, kind: run.fixed.get(kind, 0) + number}
    run.heartbeat_at = now()


def _forget_idle_runs(session: Session) -> None:
    """Keep the history readable: of old runs only those that changed something stay."""
    has_changes = select(SyncChange.id).where(SyncChange.run_id == SyncRun.id).exists()
    session.execute(
        delete(SyncRun)
        .where(
            SyncRun.started_at < now() - IDLE_RUNS_KEPT,
            SyncRun.status != "running",
            ~has_changes,
        )
        .execution_options(synchronize_session=False)
    )


def stopped(by: str = "") -> str:
    """Say that a run ended before its end, and the way out."""
    return (
        f"The run stopped early{by}. The repairs it completed stay in effect."
        " Choose “Repair now” on the Sync page, or ask whoever runs the portal."
    )


def _had_its_run(session: Session, slot: int | None) -> bool:
    taken = select(SyncRun.id).where(SyncRun.slot == slot)
    return slot is not None and session.scalar(taken) is not None


def _end_dead_runs(session: Session) -> None:
    running: Any = session.execute(
        select(SyncRun.id, SyncRun.owner, SyncRun.heartbeat_at, SyncRun.started_at)
        .where(SyncRun.status == "running")
        .with_for_update()
    )
    for run in running:
        if not pulse.is_felt(run.owner, run.heartbeat_at or run.started_at):
            session.execute(
                update(SyncRun)
                .where(SyncRun.id == run.id)
                .values(
                    status="failed",
                    finished_at=now(),
                    error=stopped(),
                )
            )
