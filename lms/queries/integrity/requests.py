"""Requests that should not wait, or no longer."""

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import aliased

from lms.models import AccessRequest, AuditEntry, Decision, DecisionReversal, stands
from lms.queries.integrity.finding import (
    Column,
    Scope,
    both_exist,
    find,
    full,
    is_enrolled,
    is_waived,
    one_of,
    place,
)

_PAIR = (AccessRequest.student_id, AccessRequest.course_id)
_DECIDED = ("approved", "rejected")


def meaning(request: type[AccessRequest] = AccessRequest) -> ColumnElement[str]:
    """Return what a request's status means; an unknown word waits for somebody to look."""
    return one_of(request.status, _DECIDED, "pending")


def was_approved(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    """Return whether an approval of a pair stands, also one that is not among the decisions yet."""
    request = aliased(AccessRequest)
    in_queue = exists().where(
        request.student_id == user_id,
        request.course_id == course_id,
        meaning(request) == "approved",
    )
    decided = exists().where(
        Decision.student_id == user_id,
        Decision.course_id == course_id,
        Decision.status == "approved",
        stands(),
    )
    return in_queue.correlate_except(request) | decided.correlate_except(Decision)


def duplicate_request(scope: Scope) -> Select[Any]:
    """Find all pending requests of a pair but the first."""
    older = aliased(AccessRequest)
    return find(
        scope,
        AccessRequest.id,
        *_PAIR,
        expected="one pending request of the student for the course",
        actual="a further one",
    ).where(
        meaning() == "pending",
        exists().where(
            older.student_id == AccessRequest.student_id,
            older.course_id == AccessRequest.course_id,
            place(older.id) < place(AccessRequest.id),
            one_of(older.status, _DECIDED, "pending") == "pending",
        ),
    )


def pending_while_enrolled(scope: Scope) -> Select[Any]:
    return find(
        scope, AccessRequest.id, *_PAIR, expected="no request", actual="pending while enrolled"
    ).where(meaning() == "pending", is_enrolled(*_PAIR), both_exist(*_PAIR))


def approved_not_enrolled(scope: Scope) -> Select[Any]:
    return find(
        scope,
        AccessRequest.id,
        *_PAIR,
        expected="enrolled",
        actual="approved and not enrolled",
        attention=full(AccessRequest.course_id),
    ).where(meaning() == "approved", ~is_enrolled(*_PAIR), ~_was_ended(), both_exist(*_PAIR))


def decided_not_cleared(scope: Scope) -> Select[Any]:
    """Find decided requests that are still in the queue and have no further effect."""
    has_effect = (meaning() == "approved") & ~is_enrolled(*_PAIR) & ~_was_ended()
    return find(
        scope, AccessRequest.id, *_PAIR, expected="among the decisions", actual=AccessRequest.status
    ).where((meaning().in_(_DECIDED) & ~has_effect) | _has_decision(), both_exist(*_PAIR))


def _has_decision() -> ColumnElement[bool]:
    return exists().where(
        Decision.request_id == AccessRequest.id,
        Decision.student_id == AccessRequest.student_id,
        Decision.course_id == AccessRequest.course_id,
    )


def _was_ended() -> ColumnElement[bool]:
    """Return whether somebody ended this access after the request: sync must not undo that.

    What ended when the request was put back into the queue was the approval taken back then.
    """
    put_back = (
        select(DecisionReversal.reversed_at)
        .where(DecisionReversal.request_id == AccessRequest.id)
        .correlate_except(DecisionReversal)
        .scalar_subquery()
    )
    return is_waived(*_PAIR) | exists().where(
        AuditEntry.action == "access.ended",
        AuditEntry.student_id == AccessRequest.student_id,
        AuditEntry.course_id == AccessRequest.course_id,
        AuditEntry.at > func.coalesce(put_back, AccessRequest.created_at),
    )
