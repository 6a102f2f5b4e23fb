"""Import of an old school: read into a scratch database, decide there, apply in one transaction.

A preview takes the same decisions on a snapshot of the portal, and writes nothing. Each kind of
rows has a module that says how one is read, what becomes of it, and how it is written.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.orm import Session

from lms.db import db
from lms.enrollment import intake
from lms.enrollment.people import Invite
from lms.importing.legacy import (
    access,
    chapters,
    courses,
    credentials,
    enrollments,
    learning,
    payments,
    people,
    requests,
    telling,
)
from lms.importing.legacy.access import pairs
from lms.importing.legacy.address import NoOldSchool
from lms.importing.legacy.address import address as where
from lms.importing.legacy.answers import Answers, BadAnswer, answers
from lms.importing.legacy.job import Job, recognize
from lms.importing.legacy.names import Matching, UnclearSchool
from lms.importing.legacy.questions import Question
from lms.importing.legacy.reading import Reading
from lms.importing.legacy.report import OUTCOMES, ImportReport, Reason, summarize
from lms.importing.legacy.source import OldSchool, opened
from lms.importing.legacy.staging import Progress, fingerprint, scratch_database, stage
from lms.importing.legacy.survey import open_questions, survey
from lms.ledger.clocks import books_of_command
from lms.models import ImportSchool
from lms.transaction import transactional

__all__ = [
    "Answers",
    "BadAnswer",
    "ImportReport",
    "NoOldSchool",
    "Occasion",
    "Question",
    "Reason",
    "UnclearSchool",
    "answers",
    "fingerprint",
    "import_legacy",
    "telling",
]

KINDS = (
    people.PEOPLE,
    credentials.CREDENTIALS,
    courses.COURSES,
    chapters.CHAPTERS,
    learning.COMPLETIONS,
    enrollments.ENROLLMENTS,
    enrollments.PROGRESS,
    requests.REQUESTS,
    payments.PAYMENTS,
)
# Each decision builds on those before it: what refers to a row comes after that row, and it is
# known who has access once requests and payments have said which of them count.
DECISIONS = (
    people.merge_same,
    courses.merge_same,
    recognize,
    people.decide,
    credentials.decide,
    courses.decide,
    chapters.decide,
    learning.decide_completions,
    enrollments.merge_same,
    requests.merge_same,
    payments.merge_same,
    access.decide,
    enrollments.decide,
    learning.decide_figures,
    requests.decide,
    payments.decide,
)
WRITES = (
    people.write,
    courses.write,
    chapters.write,
    learning.write_completions,
    learning.write_figures,
    access.write,
    payments.write,
    requests.write,
    courses.open_to_all,
    learning.recompute,
)
_READING, _DECIDING, _WRITING = 30, 20, 50
"""Shares of the whole in percent, for the progress bar."""


@dataclass(frozen=True)
class Occasion:
    """Who imports, and what else has to hold; for a command, nothing."""

    by: int | None = None
    called: str = ""
    """What reports call the old database, if not by its address."""
    folder: Path | None = None
    """Where the scratch file lies, if not among those of the system."""
    decided: Callable[[Connection, ImportReport], None] = lambda _scratch, _report: None
    """Is given what was decided, before anything is written; it may refuse."""
    written: Callable[[Session, ImportReport], None] = lambda _session, _report: None
    """Adds to the transaction of the import, as its last step."""


def import_legacy(
    address: str,
    *,
    apply: bool,
    said: Answers | None = None,
    invite: Invite | None = None,
    progress: Progress = lambda _done, _total: None,
    occasion: Occasion | None = None,
) -> ImportReport:
    """Report the outcome of every row of the old school at this address; with `apply`, import it.

    `said` is what its data does not tell, and `invite` makes the links for new people who have no
    password. Raises, in words, NoOldSchool where there is none to be read, UnclearSchool where it
    can't be told which table is which, and BadAnswer.
    """
    said, occasion = said or Answers(), occasion or Occasion()
    matching = Matching({kind.table.name: kind.names for kind in KINDS}, said)
    with scratch_database(occasion.folder) as engine:
        with opened(where(address), db.engine, matching) as school, engine.begin() as scratch:
            reading = replace(survey(school, KINDS, said), **_books())
            stage(
                scratch,
                school,
                KINDS,
                reading,
                lambda of, total: progress(_READING * of, 100 * total),
            )
        questions = [*open_questions(reading), *reading.questions(), *matching.questions]
        old = _Old(school, reading, questions, occasion)
        if apply:
            return _apply(engine, old, invite, progress)
        with engine.begin() as scratch:
            _decide(Job(db.session(), scratch, old.address))
            progress(1, 1)
            return old.summarize(scratch, applied=False)


def _books() -> dict[str, Any]:
    """Return what bare days of payments are read by: nothing is locked so far."""
    try:
        books, zone = books_of_command(db.session())
        return {"books": books, "school_zone": zone}
    finally:
        db.session.rollback()


class _Old(NamedTuple):
    """The old school as it was read."""

    school: OldSchool
    reading: Reading
    questions: list[Question]
    occasion: Occasion

    @property
    def address(self) -> str:
        """What it is called."""
        return self.occasion.called or self.school.address

    def summarize(self, scratch: Connection, *, applied: bool) -> ImportReport:
        """Report what was decided."""
        found = replace(self.school, address=self.address)
        report = summarize(scratch, found, self.reading, self.questions, applied=applied)
        self.occasion.decided(scratch, report)
        return report


@transactional
def _apply(
    session: Session,
    engine: Engine,
    old: _Old,
    invite: Invite | None,
    progress: Progress,
) -> ImportReport:
    # A retry begins with the rows as they were read: what it decides anew is rolled back.
    with engine.connect() as scratch, scratch.begin() as decided:
        intake.lock_school(session)
        job = Job(session, scratch, old.address, invite=invite)
        _decide(job)
        result = old.summarize(scratch, applied=True)
        if result.created or result.repaired or job.finishes:
            _write(job, result, progress, by=old.occasion.by)
        old.occasion.written(session, result)
        decided.rollback()
        return result


def _decide(job: Job) -> None:
    """Decide the outcome of every row."""
    for decide in DECISIONS:
        decide(job)


def _write(job: Job, result: ImportReport, progress: Progress, *, by: int | None) -> None:
    """Create all rows that were not refused or merged."""
    enrolled = job.scratch.scalar(select(func.count()).select_from(pairs)) or 0
    total = result.created + result.repaired + enrolled
    done = 0

    def advance(number: int) -> None:
        nonlocal done
        done = min(done + number, total)
        progress((_READING + _DECIDING) * total + _WRITING * done, 100 * total)

    job.advance = advance
    if job.school_id is None:
        school = {"address": job.address[:500], "created_at": job.moment}
        job.school_id = job.session.scalar(insert(ImportSchool).returning(ImportSchool.id), school)
    with intake.counting_once(job.session, total):
        for write in WRITES:
            write(job)
    _record(job.session, result, by=by)


def _record(session: Session, result: ImportReport, *, by: int | None) -> None:
    """Keep in the audit trail what became of all rows, the refused ones with their reasons."""
    intake.record_import(
        session,
        by=by,
        address=result.address,
        tables={
            table.table: {name: getattr(table, name) for name in ("read", *OUTCOMES)}
            for table in result.tables
        },
        refused=[
            {"table": table.table, "reason": reason.reason, "count": reason.count}
            for table in result.tables
            for reason in table.reasons
            if reason.outcome == "refused"
        ],
        not_read=result.not_read,
    )
