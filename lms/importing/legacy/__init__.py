"""Import of an old school: read into a scratch database, decide there, apply in one transaction.

A preview takes the same decisions on a snapshot of the portal, and writes nothing.
"""

from collections.abc import Callable

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.orm import Session

from lms.db import db
from lms.enrollment import intake
from lms.importing.legacy import access, catalog, claims
from lms.importing.legacy.portal import Portal, recognise
from lms.importing.legacy.reading import stage
from lms.importing.legacy.reporting import OUTCOMES, ImportReport, report
from lms.importing.legacy.source import NoOldSchool, OldSchool, opened
from lms.importing.legacy.staging import pairs, scratch
from lms.importing.legacy.writing import Writer
from lms.transaction import transactional

__all__ = ["ImportReport", "NoOldSchool", "import_legacy"]

Progress = Callable[[int, int], None]
_READING, _DECIDING, _WRITING = 30, 20, 50
"""Shares of the whole in percent, for the progress bar."""


def import_legacy(address: str, *, apply: bool, progress: Progress | None = None) -> ImportReport:
    """Tell what becomes of every row of the old school at this address; with `apply`, do it.

    Raises NoOldSchool, in words, where there is none to be read.
    """
    tell = progress or (lambda _done, _total: None)
    with scratch() as engine:
        with opened(address, db.engine) as school, engine.begin() as connection:
            stage(connection, school, lambda done, total: tell(_READING * done, 100 * total))
        if apply:
            return _apply(engine, school, tell)
        with engine.begin() as connection:
            _decide(connection, db.session(), school)
            tell(1, 1)
            return report(connection, school, applied=False)


@transactional
def _apply(session: Session, engine: Engine, school: OldSchool, tell: Progress) -> ImportReport:
    # A retry begins with the rows as they were read: what it decides anew is rolled back.
    with engine.connect() as connection, connection.begin() as decided:
        intake.hold(session)
        school_id = _decide(connection, session, school)
        result = report(connection, school, applied=True)
        if result.created or result.repaired:
            total = (
                result.created
                + result.repaired
                + (connection.scalar(select(func.count()).select_from(pairs)) or 0)
            )
            done = 0

            def step(number: int) -> None:
                nonlocal done
                done = min(done + number, total)
                tell((_READING + _DECIDING) * total + _WRITING * done, 100 * total)

            Writer(session, connection, school_id, step).write(school.address)
            _tell(session, result)
        decided.rollback()
        return result


def _decide(scratch_: Connection, session: Session, school: OldSchool) -> int | None:
    """Say of every row what becomes of it, and return which known school this is."""
    catalog.elect_people_and_courses(scratch_)
    school_id = recognise(session, scratch_, school.address)
    portal = Portal(session, school_id)
    catalog.decide_people(scratch_, portal)
    catalog.decide_courses(scratch_, portal)
    catalog.decide_chapters(scratch_, portal)
    catalog.decide_completions(scratch_, portal)
    access.refer_rows(scratch_)
    claims.refer_requests(scratch_, portal)
    claims.refer_payments(scratch_, portal)
    access.collect_pairs(scratch_)
    access.decide_pairs(scratch_, portal)
    access.follow_pairs(scratch_)
    access.derive_completions(scratch_)
    access.compare_figures(scratch_)
    claims.decide_requests(scratch_, portal)
    claims.decide_payments(scratch_)
    return school_id


def _tell(session: Session, result: ImportReport) -> None:
    """Keep in the audit trail what became of all rows, the refused ones with their reasons."""
    intake.tell(
        session,
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
