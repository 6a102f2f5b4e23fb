"""Months of the books begin and end by the school's clocks, and what is booked stays."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import bindparam, select

from lms import payments, sync
from lms.db import UtcDateTime, at, db
from lms.ledger import clocks
from lms.ledger.book_clocks import BookClocks, follow_in_books
from lms.ledger.months import Month, month_of
from lms.ledger.movements import lacking
from lms.queries.books import BooksReport, report
from lms.refusals import Invalid
from lms.times import UTC_NAME, day_of, local, start_of, zone_names
from lms.transaction import transactional
from tests.builders import an_admin
from tests.conftest import Sql
from tests.zones import AUCKLAND, NEW_YORK, kept_clocks, move, sell

pytestmark = pytest.mark.usefixtures("context")
ZONES = (
    *("Pacific/Auckland", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"),
    *("Africa/Cairo", "America/St_Johns", "Pacific/Kiritimati", UTC_NAME),
)
INSTANT = timedelta(microseconds=1)
OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)
_MONTH_OF = select(month_of(bindparam("moment", type_=UtcDateTime)))
MIDNIGHT = datetime(2026, 10, 31, 11, tzinfo=UTC)
"""When November begins in Auckland."""


@pytest.mark.parametrize("zone", ZONES)
def test_a_month_begins_at_its_first_midnight_in_the_zone(sql: Sql, zone: str) -> None:
    move(sql, zone)
    kept = kept_clocks()
    for month in _months(Month(2005, 1), 400):
        begins_at = kept.begin(month)
        assert begins_at == start_of(month.midnight.date(), zone)
        assert (kept.month(begins_at), kept.zone(month)) == (month, zone)
        assert kept.month(begins_at - INSTANT) == month.previous
        assert kept.end(month.previous) == begins_at


def test_a_month_that_is_over_does_not_come_back_with_the_hour_that_does(sql: Sql) -> None:
    zone, november = "America/St_Johns", Month(2009, 11)
    move(sql, zone)
    clocks, begins_at = kept_clocks(), datetime(2009, 11, 1, 2, 30, tzinfo=UTC)
    shown = [local(begins_at + timedelta(minutes=minutes), zone) for minutes in (0, 1, 59, 60)]
    assert [f"{each:%d %H:%M}" for each in shown] == [
        "01 00:00",
        "31 23:01",
        "31 23:59",
        "01 00:00",
    ]
    assert clocks.begin(november) == begins_at
    for minutes in range(62):
        moment = begins_at + timedelta(minutes=minutes)
        assert clocks.month(moment) == november
        assert db.session.scalar(_MONTH_OF, {"moment": moment}) == "2009-11"
    assert clocks.month(begins_at - INSTANT) == november.previous


@pytest.mark.parametrize("zone", ZONES)
def test_the_database_finds_the_same_months(sql: Sql, zone: str) -> None:
    move(sql, zone)
    kept, random = kept_clocks(), Random(zone)  # noqa: S311 - no secret
    for month in _months(Month(2023, 1), 40):
        begins_at = kept.begin(month)
        for near in (begins_at, begins_at - INSTANT, begins_at + _hours(random)):
            assert db.session.scalar(_MONTH_OF, {"moment": near}) == str(kept.month(near))


def test_a_sale_of_the_first_in_auckland_is_in_november_s_books(sql: Sql) -> None:
    admin = move(sql, AUCKLAND)
    for moment in (MIDNIGHT - INSTANT, MIDNIGHT):
        sell(moment, by=admin)
    with at(MIDNIGHT - INSTANT), pytest.raises(Invalid, match="October 2026 isn't over yet"):
        payments.close_month(OCTOBER, by=admin)
    with at(MIDNIGHT):
        assert payments.close_month(OCTOBER, by=admin)
        for month in (OCTOBER, NOVEMBER):
            found = _report(month)
            assert [line.month for line in found.lines] == [str(month)]
            assert found.time_zone == AUCKLAND
            assert found.unexplained_entries == []


def test_who_changes_the_zone_moves_nothing_that_is_booked(sql: Sql) -> None:
    admin = an_admin()
    sell(MIDNIGHT, by=admin)  # still October, in UTC
    with at(datetime(2026, 11, 2, tzinfo=UTC)):
        payments.close_month(OCTOBER, by=admin)
        before = [_report(month) for month in (OCTOBER, NOVEMBER)]
        move(sql, AUCKLAND, by=admin)
        assert [_report(month) for month in (OCTOBER, NOVEMBER)] == before
        assert kept_clocks().zone(Month(2026, 12)) == AUCKLAND
    december = datetime(2026, 11, 30, 11, tzinfo=UTC)
    for moment, month in (
        (december, NOVEMBER),  # which goes on to its end in UTC
        (datetime(2026, 12, 1, tzinfo=UTC), Month(2026, 12)),
        (datetime(2026, 12, 31, 11, tzinfo=UTC), Month(2027, 1)),
    ):
        sell(moment, by=admin)
        with at(moment):
            assert _report(month).lines[-1].happened_at == moment
            assert kept_clocks().present == month
    with at(datetime(2027, 1, 5, tzinfo=UTC)):
        assert db.session.execute(lacking("school")).all() == []
        assert sync.validate().ok


def test_before_anything_is_booked_all_months_are_the_zone_s(sql: Sql) -> None:
    admin = move(sql, AUCKLAND)
    move(sql, NEW_YORK, by=admin)
    assert kept_clocks().zone(OCTOBER) == NEW_YORK
    move(sql, None, by=admin)
    assert kept_clocks() == BookClocks()


@pytest.mark.parametrize("seed", range(8))
def test_whatever_zones_a_school_has_had_its_months_follow_each_other(sql: Sql, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    sell(datetime(2020, 1, 1, tzinfo=UTC), by=an_admin())
    moment = datetime(2020, 1, 5, tzinfo=UTC)
    for _ in range(12):
        moment += random.choice([timedelta(0), _hours(random), 40 * _hours(random)])
        zone = random.choice(ZONES)
        before, after = kept_clocks(), _follow(zone, moment)
        past = [datetime(2019, 12, 1, tzinfo=UTC) + 9 * _hours(random) for _ in range(40)]
        for each in (*past, moment, before.end(before.month(moment)) - INSTANT):
            if each <= moment:
                assert after.month(each) == before.month(each)
        assert after.end(after.month(moment)) == before.end(before.month(moment))
        assert after.zone(after.month(moment).next.next) == zone
        for days in (0, random.randrange(30), random.randrange(900)):
            assert _follow(zone, moment + timedelta(days=days)) == after
        begins = [after.begin(month) for month in _months(Month(2019, 1), 100)]
        assert all(first < second for first, second in pairwise(begins))
        moments = sorted(each + offset for each in begins for offset in _around(random))
        found = [after.month(each) for each in moments]
        assert found == sorted(found)


def test_a_moment_of_a_day_is_of_its_month_in_the_books_and_of_it_in_utc() -> None:
    assert len(zone_names()) > 400
    days = [date(2026, 3, 29), date(2026, 7, 1), date(2026, 10, 31), date(2026, 12, 31)]
    for zone in zone_names():
        own = BookClocks(tuple(clocks.changes_of(zone)))
        for day in days:
            for kept in (BookClocks(), own):
                moment = kept.within(day, zone)
                assert (day_of(moment, zone), moment.date()) == (day, day), zone
                assert kept.month(moment) == Month.of(day)


def test_a_day_is_of_its_month_by_clocks_of_other_zones_where_one_can_be() -> None:
    for zone in ZONES:
        kept = BookClocks(tuple(clocks.changes_of(zone)))
        for other in ZONES:
            for day in (date(2026, 11, 1), date(2026, 11, 30), date(2026, 12, 1)):
                moment, month = kept.within(day, other), Month.of(day)
                assert day_of(moment, other) == day
                ends_at = start_of(day + timedelta(days=1), other)
                if kept.begin(month) < ends_at and start_of(day, other) < kept.end(month):
                    assert kept.month(moment) == month, (zone, other, day)


def _around(random: Random) -> Iterator[timedelta]:
    return (sign * _hours(random) / 20 for sign in (-1, 1, 1))


def _hours(random: Random) -> timedelta:
    return timedelta(seconds=random.randrange(1, 26 * 3_600))


def _months(first: Month, number: int) -> Iterator[Month]:
    month = first
    for _ in range(number):
        yield month
        month = month.next


def _report(month: Month) -> BooksReport:
    try:
        return report(month)
    finally:
        db.session.rollback()


def _follow(zone: str, moment: datetime) -> BookClocks:
    with at(moment):
        transactional(follow_in_books)(zone, clocks.changes_of(zone))
    return kept_clocks()
