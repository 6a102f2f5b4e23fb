"""Whether the data is consistent and the database able to keep it so."""

import time
from datetime import datetime, timedelta
from typing import Literal

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from lms import schema
from lms.db import db, now
from lms.models import User
from lms.queries import sync as runs
from lms.queries.read_model import read_model
from lms.sync.latest import Latest, known
from lms.sync.runs import prove_writable

Status = Literal["ok", "degraded", "failing"]

_WRITE_SECONDS = 5
_ANYTHING = select(User.id).limit(1)


@read_model
class DatabaseHealth:
    """How the database answers."""

    engine: str
    is_writable: bool
    latency_ms: float | None
    missing: str
    """Constraints it should enforce but lacks; empty when it has them all."""


@read_model
class Health:
    """The status, and for admins its reasons."""

    status: Status
    problems: list[str]
    violations: dict[str, int]
    last_validation: datetime | None
    last_auto_fix: datetime | None
    failed_webhook_events: int
    waiting_emails: int
    failed_emails: int
    needs_attention: int
    database: DatabaseHealth


def health(report: Latest | None = None) -> Health:
    """Return the portal's health by the latest report, which may be given if it is known."""
    try:
        return _measured(report)
    except SQLAlchemyError as error:
        db.session.rollback()
        database = DatabaseHealth(
            engine=db.engine.dialect.name, is_writable=False, latency_ms=None, missing=""
        )
        return Health(
            status="failing",
            problems=[f"The database can't be read: {type(error).__name__}."],
            violations={},
            last_validation=None,
            last_auto_fix=None,
            failed_webhook_events=0,
            waiting_emails=0,
            failed_emails=0,
            needs_attention=0,
            database=database,
        )


def _measured(found: Latest | None) -> Health:
    database = _database()
    found = found or known()
    report, work = found.report, runs.work_waiting()
    fatal = []
    if not database.is_writable:
        fatal.append("The database can't be written to.")
    if database.missing:
        fatal.append(database.missing)
    if found.is_impossible:
        fatal.append(found.problem)
    problems = [*fatal, *_doubts(found)]
    if _is_stale(work.last_auto_fix):
        problems.append("Auto-fix is overdue: is the worker running?")
    if work.failed_emails:
        problems.append(f"E-mails that couldn't be sent: {work.failed_emails}.")
    if work.failed_webhook_events:
        problems.append(f"Failed Stripe events: {work.failed_webhook_events}.")
    return Health(
        status="failing" if fatal else "degraded" if problems else "ok",
        problems=problems,
        violations=report.counts if report else {},
        last_validation=report.checked_at if report else None,
        last_auto_fix=work.last_auto_fix,
        failed_webhook_events=work.failed_webhook_events,
        waiting_emails=work.waiting_emails,
        failed_emails=work.failed_emails,
        needs_attention=work.needs_attention,
        database=database,
    )


def _doubts(found: Latest) -> list[str]:
    """Return why the school may not be sound, by a report that may be old."""
    doubts = []
    if found.report is None:
        doubts.append("The school has not been validated yet.")
    elif not found.report.ok:
        doubts.append(f"Violations: {found.report.total}.")
    if found.is_overdue:
        doubts.append("Validation is overdue: is the worker running?")
    if found.problem and not found.is_impossible:
        doubts.append(found.problem)
    return doubts


def _database() -> DatabaseHealth:
    began = time.perf_counter()
    db.session.connection().execute(_ANYTHING)
    latency = (time.perf_counter() - began) * 1000
    return DatabaseHealth(
        engine=db.engine.dialect.name,
        is_writable=_is_writable(),
        latency_ms=round(latency, 2),
        missing=_missing(),
    )


def _missing() -> str:
    try:
        schema.check()
    except schema.SchemaIncomplete as gap:
        return gap.detail
    return ""


def _is_writable() -> bool:
    """Try a write, but not at every call: anyone may ask."""
    tried_at, worked = current_app.extensions.get("last_write", (None, False))
    if tried_at is not None and time.monotonic() - tried_at < _WRITE_SECONDS:
        return bool(worked)
    try:
        prove_writable()
        worked = True
    except SQLAlchemyError:
        worked = False
    current_app.extensions["last_write"] = (time.monotonic(), worked)
    return bool(worked)


def _is_stale(last_auto_fix: datetime | None) -> bool:
    interval = current_app.config["LMS_AUTO_FIX_SECONDS"]
    if not interval or last_auto_fix is None:
        return False
    return now() - last_auto_fix > timedelta(seconds=3 * interval + 60)
