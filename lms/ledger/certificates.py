"""Certificates: issued the moment a course is completed, kept whatever happens to the course.

At completion and not at the first download: a chapter that is added in between would otherwise
take away what was earned.
"""

import secrets
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, exists, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.audit import Entry, moment_told, record_all
from lms.ledger.rows import PAIRS, of_pairs
from lms.models import AuditEntry, Certificate, Course, Enrollment, User
from lms.statements import run
from lms.upsert import insert_many

ISSUED = "certificate.issued"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, so that a code can be read out and typed."""

TOLD_OF_PAIRS = of_pairs(AuditEntry, PAIRS)
TOLD_BY_ENTRIES = AuditEntry.id.in_(bindparam("entries", type_=Integer, expanding=True))


def issue(session: Session, completed: ColumnElement[bool], **values: Any) -> None:
    """Give those a certificate who have completed a course and have none for it yet.

    `completed` chooses among the enrollments, as for `recompute_progress`. The caller holds their
    courses or students.
    """
    if not (found := run(session, _without(completed), **values).all()):
        return
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
    entries: list[Entry] = [
        (
            *(row["user_id"], row["course_id"]),
            {"code": row["code"], "completed_at": row["completed_at"].isoformat()},
        )
        for row in rows
    ]
    record_all(session, ISSUED, entries, by=None, moment=moment)


def bring_back(session: Session, told: ColumnElement[bool], **values: Any) -> None:
    """Restore certificates that were lost, as the trail has them: code, names, dates, revoked.

    `told` chooses among the entries of the trail: TOLD_OF_PAIRS or TOLD_BY_ENTRIES.
    """
    lost: dict[Any, dict[str, Any]] = {}
    for entry in run(session, _told(told), **values):
        if code := entry.details.get("code"):
            course = code if entry.course_id is None else entry.course_id
            lost[entry.student_id, course] = {
                "user_id": entry.student_id,
                "course_id": entry.known_course,
                "code": code,
                "student_name": entry.student_name,
                "course_title": entry.course_title,
                "completed_at": moment_told(entry.details.get("completed_at")) or entry.at,
                "issued_at": entry.at,
                "revoked_at": None,
                "revoked_reason": "",
            }
    if not lost:
        return
    by_code = {row["code"]: row for row in lost.values()}
    students = sorted({student for student, _ in lost})
    for entry in run(session, _judged(), students=students):
        if row := by_code.get(entry.details.get("code")):
            is_revoked = entry.action == "certificate.revoked"
            row["revoked_at"] = entry.at if is_revoked else None
            row["revoked_reason"] = entry.reason if is_revoked else ""
    insert_many(session, Certificate, list(lost.values()))


@cache
def _told(chosen: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Select what the trail says of certificates that are not there."""
    entry = AuditEntry
    pair = (Certificate.user_id == entry.student_id, Certificate.course_id == entry.course_id)
    return (
        select(
            *(entry.at, entry.student_id, entry.course_id, entry.student_name, entry.course_title),
            *(entry.details, Course.id.label("known_course")),
        )
        .join(User, User.id == entry.student_id)
        .outerjoin(Course, Course.id == entry.course_id)
        .where(
            chosen,
            entry.action == ISSUED,
            ~exists().where(*pair),
            ~exists().where(Certificate.code == entry.details["code"].as_string()),
        )
        .order_by(entry.id)
    )


@cache
def _judged() -> Select[*tuple[Any, ...]]:
    """Select which certificates were revoked or reinstated, in this order, also without course."""
    entry = AuditEntry
    return (
        select(entry.at, entry.action, entry.reason, entry.details)
        .where(
            entry.student_id.in_(bindparam("students", type_=Integer, expanding=True)),
            entry.action.in_(("certificate.revoked", "certificate.reinstated")),
        )
        .order_by(entry.id)
    )


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
