"""Days and the points that they are put together into."""

from datetime import date

import pytest

from lms.db import now
from lms.queries.analytics.period import MOST_DAYS, period

pytestmark = pytest.mark.usefixtures("context")


def test_the_last_ninety_days_unless_asked_otherwise() -> None:
    chosen = period(None, None)
    assert chosen.ends_on == now().date()
    assert len(period(None, None, step="day").points({})) == 90


def test_days_in_the_wrong_order_are_swapped() -> None:
    chosen = period(date(2026, 3, 9), date(2026, 3, 1))
    assert (chosen.starts_on, chosen.ends_on) == (date(2026, 3, 1), date(2026, 3, 9))


def test_days_become_weeks_and_months_as_there_are_more() -> None:
    first = date(2026, 1, 1)
    assert period(first, date(2026, 1, 31)).step == "day"
    assert period(first, date(2026, 4, 1)).step == "week"
    assert period(first, date(2026, 12, 31)).step == "month"


def test_weeks_begin_on_monday_and_the_first_with_the_period() -> None:
    chosen = period(date(2026, 3, 4), date(2026, 3, 17), step="week")
    assert chosen.points({date(2026, 3, 8): 2, date(2026, 3, 9): 3, date(2026, 3, 17): 1}) == [
        (date(2026, 3, 4), 2),
        (date(2026, 3, 9), 3),
        (date(2026, 3, 16), 1),
    ]


def test_months_without_anything_are_points_too() -> None:
    chosen = period(date(2026, 1, 15), date(2026, 3, 1), step="month")
    assert chosen.points({date(2026, 1, 20): 4}) == [
        (date(2026, 1, 15), 4),
        (date(2026, 2, 1), 0),
        (date(2026, 3, 1), 0),
    ]


def test_a_period_has_an_end() -> None:
    chosen = period(date(1970, 1, 1), date(9998, 12, 31))
    assert (chosen.ends_on - chosen.starts_on).days == MOST_DAYS


def test_a_first_day_to_come_is_the_only_one() -> None:
    chosen = period(date(9000, 1, 1), None)
    assert (chosen.starts_on, chosen.ends_on) == (date(9000, 1, 1), date(9000, 1, 1))
