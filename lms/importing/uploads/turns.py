"""Whose turn it is: a process takes up a roster, says that it lives, and lets go with a result.

Only the latest turn may write one: a process that was taken for dead changes nothing.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, Update, select, update
from sqlalchemy.orm import Session, undefer

from lms import pulse
from lms.db import now
from lms.importing.roster import RosterReport
from lms.importing.runs import files
from lms.importing.uploads.preview import kept, mark_of
from lms.live import touch
from lms.models import RosterUpload
from lms.transaction import transactional

KEPT = timedelta(days=1)
MOST_ATTEMPTS = 3
UNFINISHED = RosterUpload.status.in_(("reading", "applying"))
INTERRUPTED = "The work on this roster was interrupted several times."


class TurnLost(RuntimeError):  # noqa: N818 - a fact for whoever has lost their turn
    """Somebody else has changed the upload since it was taken up."""


class Taken(NamedTuple):
    """A roster that a process has taken up."""

    id: int
    turn: int
    is_confirmed: bool

    @property
    def token(self) -> str:
        """What its folder for signs of life is called."""
        return f"roster-{self.id}-{self.turn}"


def unchanged(what: str, *, is_confirmed: bool) -> str:
    """Say what stopped the work on a roster, and the way out: without a preview, not once more."""
    way_out = "Try again, or cancel it." if is_confirmed else "Cancel it, then submit it again."
    return f"{what} Nothing was changed. {way_out}"


@transactional
def take(session: Session) -> Taken | None:
    """Take up a roster that waits for work; one that has ended its process often waits no more."""
    waiting = select(RosterUpload).where(UNFINISHED)
    for upload in session.scalars(waiting.order_by(RosterUpload.id).with_for_update()):
        if is_alive(upload) or is_overdue(upload):
            continue
        renew(upload)
        touch(session, "imports")
        if upload.attempts >= MOST_ATTEMPTS:
            told = unchanged(INTERRUPTED, is_confirmed=upload.status == "applying")
            upload.problem = f"{told} You can also use the command flask import roster."
            upload.status = "preview"
            continue
        upload.attempts += 1
        upload.owner = pulse.owner()
        return Taken(upload.id, upload.turn, is_confirmed=upload.status == "applying")
    return None


@transactional
def beat(session: Session, taken: Taken, percent: int) -> None:
    """Say that a process lives, and how far it is."""
    session.execute(_mine(taken).values(percent=percent, heartbeat_at=now()))


@transactional
def keep_preview(
    session: Session, taken: Taken, report: RosterReport, *, problem: str = ""
) -> None:
    """Show what the roster would do."""
    if (upload := session.scalar(_standing(taken))) is not None:
        show(upload, report)
        upload.problem, upload.owner = problem, ""
        touch(session, "imports")


@transactional
def keep_problem(session: Session, taken: Taken, problem: str) -> None:
    """Say why nothing was done, beside the preview if there is one."""
    if (upload := session.scalar(_standing(taken))) is not None:
        upload.status, upload.problem, upload.owner = "preview", problem, ""
        touch(session, "imports")


def keep_result(session: Session, taken: Taken, report: RosterReport) -> None:
    """End a roster in its own transaction: it is applied if and only if all of it is there.

    Raises TurnLost where it was taken for dead or deleted meanwhile; then nothing is applied.
    """
    ended = _mine(taken).values(
        status="applied",
        report=kept(report),
        content="",
        run_id=report.run_id,
        percent=100,
        owner="",
        finished_at=now(),
    )
    if session.execute(ended.returning(RosterUpload.id)).first() is None:
        raise TurnLost
    touch(session, "imports")


def content_of(session: Session, taken: Taken) -> RosterUpload | None:
    """Return the upload with what was given; None if the turn is lost."""
    return session.scalar(
        select(RosterUpload).where(*_is_mine(taken)).options(undefer(RosterUpload.content))
    )


def is_alive(upload: RosterUpload) -> bool:
    """Return whether a process works on it."""
    if not upload.owner:
        return False
    found = noted(upload)
    last = max(upload.heartbeat_at, found[1]) if found else upload.heartbeat_at
    return pulse.is_felt(upload.owner, last)


def is_overdue(upload: RosterUpload) -> bool:
    """Return whether it has had its day."""
    return now() - upload.started_at > KEPT and not is_alive(upload)


def noted(upload: RosterUpload) -> tuple[int, datetime] | None:
    """Return what a process has noted in a file, which works on it on SQLite."""
    return files.noted(f"roster-{upload.id}-{upload.turn}")


def show(upload: RosterUpload, report: RosterReport) -> None:
    """Keep what a roster would do as its preview."""
    upload.status, upload.report, upload.mark = "preview", kept(report), mark_of(report)
    upload.ending, upload.problem = report.allow_unenroll, ""


def renew(upload: RosterUpload) -> None:
    """Take the roster from whoever may still work on it."""
    upload.turn += 1
    upload.owner, upload.percent, upload.heartbeat_at = "", 0, now()


def _mine(taken: Taken) -> Update:
    return update(RosterUpload).where(*_is_mine(taken))


def _standing(taken: Taken) -> Select[RosterUpload]:
    return select(RosterUpload).where(*_is_mine(taken)).with_for_update()


def _is_mine(taken: Taken) -> tuple[Any, ...]:
    status = "applying" if taken.is_confirmed else "reading"
    same = RosterUpload.id == taken.id, RosterUpload.turn == taken.turn
    return *same, RosterUpload.status == status
