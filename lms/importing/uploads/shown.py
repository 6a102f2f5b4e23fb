"""A roster from the browser, as its page shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import undefer

from lms.db import db, now
from lms.importing.roster import DecidedLine, RosterReport
from lms.importing.uploads import life, turns
from lms.importing.uploads.preview import rows_of, summary_of
from lms.models import Course, RosterUpload, User

Status = Literal["reading", "preview", "applying", "applied"]
PAGE = 100
_PATIENCE = timedelta(seconds=15)
"""How long a worker may take to begin before the page says what to look for."""
_UNNAMED = "A pasted list"


@dataclass(frozen=True)
class Shown:
    """One roster: how far it is, and a page of its lines."""

    id: int
    status: Status
    source: str
    is_list: bool
    """Whether it was pasted, for one course."""
    by: str
    """Who sent it; blank if the account is gone."""
    started_at: datetime
    finished_at: datetime | None
    percent: int
    is_late: bool
    """Whether no worker has taken it up, although it has waited for a while."""
    problem: str
    mark: str
    ending: int | None
    run_id: int | None
    report: RosterReport | None
    """Without its lines."""
    rows: list[DecidedLine]
    total: int
    page: int
    pages: int

    @property
    def first(self) -> int:
        """How many lines are on the pages before."""
        return (self.page - 1) * PAGE

    @property
    def is_working(self) -> bool:
        """Whether it goes on by itself."""
        return self.status in {"reading", "applying"}


@dataclass(frozen=True)
class Waiting:
    """A roster that is not applied yet, as the list of them shows it."""

    id: int
    source: str
    by: str
    started_at: datetime


def shown(upload_id: int, *, page: int = 1) -> Shown:
    """Return a roster; raises UploadGone."""
    found = db.session.execute(
        select(RosterUpload, User.name, Course.title)
        .join(User, User.id == RosterUpload.started_by, isouter=True)
        .join(Course, Course.id == RosterUpload.course_id, isouter=True)
        .where(RosterUpload.id == upload_id)
        .options(undefer(RosterUpload.report))
    ).first()
    if found is None or turns.is_overdue(found[0]):
        raise life.UploadGone
    upload, name, title = found
    noted = turns.noted(upload) if upload.owner else None
    report, rows = _read(upload.report, page)
    total = len(upload.report.get("rows", ()))
    return Shown(
        id=upload.id,
        status=upload.status,  # type: ignore[arg-type]  # of the CHECK's words
        source=_named(upload, title),
        is_list=upload.course_id is not None,
        by=name or "",
        started_at=upload.started_at,
        finished_at=upload.finished_at,
        percent=max(upload.percent, noted[0] if noted else 0),
        is_late=not upload.owner and now() - upload.heartbeat_at > _PATIENCE,
        problem=upload.problem,
        mark=upload.mark,
        ending=upload.ending,
        run_id=upload.run_id,
        report=report,
        rows=rows,
        total=total,
        page=page,
        pages=max(1, ceil(total / PAGE)),
    )


def waiting() -> list[Waiting]:
    """Return the rosters that are not applied yet, the latest first."""
    rows = db.session.execute(
        select(RosterUpload, User.name, Course.title)
        .join(User, User.id == RosterUpload.started_by, isouter=True)
        .join(Course, Course.id == RosterUpload.course_id, isouter=True)
        .where(RosterUpload.status != "applied")
        .order_by(RosterUpload.id.desc())
        .limit(20)
    )
    return [
        Waiting(upload.id, _named(upload, title), name or "", upload.started_at)
        for upload, name, title in rows
        if not turns.is_overdue(upload)
    ]


def _named(upload: RosterUpload, title: str | None) -> str:
    if upload.course_id is None:
        return upload.source
    return f"{_UNNAMED} for {title or 'a course that was deleted'}"


def _read(report: Mapping[str, Any], page: int) -> tuple[RosterReport | None, list[DecidedLine]]:
    """Return a report and its lines; nothing if there is none, or another release has kept it."""
    if not report:
        return None, []
    try:
        return summary_of(report), rows_of(report, (page - 1) * PAGE, PAGE)
    except (ValidationError, KeyError):
        return None, []
