"""Sums that differ from the rows that they count: what triggers keep, unless a restore passed them.

A finding is a course, or the whole school, with one of its sums as an example.
"""

from functools import partial
from typing import Any

from sqlalchemy import Select, String, cast, func, literal, null, select

from lms.ledger.counting import differences, recount
from lms.ledger.truth import Counts, keys
from lms.models import SCHOOL, CurrentCount, DailyCount
from lms.sync.kind import Check, Kind, Phase, Step


def _wrong(model: Counts) -> Select[Any]:
    wrong = differences(model).subquery()
    _, *others = (cast(wrong.c[key.name], String) for key in keys(model))
    name = func.trim(_joined(others))
    course = wrong.c.course_id
    return select(
        course.label("row_id"),
        null().label("student_id"),
        func.nullif(course, SCHOOL).label("course_id"),
        func.min(name + ": " + cast(wrong.c.expected, String)).label("expected"),
        func.min(name + ": " + cast(wrong.c.actual, String)).label("actual"),
        cast(null(), String).label("attention"),
    ).group_by(course)


def _joined(words: list[Any]) -> Any:
    first, *others = words
    for word in others:
        first = first + literal(" ", String) + word
    return first


def _recount(model: Counts, step: Step) -> None:
    recount(step.session, model, step.ids)


def _check(model: Counts) -> Check:
    return Check(model, partial(_wrong, model), partial(_recount, model), is_derived=True)


_SENTENCE = "The figures are recounted; nothing else changes."

KINDS = (
    Kind(
        "daily_count_drift",
        "Daily figures that differ from the records",
        _SENTENCE,
        Phase.COUNTS,
        (_check(DailyCount),),
    ),
    Kind(
        "current_count_drift",
        "Counts that differ from the records",
        _SENTENCE,
        Phase.COUNTS,
        (_check(CurrentCount),),
    ),
)
