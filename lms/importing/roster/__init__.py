"""A roster: who is to be enrolled where, or no longer; previewed line by line, applied at once."""

from collections import Counter
from pathlib import Path

from sqlalchemy.orm import Session

from lms.db import LARGEST_ID, db
from lms.enrollment.batch import Progress, apply_batch, lock_batch
from lms.enrollment.people import Invite
from lms.importing.roster.deciding import DecidedLine, decide, entry_of
from lms.importing.roster.reading import NoRoster, RosterLine, read
from lms.queries.read_model import read_model
from lms.transaction import transactional

__all__ = ["DecidedLine", "NoRoster", "RosterReport", "import_roster"]


@read_model
class RosterReport:
    """What a roster did, or would do."""

    applied: bool
    run_id: int | None
    """The run for `flask sync undo`; None if nothing was changed."""
    counts: dict[str, int]
    rows: list[DecidedLine]


def import_roster(
    path: Path,
    *,
    apply: bool,
    invite: Invite | None = None,
    progress: Progress = lambda _done, _total: None,
) -> RosterReport:
    """Report what each line would do; with `apply`, do all that is possible in one transaction.

    `invite` makes the links for new people. Raises NoRoster.
    """
    lines = read(path)
    if apply:
        return _apply(lines, invite, progress)
    decided, _ = decide(db.session(), lines)
    return _report(decided, run_id=None, applied=False)


@transactional
def _apply(
    session: Session, lines: list[RosterLine], invite: Invite | None, progress: Progress
) -> RosterReport:
    understood = [entry for line in lines if not isinstance(entry := entry_of(line), str)]
    lock_batch(
        session,
        {entry.email for entry in understood},
        {entry.course_id for entry in understood if entry.course_id <= LARGEST_ID},
    )
    decided, entries = decide(session, lines)
    run_id = None
    if entries:
        run_id = apply_batch(session, entries, by=None, invite=invite, progress=progress)
    return _report(decided, run_id=run_id, applied=True)


def _report(decided: list[DecidedLine], *, run_id: int | None, applied: bool) -> RosterReport:
    counts = Counter(line.outcome for line in decided)
    return RosterReport(
        applied=applied,
        run_id=run_id,
        counts={
            name: counts[name]
            for name in ("enroll", "create_and_enroll", "unenroll", "nothing", "refused")
        },
        rows=decided,
    )
