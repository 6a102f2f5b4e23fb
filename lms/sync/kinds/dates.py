"""Unreadable timestamps: no page could show them, and no list sort them."""

from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, String, case, cast, or_

from lms.db import Base, UtcDateTime, now, unreadable
from lms.ledger.changes import table_of
from lms.models import (
    AccessRequest,
    AccessSource,
    Certificate,
    ChapterCompletion,
    Course,
    Enrollment,
    Notice,
    Offer,
    Payment,
    SignIn,
    StudentProgress,
    User,
    last_completion,
)
from lms.sync.finding import find
from lms.sync.kind import Check, Kind, Phase, Step

_DATED = (
    # Completions first: what comes of them is read from them.
    *(ChapterCompletion, User, Course, Enrollment, StudentProgress, AccessSource, AccessRequest),
    *(Offer, Payment, SignIn, Notice, Certificate),
)


def _unreadable(model: type[Base]) -> Select[Any]:
    times = _times(model)
    first: ColumnElement[str] = case(*((unreadable(time), cast(time, String)) for time in times))
    return find(model, expected="a timestamp", actual=first).where(or_(*map(unreadable, times)))


def _date_anew(step: Step) -> None:
    table = table_of(step.model)
    for column in _times(step.model):
        wrong = table.c.id.in_(step.ids) & unreadable(column)
        step.rewrite(wrong, **{column.name: _instead(table.name, column.name)})


def _instead(table: str, column: str) -> Any:
    match table, column:
        case "enrollments", "completed_at":
            return None  # set again with the progress
        case "student_progress", "last_activity_at":
            return last_completion(StudentProgress.student_id, StudentProgress.course_id)
        case _:  # it says that something has happened: empty, it would say the contrary
            return now()


def _times(model: type[Base]) -> list[Column[Any]]:
    return [column for column in table_of(model).columns if isinstance(column.type, UtcDateTime)]


KINDS = (
    Kind(
        "unreadable_date",
        "Unreadable timestamps",
        "Completion and last-activity dates are recomputed from the chapters completed; any other"
        " timestamp becomes the time of the repair.",
        Phase.VALUES,
        tuple(Check(model, partial(_unreadable, model), _date_anew) for model in _DATED),
    ),
)
