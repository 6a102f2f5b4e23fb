"""Months of the books, which begin and end by their own clocks: see `book_clocks`."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from lms.db import UtcDateTime, now
from lms.ledger import wall_clock
from lms.refusals import Invalid

FIRST, LAST = "1970-01", "9998-12"
"""A time before or after them is none: a restored dump may hold anything."""
_CLOCKS = "book_clocks"
ANY_CLOCK = timedelta(days=2)
"""More than any clocks differ from UTC, or a time from our spelling of it on SQLite."""


@dataclass(frozen=True, order=True)
class Month:
    """A month of a year."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month that a day or a time names; which month books it, its clocks tell."""
        return cls(day.year, day.month)

    @classmethod
    def named(cls, name: str) -> "Month":
        """Return the month of this name, such as 2026-10."""
        return cls(int(name[:4]), int(name[5:]))

    @classmethod
    def read(cls, text: str, *, present: "Month") -> "Month":
        """Return the month that a text names; raises Invalid for one that has not begun."""
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text, re.ASCII):
            raise Invalid("month", "Enter a year and month, such as 2026-10.")
        if text < FIRST:
            raise Invalid("month", f"Enter a month from {FIRST} to {present}.")
        found = cls.named(text)
        if found > present:
            raise Invalid("month", f"{text} hasn't begun yet. The latest month is {present}.")
        return found

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def name(self) -> str:
        """What people call it, such as October 2026."""
        return f"{self.midnight:%B %Y}"

    @property
    def midnight(self) -> datetime:
        """What clocks that show UTC show when it begins."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def next(self) -> "Month":
        """The month after it."""
        return Month(self.year + 1, 1) if self.number == 12 else Month(self.year, self.number + 1)

    @property
    def previous(self) -> "Month":
        """The month before it."""
        return Month(self.year - 1, 12) if self.number == 1 else Month(self.year, self.number - 1)


class month_of(FunctionElement[str]):  # noqa: N801 - used like a function of SQL
    """The month of a time by the clocks of the books, such as 2026-10; blank for no time."""

    name = "month_of"
    type = String()
    inherit_cache = True


@compiles(month_of, "sqlite")
def _on_sqlite(element: month_of, compiler: SQLCompiler, **options: object) -> str:
    shown = wall_clock.on_sqlite(element, compiler, _CLOCKS, in_triggers=False, **options)
    return f"coalesce(strftime('%Y-%m', {shown}), '')"


@compiles(month_of, "postgresql")
def _on_postgresql(element: month_of, compiler: SQLCompiler, **options: object) -> str:
    shown = wall_clock.on_postgresql(element, compiler, _CLOCKS, **options)
    return f"coalesce(to_char({shown}, 'YYYY-MM'), '')"


class month_about(FunctionElement[str]):  # noqa: N801 - used like a function of SQL
    """The month, by UTC, of a time so many days later; NULL for no time."""

    name = "month_about"
    type = String()
    inherit_cache = True


@compiles(month_about, "sqlite")
def _about_on_sqlite(element: month_about, compiler: SQLCompiler, **options: object) -> str:
    time, days = (compiler.process(each, **options) for each in element.clauses)
    return f"strftime('%Y-%m', {wall_clock.second(time)}, {days} || ' days')"


@compiles(month_about, "postgresql")
def _about_on_postgresql(element: month_about, compiler: SQLCompiler, **options: object) -> str:
    time, days = (compiler.process(each, **options) for each in element.clauses)
    about = f"to_char(({time} AT TIME ZONE 'UTC') + {days} * interval '1 day', 'YYYY-MM')"
    # Near the ends of what a time can be, there is none so many days later.
    return f"CASE WHEN {time} > '1900-01-01+00' AND {time} < '9999-02-01+00' THEN {about} END"


PRESENT = month_of(bindparam("present_moment", callable_=now, type_=UtcDateTime))
"""The last month that can have happened."""


def is_before_all(time: Any) -> ColumnElement[bool]:
    """Find times before all months of the books, which begin in 1970 by whatever clocks."""
    first = Month(1970, 1).midnight
    earliest, latest = (literal(first + days, UtcDateTime) for days in (-ANY_CLOCK, ANY_CLOCK))
    return or_(time < earliest, and_(time < latest, month_of(time) < literal(FIRST, String)))
