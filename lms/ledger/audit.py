"""The audit trail, written in the transaction of the change that it records."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, FromClause, Insert, String, bindparam, func, insert, select
from sqlalchemy.orm import Session

from lms import logs
from lms.db import now
from lms.ledger.rows import PAIR, Rows, as_table
from lms.models import AuditEntry, Course, User
from lms.statements import BY, MOMENT, WHY, run

Entry = tuple[int | None, int | None, dict[str, Any]]
"""The student and the course that a change is about, and its details."""
ACTOR_NAME = func.coalesce(select(User.name).where(User.id == BY).scalar_subquery(), "")
"""The name of the one who acts, of whom only the id is known; blank for the portal itself."""


def record(
    session: Session,
    action: str,
    *,
    by: int | None,
    student_id: int | None = None,
    course_id: int | None = None,
    reason: str = "",
    moment: datetime | None = None,
    **details: Any,
) -> None:
    """Write down one change, with the names of all concerned as they are now."""
    entries = [(student_id, course_id, details)]
    record_all(session, action, entries, by=by, reason=reason, moment=moment)


def course_edited(changes: dict[str, list[Any]], currency: str) -> dict[str, Any]:
    """Return the details of a changed course: a changed price says in which currency it was."""
    priced = {"currency": currency} if "price_cents" in changes else {}
    return {"changes": changes} | priced


def record_all(
    session: Session,
    action: str,
    entries: Iterable[Entry],
    *,
    by: int | None,
    reason: str = "",
    moment: datetime | None = None,
) -> None:
    """Write down the same change of many students or courses, in one statement.

    The log gets a line of it, if it is an admin's. `moment`: that of the rows that it tells of.
    """
    if not (entries := list(entries)):
        return
    # Not when the transaction began: it may have waited for the one before it.
    moment = moment or now()
    run(session, _recording_given(), entries=entries, done=action, by=by, why=reason, moment=moment)
    students, courses = {entry[0] for entry in entries}, {entry[1] for entry in entries}
    if by is not None and students != {by}:  # whoever acts for others is an admin
        logs.tell_once_committed(
            session.info,
            "change",
            action=action,
            actor=by,
            student=_only(students),
            course=_only(courses),
            rows=len(entries),
        )


def _only(ids: set[int | None]) -> int | None:
    return next(iter(ids)) if len(ids) == 1 else None


def moment_told(text: str | None) -> datetime | None:
    """Return a time that the trail's details tell, which either database writes in its own way."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@cache
def _recording_given() -> Insert:
    return recording(as_table(bindparam("entries", type_=Rows()), **PAIR, details=JSON()))


def recording(changed: FromClause) -> Insert:
    """Write down changes of `student_id`, `course_id` and `details`, in the order of `place`."""
    return insert(AuditEntry).from_select(
        [
            *("at", "action", "actor_id", "actor_name", "student_id", "student_name"),
            *("course_id", "course_title", "reason", "details"),
        ],
        select(
            MOMENT,
            bindparam("done", type_=String),
            BY,
            ACTOR_NAME,
            changed.c.student_id,
            func.coalesce(User.name, ""),
            changed.c.course_id,
            func.coalesce(Course.title, ""),
            WHY,
            changed.c.details,
        )
        .outerjoin_from(changed, User, User.id == changed.c.student_id)
        .outerjoin(Course, Course.id == changed.c.course_id)
        .order_by(changed.c.place),
    )
