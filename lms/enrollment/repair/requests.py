"""Requests that were decided elsewhere: the decision is recorded, and takes effect."""

from sqlalchemy import delete, func, literal, select

from lms.db import now
from lms.enrollment.repair.access import Source, add_sources, enroll_pairs
from lms.enrollment.repair.changes import of_pairs, table_of
from lms.enrollment.repair.repair import Found, Repair, Step
from lms.models import (
    AccessRequest,
    AccessSource,
    Course,
    Decision,
    Enrollment,
    StudentProgress,
    User,
)
from lms.upsert import insert

_DECIDER = "Before the import"
_REASON = "Found decided in the queue; the decision was recorded when the school was repaired."


def _approve(step: Step) -> None:
    """Let in whom somebody had approved, as far as there are seats."""
    enrolled = enroll_pairs(step, step.pairs)
    rows = [row for row in step.found if (row.student_id, row.course_id) in enrolled]
    decisions = _record(step, rows)
    add_sources(
        step,
        [
            Source((row.student_id, row.course_id), "approval", decisions[row.row_id])  # type: ignore[arg-type]  # a pair was enrolled, so both are there
            for row in rows
            if row.row_id in decisions
        ],
    )
    _delete(step, rows)


def _clear(step: Step) -> None:
    _record(step, step.found)
    _delete(step, step.found)


def _record(step: Step, rows: list[Found]) -> dict[int, int]:
    """Write the decisions down and return their ids by request."""
    ids = [row.row_id for row in rows]
    status = func.lower(func.trim(AccessRequest.status, " \t\r\n"))
    moment = literal(now(), Decision.decided_at.type)
    step.run(
        insert(step.session, Decision)
        .from_select(
            [
                "request_id",
                "student_id",
                "student_name",
                "student_email",
                "course_id",
                "course_title",
                "status",
                "message",
                "reason",
                "requested_at",
                "decided_at",
                "decided_by",
                "decided_by_name",
            ],
            select(
                AccessRequest.id,
                AccessRequest.student_id,
                User.name,
                User.email,
                AccessRequest.course_id,
                Course.title,
                status,
                func.coalesce(AccessRequest.message, ""),
                literal(_REASON),
                func.coalesce(AccessRequest.created_at, moment),
                moment,
                literal(None, Decision.decided_by.type),
                literal(_DECIDER),
            )
            .join(User, User.id == AccessRequest.student_id)
            .join(Course, Course.id == AccessRequest.course_id)
            .where(AccessRequest.id.in_(ids), status.in_(("approved", "rejected"))),
        )
        .on_conflict_do_nothing()
    )
    decided = step.session.execute(
        select(Decision.request_id, Decision.id).where(
            Decision.request_id.in_(ids), of_pairs(table_of(Decision), step.pairs)
        )
    )
    return {row.request_id: row.id for row in decided}


def _delete(step: Step, rows: list[Found]) -> None:
    step.run(delete(AccessRequest).where(AccessRequest.id.in_([row.row_id for row in rows])))


_ALL = (Enrollment, StudentProgress, AccessSource, AccessRequest, Decision)

REPAIRS = {
    ("approved_not_enrolled", "access_requests"): Repair(_approve, also=_ALL),
    ("decided_not_cleared", "access_requests"): Repair(_clear, also=_ALL),
}
