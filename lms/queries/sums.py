"""What triggers have counted, as SQL and as numbers: a few rows, however many were counted.

See `models.counts` for what a sum is and `ledger.truth` for what is counted under which name.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Select,
    SQLColumnExpression,
    String,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
)

from lms.models import SCHOOL, CurrentCount, DailyCount
from lms.queries.read_model import COURSE, execute

_FIRST = bindparam("first", type_=Date)
Days = Mapping[date, int]
Sums = Mapping[tuple[str, str], Days]
"""By what was counted and its detail."""


def current(
    name: str, *, course_id: SQLColumnExpression[int] | int = SCHOOL, detail: str | None = None
) -> ColumnElement[int]:
    """Return the SQL for how many there are now, in one course or in the school."""
    found = select(summed(CurrentCount.value)).where(
        CurrentCount.course_id == course_id, CurrentCount.name == name
    )
    if detail is not None:
        found = found.where(CurrentCount.detail == detail)
    return found.correlate_except(CurrentCount).scalar_subquery()


@cache
def number_of(
    name: str, detail: str | None = None, *, is_of_course: bool = False
) -> Select[*tuple[Any, ...]]:
    """Return the statement for how many there are now, in the school or in COURSE."""
    return select(current(name, course_id=COURSE if is_of_course else SCHOOL, detail=detail))


def summed(value: SQLColumnExpression[int], *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the SQL of a sum that is a whole number, and 0 without any row."""
    number = func.sum(value)
    return cast(func.coalesce(number.filter(*conditions) if conditions else number, 0), BigInteger)


def by_detail(name: str) -> dict[str, int]:
    """Return what there is now in the school by its detail, without what there is none of."""
    rows = execute(_by_detail(), name=name)
    return {row.detail: row.number for row in rows if row.number}


def daily(
    series: tuple[str, ...],
    totals: tuple[str, ...],
    first: date,
    last: date,
    course_id: int | None,
) -> Sums:
    """Return what was counted in a course, or in the school, from the first to the last day.

    Of totals the days are not told apart: all are under the first.
    """
    sums: dict[tuple[str, str], dict[date, int]] = defaultdict(dict)
    days = {"first": first, "last": last, "course_id": course_id or SCHOOL}
    for row in execute(_daily(series, totals), **days).all():
        sums[row.name, row.detail][row.day] = row.number
    return sums


def distribution(name: str, first: date, last: date) -> list[tuple[int, int]]:
    """Return the school's sums of these days by their detail, which is a number, lowest first."""
    values = {"name": name, "course_id": SCHOOL, "first": first, "last": last}
    rows = execute(_distribution(), **values)
    return sorted((int(row.detail), row.number) for row in rows if row.number)


@cache
def _by_detail() -> Select[*tuple[Any, ...]]:
    return (
        select(CurrentCount.detail, summed(CurrentCount.value).label("number"))
        .where(
            CurrentCount.course_id == SCHOOL, CurrentCount.name == bindparam("name", type_=String)
        )
        .group_by(CurrentCount.detail)
        .order_by(CurrentCount.detail)
    )


@cache
def _daily(series: tuple[str, ...], totals: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    is_series = or_(*(DailyCount.name == name for name in series))
    counted = (
        select(
            DailyCount.name,
            DailyCount.detail,
            case((is_series, DailyCount.day), else_=_FIRST).label("day"),
            DailyCount.value,
        )
        .where(is_series | or_(*(DailyCount.name == name for name in totals)), _in_period())
        .subquery()
    )
    keys, number = (counted.c.name, counted.c.detail, counted.c.day), summed(counted.c.value)
    return select(*keys, number.label("number")).group_by(*keys).having(number != 0)


@cache
def _distribution() -> Select[*tuple[Any, ...]]:
    return (
        select(DailyCount.detail, summed(DailyCount.value).label("number"))
        .where(DailyCount.name == bindparam("name", type_=String), _in_period())
        .group_by(DailyCount.detail)
    )


def _in_period() -> ColumnElement[bool]:
    return (DailyCount.course_id == COURSE) & DailyCount.day.between(
        _FIRST, bindparam("last", type_=Date)
    )
