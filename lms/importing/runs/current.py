"""How far the import from the browser is, as its page shows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import ValidationError
from sqlalchemy import select

from lms.db import db, now
from lms.importing.legacy import ImportReport
from lms.importing.runs import files, life
from lms.models import ImportRun, User

State = Literal[
    "reading", "preview", "applying", "interrupted", "applied", "failed", "canceled", "expired"
]
_PATIENCE = timedelta(seconds=15)
"""How long a worker may take to begin before the page says what to look for."""


@dataclass(frozen=True)
class Current:
    """The latest import."""

    id: int
    state: State
    source: str
    host: str
    started_at: datetime
    finished_at: datetime | None
    by: str
    """Who began it; blank if the account is gone."""
    percent: int
    is_late: bool
    """Whether no worker has taken it up, although it has waited for a while."""
    problem: str
    report: ImportReport | None
    answers: dict[str, list[str]]
    mark: str

    @property
    def is_open(self) -> bool:
        """Whether it stands in the way of another."""
        return self.state in {"reading", "preview", "applying", "interrupted"}

    @property
    def is_working(self) -> bool:
        """Whether it goes on by itself."""
        return self.state in {"reading", "applying"}


def current() -> Current | None:
    """Return the latest import; None before the first."""
    found = db.session.execute(
        select(ImportRun, User.name)
        .join(User, User.id == ImportRun.started_by, isouter=True)
        .order_by(ImportRun.id.desc())
        .limit(1)
    ).first()
    if found is None:
        return None
    run, name = found
    state = _state(run)
    noted = files.noted(run.token)
    return Current(
        id=run.id,
        state=state,
        source=run.source,
        host=run.host,
        started_at=run.started_at,
        finished_at=run.finished_at,
        by=name or "",
        percent=max(run.percent, noted[0] if noted and run.owner else 0),
        is_late=not run.owner and now() - run.heartbeat_at > _PATIENCE,
        problem=life.INTERRUPTED if state == "interrupted" else run.problem,
        report=_report(run),
        answers=run.answers,
        mark=run.mark,
    )


def _state(run: ImportRun) -> State:
    if run.status == "open":
        if life.is_overdue(run):
            return "expired"
        if run.step == "applying" and run.owner and not life.is_alive(run):
            return "interrupted"
        step: State = run.step  # type: ignore[assignment]  # of the CHECK's words
        return step
    status: State = run.status  # type: ignore[assignment]
    return status


def _report(run: ImportRun) -> ImportReport | None:
    """Return the report; None if there is none, or another release has kept it."""
    try:
        return life.as_json.validate_python(run.report) if run.report else None
    except ValidationError:
        return None
