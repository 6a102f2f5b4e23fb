"""A roster: who is to be enrolled where, or no longer; previewed line by line, applied at once."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.orm import Session

from lms.db import db
from lms.enrollment.batch import Entry, Progress, apply_batch, lock_batch
from lms.enrollment.people import Invite
from lms.importing.roster.courses import with_courses
from lms.importing.roster.deciding import Decided, DecidedLine, decide, entry_of
from lms.importing.roster.leavers import leaving
from lms.importing.roster.lines import Roster, RosterLine, has_lost_letters
from lms.importing.roster.losses import CourseLoss, losses, to_be_allowed
from lms.importing.roster.people import with_people
from lms.importing.roster.reading import NoRoster, read
from lms.importing.roster.systems import settled
from lms.queries.read_model import read_model
from lms.texts import counted
from lms.transaction import transactional

__all__ = [
    "Confirmed",
    "CourseLoss",
    "DecidedLine",
    "NoRoster",
    "RosterReport",
    "apply_roster",
    "import_roster",
    "preview_roster",
]


@read_model
class RosterReport:
    """What a roster did, or would do."""

    applied: bool
    format: str
    """What the file was taken for."""
    run_id: int | None
    """The run for `flask sync undo`; None if nothing was changed."""
    losing: list[CourseLoss]
    """Who loses what."""
    allow_unenroll: int | None
    """How many enrollments would end, if that has to be allowed; None if it has not."""
    warnings: list[str]
    counts: dict[str, int]
    effects: str
    """Differs where other people, courses or new names would take effect."""
    rows: list[DecidedLine]


def import_roster(
    path: Path,
    *,
    apply: bool,
    allow_unenroll: int | None = None,
    invite: Invite | None = None,
    progress: Progress = lambda _done, _total: None,
) -> RosterReport:
    """Report what each line would do; with `apply`, do all that is possible in one transaction.

    Where many would lose access, nothing is applied unless `allow_unenroll` says how many.
    `invite` makes the links for new people. Raises NoRoster.
    """
    roster = read(path)
    if not apply:
        return preview_roster(roster)
    return apply_roster(
        roster, Confirmed(allow_unenroll=allow_unenroll), invite=invite, progress=progress
    )


def preview_roster(roster: Roster) -> RosterReport:
    """Report what each line would do."""
    session = db.session()
    lines, warnings = _lines(session, roster)
    return _report(session, roster, decide(session, lines), warnings)


@dataclass(frozen=True)
class Confirmed:
    """What somebody has said to a preview, and what else belongs to the transaction."""

    allow_unenroll: int | None = None
    by: int | None = None
    is_this: Callable[[RosterReport], bool] = lambda _report: True
    """Whether what would be done is what was confirmed."""
    written: Callable[[Session, RosterReport], None] = lambda _session, _report: None
    """Called at the end of the transaction."""


def apply_roster(
    roster: Roster,
    confirmed: Confirmed,
    *,
    invite: Invite | None,
    progress: Progress = lambda _done, _total: None,
) -> RosterReport:
    """Do all that is possible, in one transaction; nothing where that isn't what was confirmed."""
    lines, _ = _lines(db.session(), roster)
    # What has been checked here need not be checked while others wait for their turn to write.
    asked = {entry for line in lines if not isinstance(entry := entry_of(line), str)}
    return _apply(roster, asked, confirmed, invite=invite, progress=progress)


@transactional
def _apply(
    session: Session,
    roster: Roster,
    locked: set[Entry],
    confirmed: Confirmed,
    *,
    invite: Invite | None,
    progress: Progress,
) -> RosterReport:
    lock_batch(session, {entry.email for entry in locked}, {entry.course_id for entry in locked})
    # Again, now that nothing moves; whoever only now would leave is left to the next time.
    lines, warnings = _lines(session, roster)
    lines = [line for line in lines if isinstance(each := entry_of(line), str) or each in locked]
    decision = decide(session, lines)
    report = _report(session, roster, decision, warnings)
    if report.allow_unenroll not in {None, confirmed.allow_unenroll}:
        return report
    if not confirmed.is_this(report):
        return report
    run_id = None
    if decision.entries:
        run_id = apply_batch(
            session, decision.entries, by=confirmed.by, invite=invite, progress=progress
        )
    report = replace(report, applied=True, run_id=run_id, allow_unenroll=None)
    confirmed.written(session, report)
    return report


def _lines(session: Session, roster: Roster) -> tuple[list[RosterLine], list[str]]:
    """Return all lines, those of people who leave without one included, and what to tell."""
    lines = with_courses(session, with_people(session, roster.lines))
    if roster.is_from_system:
        lines = settled(lines)
    leavers, warnings = leaving(session, roster, lines)
    return lines + leavers, [*roster.warnings, *warnings, *_lost_letters(lines)]


def _lost_letters(lines: list[RosterLine]) -> list[str]:
    lost = [line for line in lines if has_lost_letters(line.name)]
    if not lost:
        return []
    first = f"{lost[0].name} (line {lost[0].number})"
    which = (
        f"The name {first} seems to have lost letters"
        if len(lost) == 1
        else f"{counted(len(lost), 'name')} seem to have lost letters, such as {first}"
    )
    return [f"{which}: export the list again as UTF-8."]


def _report(
    session: Session, roster: Roster, decision: Decided, warnings: list[str]
) -> RosterReport:
    counts = Counter(line.outcome for line in decision.lines)
    losing = losses(session, decision.entries)
    is_empty = bool(roster.complete) and not any(
        line.action == "enroll" and line.outcome != "refused" for line in decision.lines
    )
    return RosterReport(
        applied=False,
        format=roster.format,
        run_id=None,
        losing=losing,
        allow_unenroll=to_be_allowed(losing, is_empty=is_empty),
        warnings=warnings,
        counts={
            name: counts[name]
            for name in ("enroll", "create_and_enroll", "unenroll", "nothing", "refused")
        },
        effects=decision.effects,
        rows=decision.lines,
    )
