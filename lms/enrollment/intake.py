"""Taking over an old school: the same effects as the verbs', for many rows in few statements.

The caller opens the transaction, and calls `lock_school` before it decides what comes in.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import compress
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.enrollment.defaults import grant_default_course
from lms.enrollment.people import Invite, welcome_all
from lms.ledger import access, counting, progress
from lms.ledger.arrivals import Arrival
from lms.ledger.audit import Entry, course_edited, record_all
from lms.ledger.clocks import follow_zone_of_command
from lms.ledger.fact_rows import lock_facts
from lms.ledger.locks import lock_defaults
from lms.ledger.payment_beginnings import add_imported
from lms.ledger.rows import Pair
from lms.ledger.sources import Source
from lms.live import touch
from lms.models import (
    VISIBLE_STATUSES,
    AccessRequest,
    Chapter,
    ChapterCompletion,
    Course,
    Decision,
    User,
)
from lms.upsert import insert_carried, insert_numbered

Rows = Sequence[dict[str, Any]]
MANY = 10_000
"""From how many rows on they are counted at the end, if the database counts one by one."""
_REASON = "Imported from another system"
_PAYMENT = ("status", "amount_cents", "refunded_cents", "currency", "course_title")


def lock_school(session: Session) -> None:
    """Lock out changes of people, courses and access until the import is done.

    Facts before courses before users, each by rising id, as everywhere. What is booked first
    decides by whose clocks the books go: the zone that the environment names may be new.
    """
    lock_facts(session)
    lock_defaults(session)
    for model in (Course, User):
        session.execute(select(model.id).order_by(model.id).with_for_update(key_share=True)).all()
    follow_zone_of_command(session)  # whose locks of sums come after them


def counting_once(session: Session, rows: int) -> AbstractContextManager[None]:
    """Let so many rows be counted at the end where that is quicker than one by one."""
    return counting.counting_once(session) if rows >= MANY else nullcontext()


def add_people(session: Session, people: Rows, *, invite: Invite | None = None) -> list[int]:
    """Add accounts and return their ids; `grant_default_courses` lets them in where all are.

    Registrations that nobody has confirmed give way to them. `invite` makes the links for those
    who could sign in if they had a password; without it, nobody is e-mailed.
    """
    emails = [person["email"] for person in people]
    unproven = (User.email.in_(emails), ~User.is_proven)
    session.execute(delete(User).where(*unproven))
    moment = now()
    invited = [
        invite is not None and person["is_active"] and not person["password_hash"]
        for person in people
    ]
    rows = [
        {**person, "invited_at": moment if is_invited else None}
        for person, is_invited in zip(people, invited, strict=True)
    ]
    ids = insert_numbered(session, User, rows)
    welcome_all(session, list(compress(zip(ids, emails, strict=True), invited)), invite)
    _record(
        session,
        "user.added",
        ((user_id, None, _of(person, "role")) for user_id, person in zip(ids, people, strict=True)),
    )
    touch(session, "people")
    return ids


def add_courses(session: Session, courses: Rows) -> list[int]:
    """Add courses and return their ids."""
    ids = insert_numbered(session, Course, courses)
    _record(
        session,
        "course.created",
        (
            (None, course_id, {key: course[key] for key in course if key != "created_at"})
            for course_id, course in zip(ids, courses, strict=True)
        ),
    )
    touch(session, "catalogue")
    return ids


def finish_courses(session: Session, courses: Rows) -> None:
    """Set price and status of imported drafts that had waited for their price."""
    for values in courses:
        course = session.get_one(Course, values["id"], with_for_update=True, populate_existing=True)
        changes = {
            name: [getattr(course, name), value]
            for name, value in values.items()
            if getattr(course, name) != value
        }
        details = course_edited(changes, course.currency)
        for name, (_, value) in changes.items():
            setattr(course, name, value)
        _record(session, "course.edited", [(None, course.id, details)])
    session.flush()
    touch(session, "catalogue")


def add_chapters(session: Session, chapters: Rows) -> list[int]:
    """Add chapters and return their ids; the caller then calls `recompute_progress`."""
    ids = insert_numbered(session, Chapter, chapters)
    _record(
        session,
        "chapter.added",
        (
            (None, chapter["course_id"], {"chapter_id": chapter_id})
            for chapter_id, chapter in zip(ids, chapters, strict=True)
        ),
    )
    return ids


def add_completions(session: Session, completions: Iterable[Sequence[Any]]) -> None:
    """Keep what was completed: student, chapter and when, as text in UTC.

    The caller then calls `recompute_progress`.
    """
    insert_carried(
        session, ChapterCompletion, ("student_id", "chapter_id", "completed_at"), completions
    )


def let_in(session: Session, arrivals: Sequence[Arrival]) -> None:
    """Let students in by these sources; the enrollments that are new have the past given."""
    if arrivals:
        access.let_in_all(session, arrivals, by=None, reason=_REASON)


def end_imports(session: Session, pairs: Iterable[Pair]) -> None:
    """Let what else gives access alone do so, so that a refund ends it."""
    access.end_sources(
        session, [Source(*pair, "import") for pair in pairs], by=None, reason=_REASON
    )


def add_requests(session: Session, requests: Rows) -> list[int]:
    """Put students into the queue at the place that they had, and return the requests' ids."""
    ids = insert_numbered(session, AccessRequest, [_request(row) for row in requests])
    _record_requests(session, "request.made", requests, ids)
    return ids


def add_decisions(session: Session, decided: Rows) -> list[int]:
    """Keep what was decided in the old school, and return the decisions' ids."""
    # Each passes through the queue for a number of its own: a decision names its request.
    request_ids = insert_numbered(session, AccessRequest, [_request(row) for row in decided])
    ids = insert_numbered(
        session,
        Decision,
        [
            {
                "request_id": request_id,
                "student_id": row["student_id"],
                "student_name": row["student_name"],
                "student_email": row["student_email"],
                "course_id": row["course_id"],
                "course_title": row["course_title"],
                "status": row["status"],
                "message": row["message"],
                "reason": row["reason"],
                "requested_at": row["created_at"],
                "decided_at": row["decided_at"],
                "decided_by": row["decided_by"],
                "decided_by_name": row["decided_by_name"],
            }
            for request_id, row in zip(request_ids, decided, strict=True)
        ],
    )
    session.execute(delete(AccessRequest).where(AccessRequest.id.in_(request_ids)))
    for status in ("approved", "rejected"):
        of_status = [
            (row, request_id)
            for row, request_id in zip(decided, request_ids, strict=True)
            if row["status"] == status
        ]
        _record_requests(
            session,
            f"request.{status}",
            [row for row, _ in of_status],
            [request_id for _, request_id in of_status],
        )
    return ids


def add_payments(session: Session, payments: Rows) -> list[int]:
    """Keep what was paid, and return the payments' ids; `let_in` lets the buyers in."""
    ids = add_imported(session, payments)
    _record(
        session,
        "payment.imported",
        [
            (
                row["user_id"],
                row["course_id"],
                {"payment_id": payment_id, **_of(row, *_PAYMENT)},
            )
            for payment_id, row in zip(ids, payments, strict=True)
        ],
    )
    touch(session, "payments", students={row["user_id"] for row in payments if row["user_id"]})
    return ids


def grant_default_courses(session: Session) -> None:
    """Let every student into every course that is open to all, old or new."""
    for course in session.scalars(
        select(Course)
        .where(Course.is_default_unlocked, Course.status.in_(VISIBLE_STATUSES))
        .order_by(Course.id)
    ):
        grant_default_course(session, course)


def recompute_progress(session: Session, course_ids: Iterable[int]) -> None:
    """Recompute everyone's progress in these courses from the chapters completed."""
    for course_id in sorted(course_ids):
        progress.recompute_progress(session, progress.OF_COURSE, course=course_id)
    touch(session, "progress", "catalogue")


def record_import(session: Session, *, by: int | None, **details: Any) -> None:
    """Write down that an old school was imported, by whom, and what became of its rows."""
    _record(session, "import.applied", [(None, None, details)], by=by)


def _record(
    session: Session, action: str, entries: Iterable[Entry], *, by: int | None = None
) -> None:
    record_all(session, action, entries, by=by, reason=_REASON)


def _request(row: dict[str, Any]) -> dict[str, Any]:
    return _of(row, "student_id", "course_id", "status", "message", "created_at")


def _record_requests(session: Session, action: str, rows: Rows, ids: list[int]) -> None:
    _record(
        session,
        action,
        [
            (row["student_id"], row["course_id"], {"request_id": request_id})
            for row, request_id in zip(rows, ids, strict=True)
        ],
    )
    touch(session, "requests", students={row["student_id"] for row in rows})


def _of(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}
