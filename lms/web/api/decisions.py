"""The admins' calls about decisions that were made: the list, and taking one back."""

from lms import enrollment
from lms.queries.admin import requests as queued
from lms.queries.admin.requests import DecidedRequests
from lms.refusals import (
    AlreadyUndone,
    CourseNotFound,
    DecisionNotFound,
    StudentNotFound,
    TooLateToUndo,
)
from lms.web.api.inputs import PageNumber, SearchText
from lms.web.api.operation import Answer, Operations, Query
from lms.web.session import person


class DecisionsQuery(Query):
    """Which part of the list."""

    page: PageNumber = 1
    q: SearchText = ""


class Undone(Answer):
    """The decision is undone; the request is queued again, unless `requestId` is null."""

    decision_id: int
    student_id: int
    course_id: int
    request_id: int | None


def register(operations: Operations) -> None:
    """Add the calls of this module."""

    @operations.add(
        "GET",
        "/admin/decisions",
        role="admin",
        query=DecisionsQuery,
        answers={200: DecidedRequests},
        topics=("requests",),
    )
    def decisions(query: DecisionsQuery) -> DecidedRequests:
        """List the requests that were decided, the latest decision first."""
        return queued.decided(page=query.page, q=query.q)

    @operations.add(
        "POST",
        "/admin/decisions/<int:decision_id>/undo",
        role="admin",
        answers={200: Undone},
        refusals=[DecisionNotFound, CourseNotFound, StudentNotFound, AlreadyUndone, TooLateToUndo],
    )
    def undo_decision(decision_id: int) -> Undone:
        """Undo a recent decision; the request is queued again in its old place."""
        undone = enrollment.undo_decision(decision_id, by=person().id)
        return Undone(
            decision_id=undone.decision_id,
            student_id=undone.student_id,
            course_id=undone.course_id,
            request_id=undone.request_id,
        )
