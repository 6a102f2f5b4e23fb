"""What time it is in a zone, and when its days begin: of 23, 24 and 25 hours."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta

import pytest

from lms.times import day_of, full_name, local, place, start_of, told, zone_name

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        (BERLIN, date(2026, 3, 29), "2026-03-28T23:00", 23),
        (BERLIN, date(2026, 10, 25), "2026-10-24T22:00", 25),
        (BERLIN, date(2026, 7, 1), "2026-06-30T22:00", 24),
        ("Australia/Lord_Howe", date(2026, 10, 4), "2026-10-03T13:30", 23.5),
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-23T22:00", 23),  # it has no midnight
        ("America/Havana", date(2025, 11, 2), "2025-11-02T04:00", 25),  # it has two
        ("UTC", date(2026, 3, 29), "2026-03-29T00:00", 24),
    ],
)
def test_a_day_lasts_from_its_midnight_to_the_next(
    zone: str, day: date, begins: str, hours: float
) -> None:
    begin, end = start_of(day, zone), start_of(day + timedelta(days=1), zone)
    assert begin == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert end - begin == timedelta(hours=hours)
    assert {day_of(begin, zone), day_of(end - timedelta(microseconds=1), zone)} == {day}


def test_the_rules_are_those_of_the_package_whatever_the_machine_has() -> None:
    assert zoneinfo.TZPATH == ()
    assert local(datetime(2026, 7, 1, tzinfo=UTC), BERLIN).utcoffset() == timedelta(hours=2)


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert told(first, BERLIN) == "25 October 2026, 02:30 (Berlin time, UTC+2)"
    second = first + timedelta(hours=1)
    assert told(second, BERLIN) == "25 October 2026, 02:30 (Berlin time, UTC+1)"
    assert told(first, "UTC") == "25 October 2026, 00:30 UTC"


def test_zones_are_named_as_people_say() -> None:
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    assert full_name(moment, "Asia/Kolkata") == "Kolkata time, UTC+5:30"
    assert full_name(moment, "America/St_Johns") == "St Johns time, UTC-2:30"
    assert place("America/Argentina/Buenos_Aires") == "Buenos Aires time"
    assert zone_name(" america/new york ") == "America/New_York"
    assert [zone_name(typed) for typed in ("berlin", "New York")] == [
        *("Europe/Berlin", "America/New_York")
    ]
    assert zone_name("Louisville") is None  # there are two
    assert [zone_name(typed) for typed in ("", "Mars", "CET", "../etc/passwd")] == [None] * 4


def test_a_zone_that_is_no_longer_known_is_told_as_utc() -> None:
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    assert local(moment, "Europe/Atlantis") == moment


def test_days_at_the_ends_of_the_calendar_begin_too() -> None:
    for day in (date.min, date.max):
        assert start_of(day, "Pacific/Kiritimati").date() == day
        assert start_of(day, "Pacific/Niue").date() == day
