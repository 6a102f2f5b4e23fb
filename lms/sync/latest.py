"""The latest report on the whole school: its age, when the next is due, and waiting for one."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from pydantic import ValidationError
from sqlalchemy import Row, Select, select

from lms import pulse
from lms.background import result_soon
from lms.config import AUTO_FIX_SECONDS
from lms.db import db, now
from lms.live import summed
from lms.models import Validation
from lms.refusals import Busy
from lms.sync.finding import WHOLE_SCHOOL, Scope
from lms.sync.kinds import CHECKS, KINDS
from lms.sync.reports import CHECKED, as_json, begin, carry_out
from lms.sync.validation import Progress, Report, validate

WAIT_SECONDS = 30
"""How long a caller waits for validations that others began."""
_SHARE = 20
"""Validation takes at most one part in so many of a worker's time, however busy the school is."""
_REST = timedelta(seconds=5)
"""And it never follows the one before sooner than this."""
_GRACE = timedelta(seconds=60)
"""How much later than promised a report may come before somebody has to look at the worker."""


_PAUSE_SECONDS = 0.1
_threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="validation")
"""A validation that has begun waits for no other work: it has to give signs of life."""


@dataclass(frozen=True)
class Latest:
    """The latest report, and what has happened since."""

    begun: int
    """The number of the latest validation that has begun; 0 before the first."""
    number: int
    """The number of the one that gave the report; 0 if there is none."""
    report: Report | None
    is_outdated: bool
    """Whether the school has changed since."""
    is_overdue: bool
    """Whether it is older than a worker lets it become."""
    due_at: datetime | None
    """When a worker is to validate again; None if it already is."""
    checked: int | None
    """How many checks the validation in progress has done; None if none is."""
    checks: int
    """How many there are."""
    problem: str
    """Why the latest validation gave no report."""
    is_impossible: bool
    """Whether that was because the database couldn't answer a check."""

    @property
    def is_due(self) -> bool:
        """Whether it is time to validate, and nobody does."""
        return self.checked is None and (self.due_at is None or self.due_at <= now())


def latest() -> Latest:
    """Return the latest report, in one statement."""
    rows = db.session.connection().execute(_LATEST).all()
    by_status = {row.status: row for row in reversed(rows)}
    running, finished = by_status.get("running"), by_status.get("finished")
    ended = next((row for row in rows if row.status != "running"), None)
    is_alive = running is not None and pulse.is_felt(running.owner, running.heartbeat_at)
    has_failed = ended is not None and ended.status == "failed"
    report = None if finished is None else _read(finished.report)
    is_outdated = finished is not None and finished.seen != finished.version
    problem = ""
    if ended is not None and has_failed:
        problem = (
            f"The school couldn't be validated ({ended.error}). Choose “Validate now”, or ask"
            " whoever runs the portal."
        )
    elif running is not None and not is_alive:
        problem = "The last validation didn't finish. The worker starts another."
    return Latest(
        begun=rows[0].id if rows else 0,
        number=0 if finished is None or report is None else finished.id,
        report=report,
        is_outdated=is_outdated,
        is_overdue=report is not None and now() - report.checked_at > _interval() + _GRACE,
        due_at=_due_at(ended, soon=is_outdated or report is None or bool(problem)),
        checked=running.checked if running is not None and is_alive else None,
        checks=len(CHECKS),
        problem=problem,
        is_impossible=has_failed,
    )


def known() -> Latest:
    """Return the latest report; if there is none and it is nobody else's turn, begin the first.

    A small school's is there at once; a large one's is made while the answer is on its way.
    """
    found = latest()
    if found.report is None and (run_id := _begin_if_due(found)) is not None:
        carry_out_soon(run_id)
        found = latest()
    return found


def carry_out_soon(run_id: int) -> Report | None:
    """Carry out a validation in the background; return the report if it comes soon."""
    return result_soon(lambda: carry_out(run_id), threads=_threads)


def is_validation_due() -> bool:
    """Return whether `validate_when_due` would validate."""
    return latest().is_due


def validate_when_due() -> None:
    """Validate if the school has changed since the latest report, or that is an interval old."""
    if (run_id := _begin_if_due(latest())) is not None:
        carry_out(run_id)


def validate_anew() -> Report:
    """Return a report that includes all that was committed before the call.

    It comes from a validation that another caller began in the meantime, if there is one. Raises
    Busy when those of others don't end.
    """
    since = latest().begun
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        db.session.rollback()
        found = latest()
        if found.report is not None and found.number > since:
            return found.report
        if found.checked is None and (run_id := begin(since=found.begun)) is not None:
            return carry_out(run_id)
        time.sleep(_PAUSE_SECONDS)
    raise Busy("Validation is still running. Try again in 10 seconds.", 10)


def validate_for_repair(scope: Scope, progress: Progress | None = None) -> Report:
    """Validate for a repair; what it finds in the whole school is the latest report, too."""
    run_id = begin() if scope == WHOLE_SCHOOL else None
    if run_id is None:
        return validate(scope, sample=1, progress=progress)
    return carry_out(run_id, progress=progress, decides=True)


def _begin_if_due(found: Latest) -> int | None:
    """Begin a validation if it is due and nobody else has begun since."""
    return begin(since=found.begun) if found.is_due else None


def _due_at(ended: "Row[Any] | None", *, soon: bool) -> datetime | None:
    if ended is None or ended.finished_at is None or ended.finished_at > now():
        return None  # there was none, or the clock was put back
    taken: timedelta = ended.finished_at - ended.started_at
    wait = min(_interval(), max(_REST, _SHARE * taken)) if soon else _interval()
    due_at: datetime = ended.finished_at + wait
    return due_at


def _interval() -> timedelta:
    return timedelta(seconds=current_app.config["LMS_AUTO_FIX_SECONDS"] or AUTO_FIX_SECONDS)


def _read(kept: dict[str, Any]) -> Report | None:
    """Return a report as it was kept; None if another release kept it, which had other checks."""
    try:
        report = as_json.validate_python(kept)
    except ValidationError:
        return None
    return report if [check.kind for check in report.checks] == list(KINDS) else None


# At most one is in progress, one has ended well, and one has failed since.
_LATEST: Select[Any] = (
    select(
        *(Validation.id, Validation.status, Validation.owner, Validation.checked),
        *(Validation.seen, Validation.report, Validation.error),
        *(Validation.started_at, Validation.heartbeat_at, Validation.finished_at),
        summed(CHECKED).scalar_subquery().label("version"),
    )
    .order_by(Validation.id.desc())
    .limit(4)
)
