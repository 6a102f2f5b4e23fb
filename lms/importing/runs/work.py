"""What a worker does for an import from the browser: read it, import it, tidy up after it."""

import logging
from functools import partial

from sqlalchemy import Connection, select

from lms.db import db
from lms.enrollment.people import Invite
from lms.importing.beating import beating
from lms.importing.legacy import (
    Answers,
    BadAnswer,
    ImportReport,
    NoOldSchool,
    Occasion,
    UnclearSchool,
    answers,
    fingerprint,
    import_legacy,
)
from lms.importing.legacy.staging import Progress
from lms.importing.runs import files, life
from lms.importing.runs.life import Taken
from lms.models import ImportRun

_log = logging.getLogger(__name__)


class _OtherPreview(Exception):  # noqa: N818 - a fact for the admin
    """What would be imported is not what was confirmed."""


def is_work_due() -> bool:
    """Return whether an import waits for this machine, or has left files here."""
    run = db.session.scalar(select(ImportRun).where(ImportRun.status == "open"))
    if run is not None:
        if life.is_overdue(run):
            return True
        if life.is_waiting(run) and files.is_here(run.token):
            return True
    return any(token != (run and run.token) for token in _known_or_old())


def work_when_due(invite: Invite | None) -> None:
    """Carry out the import that waits, if there is one; `invite` makes links for new people."""
    life.expire()
    if (taken := life.take()) is not None:
        with beating(taken.token, partial(life.beat, taken)) as progress:
            if taken.is_confirmed:
                _apply(taken, invite, progress)
            else:
                _read(taken, progress)
    for token in _known_or_old():
        files.remove(token)


def _read(taken: Taken, progress: Progress) -> None:
    marks: list[str] = []

    def decided(scratch: Connection, _report: ImportReport) -> None:
        marks.append(fingerprint(scratch))

    try:
        report = import_legacy(
            _address(taken),
            apply=False,
            said=_said(taken),
            progress=progress,
            occasion=Occasion(
                called=taken.source, folder=files.place(taken.token), decided=decided
            ),
        )
    except (UnclearSchool, BadAnswer) as refusal:
        life.keep_problem(taken, refusal.detail)
    except NoOldSchool as refusal:
        life.fail(taken, _named(taken, refusal.detail))
    except Exception as error:  # noqa: BLE001 - the page says so; the worker goes on
        _log.exception("an old school couldn't be read")
        life.fail(
            taken,
            f"This couldn't be read ({type(error).__name__}). Nothing was imported. Try again, or"
            " ask whoever runs the portal: its log says why.",
        )
    else:
        life.keep_preview(taken, report, marks[-1])
    finally:
        db.session.rollback()


def _apply(taken: Taken, invite: Invite | None, progress: Progress) -> None:
    def decided(scratch: Connection, _report: ImportReport) -> None:
        if fingerprint(scratch) != taken.mark:
            raise _OtherPreview

    try:
        _refuse_other_file(taken)
        import_legacy(
            _address(taken),
            apply=True,
            said=_said(taken),
            invite=invite,
            progress=progress,
            occasion=Occasion(
                by=taken.confirmed_by,
                called=taken.source,
                folder=files.place(taken.token),
                decided=decided,
                written=lambda session, report: life.keep_result(session, taken, report),
            ),
        )
    except _OtherPreview:
        life.read_again(taken)
    except life.TurnLost:
        _log.warning("an import was ended by somebody else before it was done")
    except NoOldSchool as refusal:
        life.fail(taken, _named(taken, refusal.detail))
    except Exception as error:  # noqa: BLE001 - the page says so; the worker goes on
        _log.exception("an import has failed")
        life.keep_problem(
            taken,
            f"The import stopped ({type(error).__name__}). Nothing was changed. Try again, or"
            " cancel it.",
        )


def _refuse_other_file(taken: Taken) -> None:
    if taken.is_file and files.digest(files.database(taken.token)) != taken.digest:
        raise _OtherPreview


def _said(taken: Taken) -> Answers:
    return answers(**taken.answers)


def _address(taken: Taken) -> str:
    if not taken.is_file:
        return files.address(taken.token)
    return f"sqlite:///{files.database(taken.token)}"


def _named(taken: Taken, words: str) -> str:
    """Return a refusal that names what was uploaded, not where it lies."""
    return words.replace(str(files.database(taken.token)), taken.source)


def _known_or_old() -> list[str]:
    """Return the tokens of files here whose import is over, or that nobody can still use."""
    found = dict(files.left())
    if not found:
        return []
    rows = db.session.execute(
        select(ImportRun.token, ImportRun.status).where(ImportRun.token.in_(found))
    )
    status = {row.token: row.status for row in rows}
    return [
        token
        for token, is_old in found.items()
        if status.get(token, "open" if not is_old else "unknown") != "open"
    ]
