"""Whether the data is consistent and the database able to keep it so."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from lms import questions, schema
from lms.background import in_this_portal
from lms.db import WAIT_SECONDS, db, now
from lms.files import bucket, store
from lms.models import User
from lms.queries import sync as runs
from lms.queries.read_model import read_model
from lms.questions import Heard, Probe
from lms.refusals import StorageAway
from lms.sync.latest import Latest, known, latest
from lms.sync.runs import prove_writable

Status = Literal["ok", "degraded", "failing"]

SILENT_SECONDS = 2
"""Silence this long is no slowness any more."""
_RECENT_SECONDS = 5
_ANYTHING = select(User.id).limit(1)


_NO_STORAGE = "The storage of files (LMS_FILES_BUCKET) can't be used: the log says why."
_ASK = "Ask whoever runs the portal whether the worker is running."


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
    asked = probes()
    _ask_storage(asked)
    try:
        found = _School(report or known(), runs.work_waiting())
        return _judged(_database(), found, _storage_doubts(asked, questions.deadline()))
    except SQLAlchemyError as error:
        db.session.rollback()
        return _unreadable(f"The database can't be read: {type(error).__name__}.")


def health_soon(deadline: float) -> Health:
    """Return the portal's health by then, whatever the database does.

    The database is asked by threads of which this one is none. While an answer is on its way, the
    one before counts, if it is no older than a few seconds; what has long been silent is failing.
    """
    asked = ask_health()
    try:
        school, rules = asked.school.heard(deadline), asked.rules.heard(deadline)
    except SQLAlchemyError as error:
        return _unreadable(f"The database can't be read: {type(error).__name__}.")
    if school.silence >= SILENT_SECONDS:
        return _unreadable(f"The database hasn't answered for {school.silence:.0f} s.")
    if school.answer is None or (school.silence and school.age > _RECENT_SECONDS):
        slow = f"The database hasn't answered within {questions.PATIENCE_SECONDS} s."
        return _unreadable(slow, status="degraded")
    found = school.answer
    if found.latest.report is None:
        found = replace(found, latest=_first_report(asked, deadline) or found.latest)
    writing = _written(asked, deadline)
    doubts = _unheard(rules, "the database's constraints", "The check of constraints")
    if writing is not None:
        topic = "whether the database can be written to"
        doubts += _unheard(writing, topic, "A test write to the database")
    doubts += _storage_doubts(asked, deadline)
    database = DatabaseHealth(
        engine=db.engine.dialect.name,
        is_writable=writing is not None,
        latency_ms=found.latency_ms,
        missing=rules.answer or "",
    )
    return _judged(database, found, doubts)


@dataclass(frozen=True)
class _School:
    """What the database says of the school."""

    latest: Latest
    work: runs.WorkWaiting
    latency_ms: float | None = None


class Probes:
    """What each process asks the database, and has heard of late."""

    def __init__(self) -> None:
        self.school = Probe[_School]()
        self.first_report = Probe[Latest]()
        self.rules = Probe[str](good_for=_RECENT_SECONDS)
        self.storage = Probe[bool](good_for=_RECENT_SECONDS)
        self.writing = Probe[None](good_for=_RECENT_SECONDS)
        """A write is tried, but not at every call: anyone may ask."""


def probes() -> Probes:
    """Return what this process asks its database."""
    found: Probes = current_app.extensions.setdefault("health", Probes())
    return found


def ask_health() -> Probes:
    """Ask the database what health depends on, and wait for nothing.

    A process that begins does so that its first answer already has something to say.
    """
    asked = probes()
    asked.school.ask(in_this_portal(_school))
    asked.rules.ask(in_this_portal(_missing))
    _ask_storage(asked)
    asked.writing.ask(in_this_portal(prove_writable))
    return asked


def _school() -> _School:
    latency = _latency()
    return _School(latest(), runs.work_waiting(), latency)


def _ask_storage(asked: Probes) -> None:
    if bucket.is_set():
        asked.storage.ask(in_this_portal(_is_storage_there))


def _is_storage_there() -> bool:
    try:
        store.reach()
    except StorageAway:
        return False
    return True


def _storage_doubts(asked: Probes, deadline: float) -> list[str]:
    """Return what is wrong with the storage, by the latest answer: it may long be silent."""
    return (
        [_NO_STORAGE] if bucket.is_set() and asked.storage.heard(deadline).answer is False else []
    )


def _first_report(asked: Probes, deadline: float) -> Latest | None:
    """Have the first report of all made, if nobody else does; return it if it comes soon."""
    asked.first_report.ask(in_this_portal(known))
    try:
        return asked.first_report.heard(deadline).answer
    except SQLAlchemyError:  # it couldn't be written: the other probe says so
        return None


def _written(asked: Probes, deadline: float) -> Heard[None] | None:
    """Return what is heard of the latest write; None if it was refused, or waits too long."""
    try:
        heard = asked.writing.heard(deadline)
    except SQLAlchemyError:
        return None
    return heard if heard.silence < WAIT_SECONDS else None


def _unheard(heard: Heard[Any], topic: str, question: str) -> list[str]:
    """Return the doubt that is left where no answer has come yet, or none for too long."""
    if heard.age == math.inf:
        return [f"Not checked yet: {topic}."]
    if heard.silence and heard.age > _RECENT_SECONDS:
        return [f"{question} has been waiting for {heard.silence:.0f} s."]
    return []


def _unreadable(problem: str, status: Status = "failing") -> Health:
    database = DatabaseHealth(
        engine=db.engine.dialect.name, is_writable=False, latency_ms=None, missing=""
    )
    return Health(
        status=status,
        problems=[problem],
        violations={},
        last_validation=None,
        last_auto_fix=None,
        failed_webhook_events=0,
        waiting_emails=0,
        failed_emails=0,
        needs_attention=0,
        database=database,
    )


def _judged(database: DatabaseHealth, school: _School, doubts: Iterable[str] = ()) -> Health:
    found, work = school.latest, school.work
    report = found.report
    fatal = []
    if not database.is_writable:
        fatal.append("The database can't be written to. Tell whoever runs the portal.")
    if database.missing:
        fatal.append(database.missing)
    if found.is_impossible:
        fatal.append(found.problem)
    problems = [*fatal, *doubts, *_doubts(found)]
    if _is_stale(work.last_auto_fix):
        problems.append(f"The scheduled repair is overdue. {_ASK}")
    if work.failed_emails:
        problems.append(
            f"E-mails that couldn't be sent: {work.failed_emails}. The portal's log says why."
        )
    if work.failed_webhook_events:
        problems.append(
            f"Failed Stripe events: {work.failed_webhook_events}. See Stripe events under Payments."
        )
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
        doubts.append("The school hasn't been validated yet.")
    elif not found.report.ok:
        doubts.append(f"Violations: {found.report.total}.")
    if found.is_overdue:
        doubts.append(f"Validation is overdue. {_ASK}")
    if found.problem and not found.is_impossible:
        doubts.append(found.problem)
    return doubts


def _database() -> DatabaseHealth:
    latency, asked = _latency(), probes()
    asked.writing.ask(in_this_portal(prove_writable))
    return DatabaseHealth(
        engine=db.engine.dialect.name,
        latency_ms=latency,
        is_writable=_written(asked, time.monotonic() + WAIT_SECONDS) is not None,
        missing=_missing(),
    )


def _latency() -> float:
    began = time.perf_counter()
    db.session.connection().execute(_ANYTHING)
    return round((time.perf_counter() - began) * 1000, 2)


def _missing() -> str:
    try:
        schema.check()
    except schema.SchemaIncomplete as gap:
        return gap.detail
    return ""


def _is_stale(last_auto_fix: datetime | None) -> bool:
    interval = current_app.config["LMS_AUTO_FIX_SECONDS"]
    if not interval or last_auto_fix is None:
        return False
    return now() - last_auto_fix > timedelta(seconds=3 * interval + 60)
