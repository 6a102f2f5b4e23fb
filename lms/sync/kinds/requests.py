"""Requests: only pending ones are in the queue, once each; decided ones take effect."""

from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, literal, select

from lms.db import now
from lms.ledger.audit import Entry, record_all
from lms.ledger.rows import of_pairs
from lms.ledger.seats import newcomers
from lms.ledger.sources import Source
from lms.messages.catalogue import ApprovalDelivered
from lms.models import (
    EARLIER_SYSTEM,
    AccessRequest,
    AuditEntry,
    Course,
    Decision,
    DecisionReversal,
    User,
)
from lms.models.columns import normalized
from lms.sync.conditions import (
    DECIDED,
    both_exist,
    full,
    is_enrolled,
    is_further,
    is_waived,
    requested,
)
from lms.sync.finding import find
from lms.sync.kind import PAIR_TABLES, Check, Found, Kind, Phase, Step
from lms.upsert import insert

_PAIR = (AccessRequest.student_id, AccessRequest.course_id)


def _approved_not_enrolled() -> Select[Any]:
    return find(
        AccessRequest,
        expected="enrolled",
        actual="approved and not enrolled",
        attention=full(AccessRequest.course_id),
    ).where(requested() == "approved", ~is_enrolled(*_PAIR), ~_was_ended(), both_exist(*_PAIR))


def _decided_not_cleared() -> Select[Any]:
    """Find decided requests that are still in the queue and have no further effect."""
    has_effect = (requested() == "approved") & ~is_enrolled(*_PAIR) & ~_was_ended()
    return find(
        AccessRequest,
        expected="among the decisions",
        actual=AccessRequest.status + ", still in the queue",
    ).where((requested().in_(DECIDED) & ~has_effect) | _has_decision(), both_exist(*_PAIR))


def _pending_while_enrolled() -> Select[Any]:
    return find(AccessRequest, expected="no request", actual="pending while enrolled").where(
        requested() == "pending", is_enrolled(*_PAIR), both_exist(*_PAIR)
    )


def _further_pending() -> Select[Any]:
    return find(
        AccessRequest,
        expected="one waiting request per student and course",
        actual="a duplicate",
    ).where(
        requested() == "pending",
        is_further(AccessRequest, *_PAIR, among=lambda older: requested(older) == "pending"),
    )


def _has_decision() -> ColumnElement[bool]:
    return exists().where(
        Decision.request_id == AccessRequest.id,
        Decision.student_id == AccessRequest.student_id,
        Decision.course_id == AccessRequest.course_id,
    )


def _was_ended() -> ColumnElement[bool]:
    """Return whether somebody ended this access after the request: sync must not undo that.

    What ended when the decision was undone was the approval itself.
    """
    undone = (
        select(DecisionReversal.reversed_at)
        .where(DecisionReversal.request_id == AccessRequest.id)
        .correlate_except(DecisionReversal)
        .scalar_subquery()
    )
    return is_waived(*_PAIR) | exists().where(
        AuditEntry.action == "access.ended",
        AuditEntry.student_id == AccessRequest.student_id,
        AuditEntry.course_id == AccessRequest.course_id,
        AuditEntry.at > func.coalesce(undone, AccessRequest.created_at),
    )


def _approve(step: Step) -> None:
    """Enroll approved students, as far as there are seats."""
    waiting = newcomers(step.session, step.pairs)
    left_out = {pair for pair, newcomer in waiting.items() if not newcomer.has_seat}
    rows = [row for row in step.found if (row.student_id, row.course_id) not in left_out]
    decided = _record(step, rows)
    step.enroll(
        Source(row.student_id, row.course_id, "approval", decided[row.row_id])
        for row in rows
        if row.row_id in decided and row.student_id is not None and row.course_id is not None
    )
    _delete(step, rows)


def _clear(step: Step) -> None:
    _record(step, step.found)
    _delete(step, step.found)


def _record(step: Step, rows: list[Found]) -> dict[int, int]:
    """Record the decisions and return their ids by request."""
    ids = [row.row_id for row in rows]
    status = normalized(AccessRequest.status)
    moment = literal(now(), Decision.decided_at.type)
    values: dict[str, Any] = {
        "request_id": AccessRequest.id,
        "student_id": AccessRequest.student_id,
        "student_name": User.name,
        "student_email": User.email,
        "course_id": AccessRequest.course_id,
        "course_title": Course.title,
        "status": status,
        "message": func.coalesce(AccessRequest.message, ""),
        "reason": literal(""),
        "requested_at": func.coalesce(AccessRequest.created_at, moment),
        "decided_at": moment,
        "decided_by": literal(None, Decision.decided_by.type),
        "decided_by_name": literal(EARLIER_SYSTEM),
    }
    recorded = step.run(
        insert(Decision)
        .from_select(
            list(values),
            select(*values.values())
            .join(User, User.id == AccessRequest.student_id)
            .join(Course, Course.id == AccessRequest.course_id)
            .where(AccessRequest.id.in_(ids), status.in_(DECIDED)),
        )
        .on_conflict_do_nothing()
        .returning(Decision.request_id, Decision.student_id, Decision.course_id, Decision.status)
    ).all()
    for decision in DECIDED:
        entries: list[Entry] = [
            (row.student_id, row.course_id, {"request_id": row.request_id, **step.details})
            for row in sorted(recorded)
            if row.status == decision
        ]
        record_all(step.session, f"request.{decision}", entries, by=step.by, reason=step.reason)
    decided = step.session.execute(
        select(Decision.request_id, Decision.id).where(
            Decision.request_id.in_(ids), of_pairs(Decision, step.pairs)
        )
    )
    return {row.request_id: row.id for row in decided}


def _delete(step: Step, rows: list[Found]) -> None:
    step.run(delete(AccessRequest).where(AccessRequest.id.in_([row.row_id for row in rows])))


_DECISIVE = (*PAIR_TABLES, Decision)

KINDS = (
    Kind(
        "approved_not_enrolled",
        "Approved but not enrolled",
        "The student is enrolled and the decision recorded.",
        Phase.DECISIONS,
        (Check(AccessRequest, _approved_not_enrolled, _approve, also=_DECISIVE),),
        message=ApprovalDelivered,
    ),
    Kind(
        "decided_not_cleared",
        "Decided requests still in the queue",
        "The request is moved to the decisions.",
        Phase.DECISIONS,
        (Check(AccessRequest, _decided_not_cleared, _clear, also=_DECISIVE),),
    ),
    Kind(
        "pending_while_enrolled",
        "Waiting requests of enrolled students",
        "The request is deleted: the student is enrolled.",
        Phase.REQUESTS,
        (
            Check(
                *(AccessRequest, _pending_while_enrolled, Step.delete_rows),
                also=(AccessRequest,),
            ),
        ),
    ),
    Kind(
        "duplicate_request",
        "Duplicate waiting requests",
        "The first request stays in the queue.",
        Phase.REQUESTS,
        (Check(AccessRequest, _further_pending, Step.delete_rows, also=(AccessRequest,)),),
    ),
)
