"""The life of a roster from the browser: given, previewed, confirmed, applied or deleted.

Each step is one conditional change of its row: whoever comes second, or late, changes nothing.
"""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lms import logs, pulse
from lms.db import now
from lms.importing.roster import RosterReport, preview_roster
from lms.importing.uploads import content as given
from lms.importing.uploads.turns import (
    KEPT,
    UNFINISHED,
    Taken,
    is_alive,
    is_overdue,
    renew,
    show,
)
from lms.live import touch
from lms.models import RosterUpload
from lms.refusals import Invalid, NotFound, Refusal
from lms.texts import counted
from lms.transaction import transactional


class UploadGone(NotFound):
    detail = (
        "This roster no longer exists. Rosters are kept for a day, and all are deleted when a"
        " person is erased. If it wasn't applied, submit it again."
    )


class UploadUnderWay(Refusal):
    detail = "The roster is being applied and can no longer be canceled."


class UploadApplied(Refusal):
    detail = "The roster has already been applied and can no longer be canceled."
    undo = " Undo reverses what it did."


class PreviewOutdated(Refusal):
    detail = "The preview has changed since you opened the page. Read it, then apply it."


def begin(source: str, content: bytes, *, course_id: int | None, by: int) -> int:
    """Keep what was given, and return its id; unless it is long, it has its preview at once.

    Raises NoRoster.
    """
    roster = given.roster_of(source, course_id, content)
    is_read = given.is_short(roster, given.READ_AT_ONCE)
    return _add(
        {
            "source": source,
            "course_id": course_id,
            "is_short": given.is_short(roster, given.APPLIED_AT_ONCE),
            "digest": given.digest(content),
            "content": given.packed(content),
            "started_by": by,
        },
        preview_roster(roster) if is_read else None,
    )


@transactional
def _add(session: Session, values: dict[str, Any], report: RosterReport | None) -> int:
    upload = RosterUpload(**values, started_at=now(), heartbeat_at=now(), report={})
    if report is not None:
        show(upload, report)
    session.add(upload)
    session.flush()
    touch(session, "imports")
    logs.tell_once_committed(
        session.info, "roster", outcome="begun", upload=upload.id, actor=upload.started_by
    )
    return upload.id


@transactional
def confirm(
    session: Session, upload_id: int, mark: str, *, ending: int | None, by: int
) -> Taken | None:
    """Have what a preview says applied, exactly that; return it if the caller is to do it.

    Confirmed already, it changes nothing. Raises Invalid where the number of enrollments that end
    isn't the preview's, PreviewOutdated and UploadGone.
    """
    upload = _locked(session, upload_id)
    if upload.status in {"applying", "applied"}:
        return None
    if upload.status == "reading" or upload.mark != mark:
        raise PreviewOutdated
    if upload.ending is not None and upload.ending != ending:
        enrollments = counted(upload.ending, "enrollment")
        raise Invalid("ending", f"{enrollments} would end. If that is right, type {upload.ending}.")
    renew(upload)
    upload.status, upload.confirmed_by, upload.problem, upload.attempts = "applying", by, "", 0
    if upload.is_short:
        upload.owner = pulse.owner()
    touch(session, "imports")
    logs.tell_once_committed(
        session.info, "roster", outcome="confirmed", upload=upload.id, actor=by
    )
    return Taken(upload.id, upload.turn, is_confirmed=True) if upload.is_short else None


@transactional
def cancel(session: Session, upload_id: int, *, by: int) -> None:
    """Delete a roster that has changed nothing; one that is gone already is no fault.

    Raises UploadUnderWay and UploadApplied.
    """
    upload = session.get(RosterUpload, upload_id, with_for_update=True, populate_existing=True)
    if upload is None:
        return
    if upload.status == "applied":
        way_out = "" if upload.run_id is None else UploadApplied.undo
        raise UploadApplied(UploadApplied.detail + way_out)
    if upload.status == "applying" and is_alive(upload):
        raise UploadUnderWay
    session.delete(upload)
    touch(session, "imports")
    logs.tell_once_committed(session.info, "roster", outcome="canceled", upload=upload.id, actor=by)


@transactional
def forget_old(session: Session) -> int:
    """Delete rosters that have had their day, and return how many."""
    old = session.scalars(
        select(RosterUpload).where(_is_old()).with_for_update(skip_locked=True)
    ).all()
    gone = [upload.id for upload in old if not is_alive(upload)]
    if gone:
        session.execute(delete(RosterUpload).where(RosterUpload.id.in_(gone)))
        touch(session, "imports")
    return len(gone)


def is_work_due(session: Session) -> bool:
    """Return whether a roster waits for a worker, or has had its day."""
    found = session.scalars(select(RosterUpload).where(UNFINISHED | _is_old())).all()
    return any(not is_alive(upload) for upload in found)


def _is_old() -> Any:
    return RosterUpload.started_at < now() - KEPT


def _locked(session: Session, upload_id: int) -> RosterUpload:
    upload = session.get(RosterUpload, upload_id, with_for_update=True, populate_existing=True)
    if upload is None or is_overdue(upload):
        raise UploadGone
    return upload
