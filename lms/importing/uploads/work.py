"""What a process does for a roster from the browser: preview it, apply it."""

import logging
from functools import partial

from lms.db import db
from lms.enrollment.batch import Progress
from lms.enrollment.people import Invite
from lms.importing.beating import beating
from lms.importing.roster import Confirmed, apply_roster, preview_roster
from lms.importing.runs import files
from lms.importing.uploads import content as given
from lms.importing.uploads import life, turns
from lms.importing.uploads.preview import mark_of
from lms.importing.uploads.turns import Taken

CHANGED = (
    "The school has changed since you confirmed the preview. Nothing was applied. This is the new"
    " preview: read it, then apply it."
)
_log = logging.getLogger(__name__)


def is_work_due() -> bool:
    """Return whether a roster waits for a worker, or has had its day."""
    return life.is_work_due(db.session())


def work_when_due(invite: Invite | None) -> None:
    """Carry out the rosters that wait; `invite` makes links for new people."""
    life.forget_old()
    while (taken := turns.take()) is not None:
        carry_out(taken, invite)


def confirm(
    upload_id: int, mark: str, *, ending: int | None, by: int, invite: Invite | None
) -> None:
    """Have a preview applied: a short one at once, another by the worker; as `life.confirm`."""
    if (taken := life.confirm(upload_id, mark, ending=ending, by=by)) is not None:
        carry_out(taken, invite)


def carry_out(taken: Taken, invite: Invite | None) -> None:
    """Preview or apply a roster that this process has taken up, and say what became of it."""
    try:
        files.new_place(taken.token)
        with beating(taken.token, partial(turns.beat, taken)) as progress:
            _carry_out(taken, invite, progress)
    except turns.TurnLost:
        _log.warning("a roster was ended by somebody else before it was applied")
    except Exception as error:  # noqa: BLE001 - the page says so; the process goes on
        _log.exception("a roster has failed")
        db.session.rollback()
        what = f"The portal couldn't process this roster ({type(error).__name__})."
        turns.keep_problem(taken, turns.unchanged(what, is_confirmed=taken.is_confirmed))
    finally:
        db.session.rollback()
        files.remove(taken.token)


def _carry_out(taken: Taken, invite: Invite | None, progress: Progress) -> None:
    upload = turns.content_of(db.session(), taken)
    if upload is None:
        raise turns.TurnLost
    roster = given.roster_of(upload.source, upload.course_id, given.unpacked(upload.content))
    mark, ending, by = upload.mark, upload.ending, upload.confirmed_by
    if not taken.is_confirmed:
        report = preview_roster(roster)
        db.session.rollback()
        turns.keep_preview(taken, report)
        return
    report = apply_roster(
        roster,
        Confirmed(
            allow_unenroll=ending,
            by=by,
            is_this=lambda found: mark_of(found) == mark,
            written=lambda session, done: turns.keep_result(session, taken, done),
        ),
        invite=invite,
        progress=progress,
    )
    if not report.applied:
        turns.keep_preview(taken, report, problem=CHANGED)
