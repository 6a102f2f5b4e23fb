"""Taking over an old school: the same effects as the verbs', for many rows in few statements.

The caller opens the transaction, has decided what comes in, and calls `hold` before it decides.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from lms.db import Base, now
from lms.enrollment.certificates import issue
from lms.enrollment.defaults import grant_default_course, hold_defaults
from lms.enrollment.learning import recompute_progress
from lms.ledger.changes import table_of
from lms.live import touch
from lms.models import (
    VISIBLE_STATUSES,
    AccessRequest,
    AccessSource,
    AuditEntry,
    Chapter,
    ChapterCompletion,
    Course,
    Decision,
    Enrollment,
    Payment,
    StudentProgress,
    User,
)
from lms.upsert import insert_many

Rows = Sequence[dict[str, Any]]
DECIDER = "The old school"
_REASON = "Imported from the old school"


def hold(session: Session) -> None:
    """Let nobody add people or courses, nor change access, until the import is done.

    Courses before users, each by rising id, as everywhere.
    """
    hold_defaults(session)
    for model in (Course, User):
        session.execute(select(model.id).order_by(model.id).with_for_update(key_share=True)).all()


def add_people(session: Session, people: Rows) -> list[int]:
    """Add accounts and return their ids; `grant_default_courses` lets them in where all are."""
    ids = _insert(session, User, people)
    _record(
        session,
        "user.added",
        [
            {"student_id": user_id, "student_name": person["name"], "details": _of(person, "role")}
            for user_id, person in zip(ids, people, strict=True)
        ],
    )
    touch(session, "people")
    return ids


def add_courses(session: Session, courses: Rows) -> list[int]:
    """Add courses and return their ids."""
    ids = _insert(session, Course, courses)
    _record(
        session,
        "course.created",
        [
            {
                "course_id": course_id,
                "course_title": course["title"],
                "details": {key: course[key] for key in course if key != "created_at"},
            }
            for course_id, course in zip(ids, courses, strict=True)
        ],
    )
    touch(session, "catalogue")
    return ids


def add_chapters(session: Session, chapters: Rows) -> list[int]:
    """Add chapters and return their ids; the caller then calls `follow`."""
    ids = _insert(session, Chapter, chapters)
    _record(
        session,
        "chapter.added",
        [
            {"course_id": chapter["course_id"], "details": {"chapter_id": chapter_id}}
            for chapter_id, chapter in zip(ids, chapters, strict=True)
        ],
    )
    return ids


def add_completions(session: Session, completions: Rows) -> None:
    """Keep what was completed; the caller then calls `follow`."""
    insert_many(session, table_of(ChapterCompletion), completions)


def admit(session: Session, students: Rows) -> None:
    """Enroll students: `user_id`, `course_id`, `enrolled_at`, `last_activity_at`.

    The caller adds the sources of access.
    """
    _supersede(session, students)
    insert_many(
        session,
        table_of(Enrollment),
        [{**_of(row, "user_id", "course_id", "enrolled_at"), "progress": 0} for row in students],
    )
    insert_many(
        session,
        table_of(StudentProgress),
        [
            {
                **_of(row, "course_id", "last_activity_at"),
                "student_id": row["user_id"],
                "total_progress": 0,
            }
            for row in students
        ],
    )


def add_sources(session: Session, sources: Rows) -> None:
    """Add reasons for access: `user_id`, `course_id`, `kind`, `reference`, and audit `details`."""
    if not sources:
        return
    moment = now()
    insert_many(
        session,
        table_of(AccessSource),
        [
            {**_of(row, "user_id", "course_id", "kind", "reference"), "granted_at": moment}
            for row in sources
        ],
    )
    _record(
        session,
        "access.granted",
        [
            {
                "student_id": row["user_id"],
                "student_name": row["student_name"],
                "course_id": row["course_id"],
                "course_title": row["course_title"],
                "details": {
                    "source": row["kind"],
                    "reference": row["reference"],
                    **row["details"],
                },
            }
            for row in sources
        ],
    )
    touch(session, "access", "catalogue", students={row["user_id"] for row in sources})


def add_requests(session: Session, requests: Rows) -> list[int]:
    """Put students into the queue at the place that they had, and return the requests' ids."""
    ids = _insert(session, AccessRequest, [_request(row) for row in requests])
    _tell_of_requests(session, "request.made", requests, ids)
    return ids


def add_decisions(session: Session, decided: Rows) -> list[int]:
    """Keep what was decided in the old school, and return the decisions' ids."""
    # Each passes through the queue for a number of its own: a decision names its request.
    request_ids = _insert(session, AccessRequest, [_request(row) for row in decided])
    ids = _insert(
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
                "reason": "",
                "requested_at": row["created_at"],
                "decided_at": row["decided_at"],
                "decided_by_name": DECIDER,
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
        _tell_of_requests(
            session,
            f"request.{status}",
            [row for row, _ in of_status],
            [request_id for _, request_id in of_status],
        )
    return ids


def add_payments(session: Session, payments: Rows) -> list[int]:
    """Keep what was paid, and return the payments' ids; `add_sources` lets the buyers in."""
    ids = _insert(session, Payment, payments)
    _record(
        session,
        "payment.imported",
        [
            {
                "student_id": row["user_id"],
                "course_id": row["course_id"],
                "course_title": row["course_title"],
                "details": {
                    "payment_id": payment_id,
                    **_of(row, "status", "amount_cents", "refunded_cents", "currency"),
                },
            }
            for payment_id, row in zip(ids, payments, strict=True)
        ],
    )
    touch(session, "payments", students={row["user_id"] for row in payments if row["user_id"]})
    return ids


def grant_default_courses(session: Session) -> None:
    """Let every student into every course that is everybody's, old or new."""
    for course in session.scalars(
        select(Course)
        .where(Course.is_default_unlocked, Course.status.in_(VISIBLE_STATUSES))
        .order_by(Course.id)
    ):
        grant_default_course(session, course)


def follow(session: Session, course_ids: Iterable[int]) -> None:
    """Make everybody's progress in these courses equal the chapters completed."""
    for course_id in sorted(course_ids):
        recompute_progress(session, course_id)
        issue(session, Enrollment.course_id == course_id)
    touch(session, "progress", "catalogue")


def tell(session: Session, **details: Any) -> None:
    """Write down that an old school was imported, and what became of its rows."""
    _record(session, "import.applied", [{"details": details}])


# Tables, not models: the ORM's bookkeeping would take most of the time of a large import.
def _insert(session: Session, model: type[Base], rows: Rows) -> list[int]:
    table = table_of(model)
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(session.scalars(statement, list(rows)))


def _record(session: Session, action: str, entries: Iterable[dict[str, Any]]) -> None:
    moment = now()
    rows = [
        {
            "at": moment,
            "action": action,
            "student_id": None,
            "student_name": "",
            "course_id": None,
            "course_title": "",
            "reason": _REASON,
            **entry,
        }
        for entry in entries
    ]
    insert_many(session, table_of(AuditEntry), rows)


def _supersede(session: Session, students: Rows) -> None:
    """Tell of the requests that the enrollments' trigger is about to take off the queue."""
    ids: Collection[int] = {row["user_id"] for row in students}
    pairs = {(row["user_id"], row["course_id"]) for row in students}
    waiting = session.execute(
        select(AccessRequest.id, AccessRequest.student_id, AccessRequest.course_id).where(
            AccessRequest.student_id.in_(ids),
            AccessRequest.status == "pending",
            exists().where(User.id == AccessRequest.student_id),
        )
    )
    superseded = [
        {
            "student_id": row.student_id,
            "course_id": row.course_id,
            "details": {"request_id": row.id},
        }
        for row in waiting
        if (row.student_id, row.course_id) in pairs
    ]
    _record(session, "request.superseded", superseded)


def _request(row: dict[str, Any]) -> dict[str, Any]:
    return _of(row, "student_id", "course_id", "status", "message", "created_at")


def _tell_of_requests(session: Session, action: str, rows: Rows, ids: list[int]) -> None:
    _record(
        session,
        action,
        [
            {
                **_of(row, "student_id", "student_name", "course_id", "course_title"),
                "details": {"request_id": request_id},
            }
            for row, request_id in zip(rows, ids, strict=True)
        ],
    )
    touch(session, "requests", students={row["student_id"] for row in rows})


def _of(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}
