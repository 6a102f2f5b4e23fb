"""Many enrollments at once, as one transaction that can be undone like a run of auto-fix."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lms.db import Base, now
from lms.enrollment.access import admit, end
from lms.enrollment.people import Invite, open_accounts, welcome
from lms.ledger.audit import record
from lms.ledger.changes import (
    ROSTER,
    Change,
    differences,
    snapshot,
    table_of,
    write_down,
)
from lms.ledger.locks import lock_default_courses, lock_defaults
from lms.ledger.rows import Pair, of_pairs
from lms.ledger.waiting import fill_seats
from lms.live import touch
from lms.models import (
    VISIBLE_STATUSES,
    AccessRequest,
    AccessSource,
    AccessWaiver,
    Course,
    Enrollment,
    Offer,
    Payment,
    StudentProgress,
    SyncRun,
    User,
)

Progress = Callable[[int, int], None]
"""Takes how much is done, of how much."""
_REASON = "Roster import"
_CHUNK = 400
_PAIR_TABLES: tuple[type[Base], ...] = (
    Payment,
    Enrollment,
    StudentProgress,
    AccessSource,
    AccessRequest,
    AccessWaiver,
    Offer,
)


@dataclass(frozen=True)
class Entry:
    """Whom to enroll or unenroll; a missing account is created."""

    action: Literal["enroll", "unenroll"]
    email: str
    name: str
    course_id: int


def lock_batch(session: Session, emails: Collection[str], course_ids: Collection[int]) -> None:
    """Lock all that a batch may change, in the order of all verbs: defaults, courses, users."""
    lock_defaults(session)
    open_to_all = Course.is_default_unlocked & Course.status.in_(VISIBLE_STATUSES)
    session.execute(
        select(Course.id)
        .where(or_(Course.id.in_(course_ids), open_to_all))
        .order_by(Course.id)
        .with_for_update(key_share=True)
    ).all()
    users = set()
    for part in _parts(sorted(emails)):
        users |= set(session.scalars(select(User.id).where(User.email.in_(part))))
    for ids in _parts(sorted(users)):
        session.execute(
            select(User.id)
            .where(User.id.in_(ids))
            .order_by(User.id)
            .with_for_update(key_share=True)
        ).all()


def apply_batch(
    session: Session,
    entries: Sequence[Entry],
    *,
    by: int | None,
    invite: Invite | None,
    progress: Progress = lambda _done, _total: None,
) -> int:
    """Apply all of it and return the id of the run that undo reverses.

    The caller has locked the batch, and has checked that every entry can be applied.
    `invite` makes the links for new people.
    """
    accounts = _accounts(session, {entry.email for entry in entries})
    known = [(accounts[e.email], e.course_id) for e in entries if e.email in accounts]
    before = _snapshots(session, known, [])
    newcomers = _open_accounts(
        session,
        entries,
        accounts,
        by=by,
        invite=invite,
        progress=lambda done: progress(done, 2 * len(entries)),
    )
    courses = {
        course.id: course
        for course in session.scalars(
            select(Course).where(Course.id.in_({entry.course_id for entry in entries}))
        )
    }
    done = len(entries)
    # In the order of the entries: those who leave make room for those who come.
    for action, alike in groupby(entries, key=lambda entry: entry.action):
        students: dict[int, list[int]] = defaultdict(list)
        for entry in alike:
            students[entry.course_id].append(accounts[entry.email])
        for course_id, ids in students.items():
            progress(done, 2 * len(entries))
            done += len(ids)
            if action == "enroll":
                admit(session, courses[course_id], ids, "import", by=by, reason=_REASON)
            else:
                end(session, courses[course_id], ids, by=by, reason=_REASON)
    session.flush()
    left = Counter(entry.course_id for entry in entries if entry.action == "unenroll")
    for course_id, freed in sorted(left.items()):
        fill_seats(session, courses[course_id], freed=freed)
    after = _snapshots(session, known, newcomers)
    run_id = _log_run(session, entries, newcomers, by=by)
    changes: list[Change] = []
    for table, rows in after.items():
        changes += differences(table, before.get(table, {}), rows)
    write_down(session, run_id, ROSTER, changes)
    touch(session, "sync")
    return run_id


def _accounts(session: Session, emails: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in _parts(sorted(emails)):
        # An account whose address nobody has proven is none: opening one takes it over.
        known = (User.email.in_(part), User.is_proven)
        rows = session.execute(select(User.email, User.id).where(*known))
        found |= {row.email: row.id for row in rows}
    return found


def _open_accounts(
    session: Session,
    entries: Sequence[Entry],
    accounts: dict[str, int],
    *,
    by: int | None,
    invite: Invite | None,
    progress: Callable[[int], None],
) -> list[int]:
    """Add accounts for new people, without a password, and queue their welcome e-mails."""
    open_to_all = lock_default_courses(session)
    opened: list[int] = []
    new = {entry.email: entry.name for entry in entries if entry.email not in accounts}
    for people in _parts(list(new.items())):
        progress(len(opened) * len(entries) // len(new))
        ids = open_accounts(session, open_to_all, people, by=by)
        added = {email: user_id for (email, _), user_id in zip(people, ids, strict=True)}
        welcome(session, [(user_id, email) for email, user_id in added.items()], invite)
        accounts |= added
        opened += ids
    return opened


def _snapshots(
    session: Session, pairs: Sequence[Pair], newcomers: Sequence[int]
) -> dict[Any, dict[Any, Any]]:
    """Return the rows of these pairs, and all of the people who are new."""
    taken: dict[Any, dict[Any, Any]] = {table_of(model): {} for model in _PAIR_TABLES}
    taken[table_of(User)] = {}
    for model in _PAIR_TABLES:
        table = table_of(model)
        for part in _parts(sorted(set(pairs))):
            taken[table] |= snapshot(session, table, of_pairs(model, part))
        student = table.c.user_id if "user_id" in table.c else table.c.student_id
        for ids in _parts(newcomers):
            taken[table] |= snapshot(session, table, student.in_(ids))
    for ids in _parts(newcomers):
        taken[table_of(User)] |= snapshot(session, table_of(User), User.id.in_(ids))
    return taken


def _log_run(
    session: Session, entries: Sequence[Entry], newcomers: Sequence[int], *, by: int | None
) -> int:
    done: dict[str, Any] = {
        "enrolled": sum(entry.action == "enroll" for entry in entries),
        "unenrolled": sum(entry.action == "unenroll" for entry in entries),
        "accounts": len(newcomers),
    }
    run = SyncRun(
        trigger="import",
        started_by=by,
        scope={},
        status="finished",
        found={},
        fixed=done,
        remaining={},
        started_at=now(),
        finished_at=now(),
    )
    session.add(run)
    session.flush()
    record(session, "roster.applied", by=by, run=run.id, **done)
    return run.id


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
