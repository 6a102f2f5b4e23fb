"""Unreadable timestamps, which no page could show, and payments of no month."""

from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    or_,
)

from lms.db import Base, UtcDateTime, now, readable, unreadable
from lms.ledger.changes import table_of
from lms.ledger.months import is_before_all
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

_PAID = (table_of(Payment).c.paid_at, table_of(Payment).c.created_at)
_AHEAD = timedelta(days=1)
"""How far the clock of whoever writes may be ahead of ours."""


def _unreadable(model: type[Base]) -> Select[Any]:
    times = _times(model)
    first: ColumnElement[str] = case(*((unreadable(time), cast(time, String)) for time in times))
    return find(model, expected="a timestamp", actual=first).where(or_(*map(unreadable, times)))


def _date_anew(step: Step) -> None:
    table = table_of(step.model)
    for column in _times(step.model):
        wrong = table.c.id.in_(step.ids) & unreadable(column)
        instead = func.coalesce(readable(column), _instead(table.name, column.name))
        step.rewrite(wrong, **{column.name: instead})


def _instead(table: str, column: str) -> Any:
    match table, column:
        case "enrollments", "completed_at":
            return null()  # set again with the progress
        case "student_progress", "last_activity_at":
            return last_completion(StudentProgress.student_id, StudentProgress.course_id)
        case _:  # it says that something has happened: empty, it would say the contrary
            return literal(now(), UtcDateTime)


def _impossible() -> Select[Any]:
    """Find payments dated before 1970, or ahead of all clocks."""
    first: ColumnElement[str] = case(
        *((_is_impossible(each), cast(each, String)) for each in _PAID)
    )
    return find(Payment, expected="a date from 1970 to now", actual=first).where(
        or_(*map(_is_impossible, _PAID))
    )


def _date_payment(step: Step) -> None:
    """Date by when the row was made, else by now: money without a month is in no books."""
    paid_at, created_at = _PAID
    for column, instead in ((created_at, now()), (paid_at, created_at)):
        wrong = table_of(Payment).c.id.in_(step.ids) & _is_impossible(column)
        step.rewrite(wrong, **{column.name: instead})


def _is_impossible(time: Any) -> ColumnElement[bool]:
    soon = bindparam(None, callable_=lambda: now() + _AHEAD, type_=UtcDateTime)
    is_none = or_(is_before_all(time), time > soon)
    return and_(time.is_not(None), ~unreadable(time), is_none)


def _times(model: type[Base]) -> list[Column[Any]]:
    return [column for column in table_of(model).columns if isinstance(column.type, UtcDateTime)]


KINDS = (
    Kind(
        "unreadable_date",
        "Unreadable timestamps",
        "Timestamps in an unusual format are rewritten in the standard one. If that isn't possible,"
        " completion and last-activity dates are recomputed from the chapters completed, and any"
        " other timestamp becomes the time of the repair.",
        Phase.VALUES,
        tuple(Check(model, partial(_unreadable, model), _date_anew) for model in _DATED),
    ),
    Kind(
        "impossible_date",
        "Payments dated before 1970 or in the future",
        "The payment's date becomes the date on which it was recorded here, which gives it a month"
        " in the books.",
        Phase.VALUES,
        (Check(Payment, _impossible, _date_payment),),
    ),
)
