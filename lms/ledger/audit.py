"""The audit trail, written in the transaction of the change that it tells of."""

from typing import Any

from sqlalchemy import Select, func, insert, literal, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from lms.db import now
from lms.models import AuditEntry, Course, User


def record(
    session: Session,
    action: str,
    *,
    by: int | None,
    student_id: int | None = None,
    course_id: int | None = None,
    reason: str = "",
    **details: Any,
) -> None:
    """Write down one change, with the names of all concerned as they are now."""
    session.execute(
        insert(AuditEntry).values(
            at=now(),  # not when the transaction began: it may have waited for the one before it
            action=action,
            actor_id=by,
            actor_name=_name(by),
            student_id=student_id,
            student_name=_name(student_id),
            course_id=course_id,
            course_title=_title(course_id),
            reason=reason,
            details=details,
        )
    )


def record_many(
    session: Session,
    action: str,
    students: Select[int],
    *,
    by: int | None,
    course_id: int,
    reason: str = "",
    **details: Any,
) -> None:
    """Write down the same change for every student of a SELECT of ids, in one statement."""
    ids = students.subquery()
    session.execute(
        insert(AuditEntry).from_select(
            [
                "at",
                "action",
                "actor_id",
                "actor_name",
                "student_id",
                "student_name",
                "course_id",
                "course_title",
                "reason",
                "details",
            ],
            select(
                literal(now(), AuditEntry.at.type),
                literal(action),
                literal(by, AuditEntry.actor_id.type),
                _name(by),
                User.id,
                User.name,
                literal(course_id),
                _title(course_id),
                literal(reason),
                literal(details, AuditEntry.details.type),
            )
            .where(User.id.in_(select(ids)))
            .order_by(User.id),
        )
    )


def _name(user_id: int | None) -> Any:
    return (
        literal("") if user_id is None else _or_blank(select(User.name).where(User.id == user_id))
    )


def _title(course_id: int | None) -> Any:
    return (
        "" if course_id is None else _or_blank(select(Course.title).where(Course.id == course_id))
    )


def _or_blank(name: Select[str]) -> ColumnElement[str]:
    return func.coalesce(name.scalar_subquery(), "")
