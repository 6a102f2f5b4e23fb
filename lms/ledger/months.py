"""Months of the books, which begin and end in UTC wherever the school is."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import String, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from lms.db import now
from lms.refusals import Invalid

FIRST = "1970-01"
"""A time before it is none: a restored dump may hold anything."""


@dataclass(frozen=True, order=True)
class Month:
    """A month of a year."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """Return the month of a moment, in UTC."""
        moment = moment.astimezone(UTC)
        return cls(moment.year, moment.month)

    @classmethod
    def read(cls, text: str) -> "Month":
        """Return the month that a text names; raises Invalid for one that has not begun."""
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text, re.ASCII):
            raise Invalid("month", "Enter a month as year and number, such as 2026-10.")
        present = cls.of(now())
        if text < FIRST:
            raise Invalid("month", f"Enter a month from {FIRST} to {present}.")
        found = cls(int(text[:4]), int(text[5:]))
        if found > present:
            raise Invalid("month", f"{text} hasn't begun yet. The latest month is {present}.")
        return found

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def name(self) -> str:
        """What people call it, such as October 2026."""
        return f"{self.begin:%B %Y}"

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment of the next one."""
        return self.next.begin

    @property
    def next(self) -> "Month":
        """The month after it."""
        return Month(self.year + 1, 1) if self.number == 12 else Month(self.year, self.number + 1)

    @property
    def previous(self) -> "Month":
        """The month before it."""
        return Month(self.year - 1, 12) if self.number == 1 else Month(self.year, self.number - 1)

    @property
    def is_over(self) -> bool:
        """Whether the next one has begun."""
        return Month.of(now()) > self


def present() -> str:
    """Return the month of this moment."""
    return str(Month.of(now()))


PRESENT = bindparam("present_month", callable_=present, type_=String)
"""The last month that can have happened."""


class month_of(FunctionElement[str]):  # noqa: N801 - used like a function of SQL
    """The month of a time, in UTC, such as 2026-10."""

    name = "month_of"
    type = String()
    inherit_cache = True


@compiles(month_of, "sqlite")
def _of_text(element: month_of, compiler: SQLCompiler, **options: object) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 7)"


@compiles(month_of, "postgresql")
def _of_time(element: month_of, compiler: SQLCompiler, **options: object) -> str:
    return f"to_char({compiler.process(element.clauses, **options)} AT TIME ZONE 'UTC', 'YYYY-MM')"
