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
    Payment,
    SignIn,
    StudentProgress,
    User,
)
from lms.sync.finding import find
from lms.sync.kind import Check, Kind, Phase, Step

_DATED = (
    *(User, Course, Enrollment, StudentProgress, AccessSource, AccessRequest, ChapterCompletion),
    *(Payment, SignIn, Notice, Certificate),
)
_FROM_COMPLETIONS = {("enrollments", "completed_at"), ("student_progress", "last_activity_at")}


def _unreadable(model: type[Base]) -> Select[Any]:
    times = _times(model)
    first: ColumnElement[str] = case(*((unreadable(time), cast(time, String)) for time in times))
    return find(model, expected="a timestamp", actual=first).where(or_(*map(unreadable, times)))


def _date_anew(step: Step) -> None:
    table = table_of(step.model)
    for column in _times(step.model):
        # Any other time says that something has happened: empty, it would say the contrary.
        is_recomputed = (table.name, column.name) in _FROM_COMPLETIONS
        wrong = table.c.id.in_(step.ids) & unreadable(column)
        step.rewrite(wrong, **{column.name: None if is_recomputed else now()})


def _times(model: type[Base]) -> list[Column[Any]]:
    return [column for column in table_of(model).columns if isinstance(column.type, UtcDateTime)]


KINDS = (
    Kind(
        "unreadable_date",
        "Unreadable timestamps",
        "A learning timestamp is recomputed from the chapters completed; any other becomes the time"
        " of the repair.",
        Phase.VALUES,
        tuple(Check(model, partial(_unreadable, model), _date_anew) for model in _DATED),
    ),
)
