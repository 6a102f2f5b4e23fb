"""Sync: violations, their repair and undo, explanations of access, and health."""

from typing import Annotated, Any, Literal

from flask import copy_current_request_context, current_app, request
from pydantic import Field, model_validator
from sqlalchemy.exc import SQLAlchemyError

from lms import questions, sync
from lms.queries.past import as_of
from lms.questions import Few, Question
from lms.refusals import Busy, CourseNotFound, RunNotFound, StudentNotFound, SyncRunning
from lms.sync import (
    WHOLE_SCHOOL,
    AutoFixResult,
    Explanation,
    Health,
    Report,
    Scope,
    UndoResult,
)
from lms.web.api.inputs import Id
from lms.web.api.operation import Answer, Body, Operations, Query
from lms.web.session import is_admin, person
from lms.web.turns import turn


class ScopeQuery(Query):
    """Which student, course or both; if neither, the whole school."""

    student_id: Id | None = None
    course_id: Id | None = None


class PairQuery(Query):
    """A student and a course."""

    student_id: Id
    course_id: Id


class ExplainQuery(PairQuery):
    """A student and a course, and perhaps a day or time of the past."""

    at: Annotated[
        str | None,
        Field(
            description=(
                "A date such as 2026-05-03 (as of the end of that day in UTC) or a time."
                " Default: now."
            )
        ),
    ] = None


class AutoFix(Body):
    """Whether to repair or only preview, and for whom; the body is optional."""

    dry_run: bool = False
    student_id: Id | None = None
    course_id: Id | None = None

    @model_validator(mode="before")
    @classmethod
    def _take_nothing_for_default(cls, given: object) -> object:
        return {} if given is None and not request.get_data() else given


class PublicHealth(Answer):
    """The health that anyone may see."""

    status: Literal["ok", "degraded", "failing"]


_HEALTH: Any = Health | PublicHealth
_MOST_ASKERS = 4
"""Each may keep a connection for as long as the database hangs, and pages need some, too."""


def register(operations: Operations) -> None:
    """Add the calls of this module."""

    @operations.add(
        "GET",
        "/sync/validate",
        role="admin",
        answers={200: Report},
        query=ScopeQuery,
        refusals=[Busy],
    )
    def validate(query: ScopeQuery) -> Report:
        """Check every rule and list every kind of violation, even at 0."""
        scope = Scope(student_id=query.student_id, course_id=query.course_id)
        with turn():
            return sync.validate_anew() if scope == WHOLE_SCHOOL else sync.validate(scope)

    @operations.add(
        "POST",
        "/sync/auto-fix",
        role="admin",
        answers={200: AutoFixResult},
        body=AutoFix,
        refusals=[Busy, SyncRunning],
    )
    def auto_fix(body: AutoFix) -> AutoFixResult:
        """Repair what can be repaired without guessing; a second run fixes nothing."""
        scope = Scope(student_id=body.student_id, course_id=body.course_id)
        with turn():
            return sync.auto_fix(scope, by=person().id, dry_run=body.dry_run)

    @operations.add(
        "POST",
        "/sync/runs/<int:run_id>/undo",
        role="admin",
        answers={200: UndoResult},
        refusals=[Busy, RunNotFound, SyncRunning],
    )
    def undo_run(run_id: int) -> UndoResult:
        """Reverse what a run changed, except rows that have changed since."""
        with turn():
            return sync.undo(run_id, by=person().id)

    @operations.add(
        "GET",
        "/sync/explain",
        role="admin",
        answers={200: Explanation},
        query=ExplainQuery,
        refusals=[StudentNotFound, CourseNotFound],
    )
    def explain(query: ExplainQuery) -> Explanation:
        """Explain why a student has or lacks access to a course, now or on a day of the past."""
        moment = as_of(query.at) if query.at else None
        return sync.explain(query.student_id, query.course_id, moment)

    @operations.add(
        "GET",
        "/sync/health",
        role="anybody",
        answers={200: _HEALTH, 503: _HEALTH},
    )
    def health() -> tuple[Health | PublicHealth, int]:
        """Return the portal's health; admins also get the reasons."""
        deadline = questions.deadline()
        asker = _asker() if request.cookies else None
        found = sync.health_soon(deadline)
        status = 503 if found.status == "failing" else 200
        if asker is None or not _is_told(asker, deadline):
            return PublicHealth(status=found.status), status
        return found, status


def _asker() -> Question[bool] | None:
    """Have it found out whether an admin asks; None while too many such questions are open.

    Who asks is read from the database, which may not answer: then nobody is told details.
    """
    askers: Few[bool] = current_app.extensions.setdefault("askers", Few(most=_MOST_ASKERS))
    return askers.ask(copy_current_request_context(is_admin))


def _is_told(asker: Question[bool], deadline: float) -> bool:
    try:
        return bool(asker.answer(deadline))
    except SQLAlchemyError:  # with the database away nobody can be recognized
        return False
