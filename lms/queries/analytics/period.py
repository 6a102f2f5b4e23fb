"""The days that figures are about, and how they are put together into points of a chart."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, SQLColumnExpression, and_

from lms.db import db, now
from lms.ledger.clocks import counted_zone
from lms.ledger.days import school_day
from lms.queries.read_model import read_model
from lms.times import day_of, start_of

Step = Literal["day", "week", "month"]

DEFAULT_DAYS = 90
MOST_DAYS = 3660
_DAY = timedelta(days=1)
_REPEATED = timedelta(hours=3)


@read_model
class Period:
    """Days from the first to the last, both included."""

    starts_on: date
    ends_on: date
    step: Step
    time_zone: str
    """Whose days they are: the school's, unless it has just changed its zone."""

    def covers(self, moment: SQLColumnExpression[Any]) -> ColumnElement[bool]:
        """Return whether a moment is of one of the days, as sums have it."""
        # Between the first and the last beginning of a day, which come twice where clocks go back
        # over midnight: an index finds by these alone, and the days decide.
        return and_(
            moment >= start_of(self.starts_on, self.time_zone) - _REPEATED,
            moment < start_of(self.ends_on + _DAY, self.time_zone) + _REPEATED,
            school_day(moment).between(self.starts_on, self.ends_on),
        )

    def points(self, by_day: Mapping[date, int]) -> list[tuple[date, int]]:
        """Sum the days up into the steps of the period, the empty ones included."""
        starts = _starts(self)
        sums = dict.fromkeys(starts.values(), 0)
        for day, number in by_day.items():
            sums[starts[day]] += number
        return list(sums.items())


def period(starts_on: date | None, ends_on: date | None, *, step: Step | None = None) -> Period:
    """Return the period between two days in either order; the last 90 days where none are given.

    Days are those of the zone by which sums are kept, as read here.
    """
    zone = counted_zone(db.session())
    ends_on = ends_on or max(day_of(now(), zone), starts_on or date.min)
    starts_on = starts_on or ends_on - timedelta(days=DEFAULT_DAYS - 1)
    starts_on, ends_on = min(starts_on, ends_on), max(starts_on, ends_on)
    starts_on = max(starts_on, ends_on - timedelta(days=MOST_DAYS))
    days = (ends_on - starts_on).days + 1
    fitting: Step = "day" if days <= 45 else "week" if days <= 200 else "month"
    return Period(starts_on=starts_on, ends_on=ends_on, step=step or fitting, time_zone=zone)


@lru_cache(32)  # four charts a page, and most pages are of the same period
def _starts(period: Period) -> dict[date, date]:
    """Return the days of a period in their order, each with the day on which its step starts."""
    starts = {}
    for number in range((period.ends_on - period.starts_on).days + 1):
        day = start = period.starts_on + timedelta(days=number)
        if period.step == "week":
            start = day - timedelta(days=day.weekday())
        elif period.step == "month":
            start = day.replace(day=1)
        starts[day] = max(start, period.starts_on)
    return starts
