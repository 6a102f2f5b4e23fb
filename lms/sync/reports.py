"""The life of a validation of the whole school: one at a time, its pulse, and its report."""

import time
from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from lms import pulse, standby
from lms.db import db, now
from lms.live import Topic, summed, touch
from lms.models import Validation
from lms.sync.validation import Progress, Report, validate
from lms.transaction import transactional
from lms.upsert import insert

CHECKED: tuple[Topic, ...] = (
    *("catalogue", "requests", "access", "progress"),
    *("people", "payments"),
)
"""What every change of the rows that are checked announces."""
BEAT_SECONDS = 1.0

as_json: TypeAdapter[Report] = TypeAdapter(Report)
"""How a report is kept."""


@transactional
def begin(session: Session, *, since: int | None = None) -> int | None:
    """Begin the only validation and return its id; None while another is alive.

    None, too, if one with a higher id than `since` has begun. One whose process is dead, or silent
    for longer than the lease, makes room.
    """
    if since is not None and session.scalar(select(func.max(Validation.id))) not in {None, since}:
        return None
    running = select(Validation.id, Validation.owner, Validation.heartbeat_at).where(
        Validation.status == "running"
    )
    for run in session.execute(running.with_for_update()).all():
        if not pulse.is_felt(run.owner, run.heartbeat_at):
            session.execute(delete(Validation).where(Validation.id == run.id))
    run_id: int | None = session.scalar(
        insert(Validation)
        .values(owner=pulse.owner(), started_at=now(), heartbeat_at=now())
        .on_conflict_do_nothing()
        .returning(Validation.id)
    )
    if run_id is not None:
        touch(session, "validation")
    return run_id


def carry_out(run_id: int, *, progress: Progress | None = None, decides: bool = False) -> Report:
    """Check the whole school for a validation that has begun, and keep the report.

    What `decides` about a repair is read from the primary, all else from a standby if there is one
    that has all that was committed before.
    """
    beat = _Beat(run_id, progress)

    def check(connection: Connection) -> tuple[int, Report]:
        # A connection of its own: signs of life end what the session has read.
        seen = int(connection.scalar(summed(CHECKED)) or 0)
        return seen, validate(connection=connection, progress=beat)

    try:
        if decides:
            with db.engine.connect() as connection:
                seen, report = check(connection)
        else:
            seen, report = standby.read_on(check)
    except BaseException as error:
        _end(run_id, status="failed", values={"error": type(error).__name__})
        raise
    kept = as_json.dump_python(report, mode="json")
    _end(run_id, status="finished", values={"seen": seen, "report": kept})
    return report


class _Beat:
    """Tells, about once a second, how many checks are done."""

    def __init__(self, run_id: int, progress: Progress | None) -> None:
        self._run_id = run_id
        self._progress = progress
        self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if self._progress:
            self._progress(done, total)
        if time.monotonic() - self._last >= BEAT_SECONDS:
            with suppress(OperationalError):  # somebody keeps the database locked: read on
                _give_sign_of_life(self._run_id, done)
            self._last = time.monotonic()


@transactional
def _give_sign_of_life(session: Session, run_id: int, checked: int) -> None:
    session.execute(
        update(Validation)
        .where(Validation.id == run_id)
        .values(checked=checked, heartbeat_at=now())
    )
    touch(session, "validation")


@transactional
def _end(session: Session, run_id: int, *, status: str, values: dict[str, Any]) -> None:
    """End a validation, and forget what it replaces: of those that ended well, one is kept.

    Taken to be dead, it may have been replaced itself; then there is nothing left to end.
    """
    ended = session.execute(
        update(Validation)
        .where(Validation.id == run_id)
        .values(status=status, finished_at=now(), **values)
        .returning(Validation.id)
    ).first()
    if ended is not None:
        replaced = ("finished", "failed") if status == "finished" else ("failed",)
        session.execute(
            delete(Validation).where(Validation.id < run_id, Validation.status.in_(replaced))
        )
        touch(session, "validation")
