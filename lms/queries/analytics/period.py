"""The days that figures are about, and how they are put together into points of a chart."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, SQLColumnExpression, and_

from lms.db import now
from lms.queries.read_model import read_model

Step = Literal["day", "week", "month"]

DEFAULT_DAYS = 90
MOST_DAYS = 3660


@read_model
class Period:
    """Days from the first to the last, both included, in UTC."""

    starts_on: date
    ends_on: date
    step: Step

    def covers(self, moment: SQLColumnExpression[Any]) -> ColumnElement[bool]:
        """Return whether a moment lies in the period."""
        return and_(
            moment >= midnight(self.starts_on), moment < midnight(self.ends_on + timedelta(days=1))
        )

    def points(self, by_day: Mapping[date, int]) -> list[tuple[date, int]]:
        """Sum the days up into the steps of the period, the empty ones included."""
        sums = Counter(dict.fromkeys(self._starts(), 0))
        for day, number in by_day.items():
            sums[self._start_of(day)] += number
        return sorted(sums.items())

    def _starts(self) -> list[date]:
        days = (self.ends_on - self.starts_on).days + 1
        return list(
            dict.fromkeys(
                self._start_of(self.starts_on + timedelta(days=number)) for number in range(days)
            )
        )

    def _start_of(self, day: date) -> date:
        if self.step == "week":
            day -= timedelta(days=day.weekday())
        elif self.step == "month":
            day = day.replace(day=1)
        return max(day, self.starts_on)


def period(starts_on: date | None, ends_on: date | None, *, step: Step | None = None) -> Period:
    """Return the period between two days in either order; the last 90 days where none are given."""
    ends_on = ends_on or max(now().date(), starts_on or date.min)
    starts_on = starts_on or ends_on - timedelta(days=DEFAULT_DAYS - 1)
    starts_on, ends_on = min(starts_on, ends_on), max(starts_on, ends_on)
    starts_on = max(starts_on, ends_on - timedelta(days=MOST_DAYS))
    days = (ends_on - starts_on).days + 1
    fitting: Step = "day" if days <= 45 else "week" if days <= 200 else "month"
    return Period(starts_on=starts_on, ends_on=ends_on, step=step or fitting)


def midnight(day: date) -> datetime:
    """Return the first moment of a day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
