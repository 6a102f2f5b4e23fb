"""Certificates: issued the moment a course is completed, kept whatever happens to the course.

At completion and not at the first download: a chapter that is added in between would otherwise
take away what was earned.
"""

import secrets
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.models import Certificate, Course, Enrollment, User
from lms.statements import run
from lms.upsert import insert_many

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, so that a code can be read out and typed."""


def issue(session: Session, completed: ColumnElement[bool], **values: Any) -> None:
    """Give those a certificate who have completed a course and have none for it yet.

    `completed` chooses among the enrollments, as for `recompute_progress`. The caller holds their
    courses or students.
    """
    found = run(session, _without(completed), **values).all()
    moment = now()
    rows: list[dict[str, Any]] = [
        {
            "user_id": row.user_id,
            "course_id": row.course_id,
            "code": new_code(),
            "student_name": row.name,
            "course_title": row.title,
            "completed_at": row.completed_at or moment,
            "issued_at": moment,
        }
        for row in found
    ]
    insert_many(session, Certificate, rows)


@cache
def _without(completed: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Enrollment.user_id,
            Enrollment.course_id,
            Enrollment.completed_at,
            User.name,
            Course.title,
        )
        .join(User, User.id == Enrollment.user_id)
        .join(Course, Course.id == Enrollment.course_id)
        .outerjoin(
            Certificate,
            and_(
                Certificate.user_id == Enrollment.user_id,
                Certificate.course_id == Enrollment.course_id,
            ),
        )
        .where(completed, Enrollment.progress == 100, Certificate.id.is_(None))
        .order_by(Enrollment.id)
    )


def new_code() -> str:
    """Return an unguessable code: 120 random bits, readable in groups."""
    # Of a byte, five bits are as random as all eight: each letter is as likely as any other.
    code = "".join(LETTERS[byte % len(LETTERS)] for byte in secrets.token_bytes(24))
    return "-".join(code[place : place + 4] for place in range(0, 24, 4))
