"""The life of an import from the browser: begun, read, answered, confirmed, applied or ended.

Each step is one conditional change of its row: whoever comes second, or late, changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, BinaryIO, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lms import logs, pulse
from lms.db import now
from lms.importing.legacy import ImportReport, answers
from lms.importing.runs import files, reach
from lms.live import touch
from lms.models import ImportRun
from lms.refusals import NotFound, Refusal
from lms.transaction import transactional
from lms.upsert import insert

KEPT = timedelta(seconds=files.KEPT_SECONDS)
MOST_ATTEMPTS = 3
Said = Mapping[str, Sequence[str]]
"""What was answered, by option: prices, timezone, maps."""
as_json: TypeAdapter[ImportReport] = TypeAdapter(ImportReport)
"""How a report is kept."""
INTERRUPTED = (
    "The import was interrupted before it finished. Nothing was changed. Read the preview, then"
    " import again or cancel."
)
CHANGED = (
    "The school, or the earlier system's database, has changed since you confirmed the preview."
    " Nothing was imported. This is the new preview: read it, then confirm it."
)


class ImportOpen(Refusal):
    detail = "Another import is open. Finish or cancel it first."


class ImportOver(NotFound):
    detail = "This import has ended. Start another one."


class ImportUnderWay(Refusal):
    detail = "The import is in progress. Wait until it's done."


class PreviewOutdated(Refusal):
    detail = "The preview has changed since you opened the page. Read it, then confirm it."


class TurnLost(RuntimeError):  # noqa: N818 - a fact for the worker that lost its turn
    """Somebody else has changed the import since it was taken up."""


class Taken(NamedTuple):
    """An import that a worker has taken up."""

    id: int
    turn: int
    token: str
    is_file: bool
    source: str
    digest: str
    answers: dict[str, list[str]]
    mark: str
    confirmed_by: int | None
    is_confirmed: bool


def begin_with_file(given: BinaryIO, name: str, *, by: int) -> int:
    """Keep an uploaded database and have it read; return the import's id.

    Raises NoDatabaseFile, and ImportOpen.
    """
    _refuse_second()
    token, digest = files.keep_database(given, name)
    return _begin(token, source=name[:500], digest=digest, by=by)


def begin_with_address(given: str, *, by: int) -> int:
    """Have the database at an address read; return the import's id.

    Raises OutOfReach in words, and ImportOpen.
    """
    source = reach.checked(given)
    _refuse_second()
    return _begin(files.keep_address(given), source=source[:500], digest="", by=by)


@transactional
def answer(session: Session, import_id: int, said: Said, *, by: int) -> None:
    """Have the old database read anew with these answers; raises BadAnswer, and as `confirm`."""
    answers(**said)
    run = _open(session, import_id)
    if run.step == "applying" and not _is_interrupted(run):
        raise ImportUnderWay
    _reread(run, answers=dict(said), problem="")
    touch(session, "imports")
    logs.tell_once_committed(session.info, "import", outcome="answered", actor=by)


@transactional
def confirm(session: Session, import_id: int, mark: str, *, by: int) -> None:
    """Have what a preview says imported, exactly that.

    Raises ImportOver, ImportUnderWay, and PreviewOutdated where it isn't the one that stands now.
    """
    run = _open(session, import_id)
    if run.step == "applying" and not _is_interrupted(run):
        raise ImportUnderWay
    if run.step == "reading" or not run.mark or run.mark != mark:
        raise PreviewOutdated
    _renew(run)
    run.step, run.confirmed_by, run.problem = "applying", by, ""
    touch(session, "imports")
    logs.tell_once_committed(session.info, "import", outcome="confirmed", actor=by)


@transactional
def _cancel(session: Session, import_id: int, *, by: int) -> str:
    run = _open(session, import_id)
    if run.step == "applying" and run.owner and not _is_interrupted(run):
        raise ImportUnderWay("The import is in progress and can no longer be canceled.")
    _end(run, "canceled", "")
    touch(session, "imports")
    logs.tell_once_committed(session.info, "import", outcome="canceled", actor=by)
    return run.token


def cancel(import_id: int, *, by: int) -> None:
    """End an import before it has changed anything; raises ImportOver and ImportUnderWay."""
    files.remove(_cancel(import_id, by=by))  # on another machine, its worker does


@transactional
def take(session: Session) -> Taken | None:
    """Take up the open import, if it waits for work and its files are here.

    One that was interrupted while it was applied waits for the admin instead; one whose reading
    has ended its worker several times has failed.
    """
    run = session.scalar(_OPEN.with_for_update())
    if run is None or not is_waiting(run) or not files.is_here(run.token):
        return None
    if run.step == "applying" and run.owner:
        _renew(run)
        run.step, run.problem = "preview", INTERRUPTED
        touch(session, "imports")
        return None
    if run.attempts >= MOST_ATTEMPTS:
        _end(
            run,
            "failed",
            "The worker stopped each time it tried to read this. Nothing was imported. Tell"
            " whoever runs the portal.",
        )
        touch(session, "imports")
        return None
    _renew(run)
    run.attempts += 1
    run.owner = pulse.owner()
    files.note(run.token, 0)
    touch(session, "imports")
    return Taken(
        *(run.id, run.turn, run.token, run.is_file, run.source, run.digest, run.answers, run.mark),
        run.confirmed_by,
        is_confirmed=run.step == "applying",
    )


@transactional
def beat(session: Session, taken: Taken, percent: int) -> None:
    """Say that a worker lives, and how far it is."""
    mine = _mine(taken).values(percent=percent, heartbeat_at=now())
    session.execute(mine)


@transactional
def keep_preview(session: Session, taken: Taken, report: ImportReport, mark: str) -> None:
    """Show what an import would do."""
    _let_go(session, taken, report=as_json.dump_python(report, mode="json"), mark=mark)


@transactional
def keep_problem(session: Session, taken: Taken, problem: str) -> None:
    """Say what has to be answered before there is a preview, or why none was applied."""
    _let_go(session, taken, problem=problem)


@transactional
def read_again(session: Session, taken: Taken) -> None:
    """Have a preview made of what is different from the one that was confirmed."""
    if (run := session.scalar(_standing(taken))) is not None:
        _reread(run, answers=run.answers, problem=CHANGED)
        touch(session, "imports")


@transactional
def fail(session: Session, taken: Taken, problem: str) -> None:
    """End an import that cannot become anything."""
    if (run := session.scalar(_standing(taken))) is not None:
        _end(run, "failed", problem)
        touch(session, "imports")


def keep_result(session: Session, taken: Taken, report: ImportReport) -> None:
    """End an import in its own transaction: it is applied if and only if all of it is there.

    Raises TurnLost where it was taken for dead or ended meanwhile; then nothing is imported.
    """
    kept = as_json.dump_python(_without_rows(report), mode="json")
    ended = _mine(taken).values(
        {**_ENDED, "status": "applied", "report": kept, "percent": 100, "finished_at": now()}
    )
    if session.execute(ended.returning(ImportRun.id)).first() is None:
        raise TurnLost
    touch(session, "imports")


@transactional
def expire(session: Session) -> None:
    """End an import that is older than a day and that nobody works on."""
    run = session.scalar(_OPEN.with_for_update())
    if run is not None and is_overdue(run):
        _end(run, "expired", "")
        touch(session, "imports")


def is_waiting(run: ImportRun) -> bool:
    """Return whether a worker should take it up."""
    return run.step != "preview" and not is_alive(run)


def is_alive(run: ImportRun) -> bool:
    """Return whether a process works on it."""
    if not run.owner:
        return False
    noted = files.noted(run.token)
    last = max(run.heartbeat_at, noted[1]) if noted else run.heartbeat_at
    return pulse.is_felt(run.owner, last)


def is_overdue(run: ImportRun) -> bool:
    """Return whether it has had its day."""
    return now() - run.started_at > KEPT and not is_alive(run)


@transactional
def _refuse_second(session: Session) -> None:
    """Refuse an import beside another, before anything is kept for it."""
    run = session.scalar(_OPEN.with_for_update())
    if run is None:
        return
    if not is_overdue(run):
        raise ImportOpen
    _end(run, "expired", "")


def _begin(token: str, *, source: str, digest: str, by: int) -> int:
    try:
        return _add(token, source=source, digest=digest, by=by)
    except BaseException:
        files.remove(token)
        raise


@transactional
def _add(session: Session, token: str, *, source: str, digest: str, by: int) -> int:
    import_id: int | None = session.scalar(
        insert(ImportRun)
        .values(
            token=token,
            host=pulse.host(),
            is_file=bool(digest),
            source=source,
            digest=digest,
            started_by=by,
            started_at=now(),
            heartbeat_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(ImportRun.id)
    )
    if import_id is None:
        raise ImportOpen
    touch(session, "imports")
    logs.tell_once_committed(session.info, "import", outcome="begun", actor=by)
    return import_id


def _open(session: Session, import_id: int) -> ImportRun:
    run = session.get(ImportRun, import_id, with_for_update=True, populate_existing=True)
    if run is None or run.status != "open" or is_overdue(run):
        raise ImportOver
    return run


def _is_interrupted(run: ImportRun) -> bool:
    return bool(run.owner) and not is_alive(run)


def _renew(run: ImportRun) -> None:
    """Take the import from whoever may still work on it."""
    run.turn += 1
    run.owner, run.percent, run.heartbeat_at = "", 0, now()


def _reread(run: ImportRun, *, answers: Mapping[str, Any], problem: str) -> None:
    _renew(run)
    run.step, run.answers, run.problem = "reading", dict(answers), problem
    run.attempts, run.report, run.mark = 0, {}, ""


def _end(run: ImportRun, status: str, problem: str) -> None:
    _renew(run)
    run.status, run.problem, run.finished_at = status, problem, now()
    run.report, run.mark, run.answers = {}, "", {}


def _let_go(session: Session, taken: Taken, **values: Any) -> None:
    """Give back what was taken up, as a preview."""
    changes = {"step": "preview", "owner": "", "attempts": 0, **values}
    if session.execute(_mine(taken).values(changes).returning(ImportRun.id)).first() is not None:
        touch(session, "imports")


def _mine(taken: Taken) -> Any:
    return update(ImportRun).where(*_is_mine(taken))


def _standing(taken: Taken) -> Any:
    return select(ImportRun).where(*_is_mine(taken)).with_for_update()


def _is_mine(taken: Taken) -> tuple[Any, ...]:
    return ImportRun.id == taken.id, ImportRun.turn == taken.turn, ImportRun.status == "open"


def _without_rows(report: ImportReport) -> ImportReport:
    """Return a report that shows nobody's row."""
    tables = [
        replace(table, reasons=[replace(reason, sample=[]) for reason in table.reasons])
        for table in report.tables
    ]
    return replace(report, tables=tables)


_OPEN = select(ImportRun).where(ImportRun.status == "open")
_ENDED: dict[str, Any] = {"mark": "", "answers": {}, "problem": "", "owner": ""}
