"""Times as people read them: in a time zone, whose name is said where it matters.

What is stored, and what leaves as JSON, is UTC. A day of a zone lasts from its midnight to the
next, which may be 23 or 25 hours.
"""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones, reset_tzpath

reset_tzpath(())  # by the rules of the pinned package alone: machines differ in their own
UTC_NAME = "UTC"
ZONE_ACCEPTED = "Enter a time zone from the list, such as Europe/Berlin, or UTC."


@cache
def zone_names() -> tuple[str, ...]:
    """Return the zones that can be chosen: those of places, and UTC."""
    regions = (
        *("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia"),
        *("Europe", "Indian", "Pacific"),
    )
    of_places = (name for name in available_timezones() if name.partition("/")[0] in regions)
    return (UTC_NAME, *sorted(name for name in of_places if "/" in name))


def zone_name(typed: str) -> str | None:
    """Return a zone by its name or its city, in whatever case and with blanks for underscores.

    A city that names two zones is none.
    """
    return _by_spelling().get(_spelled(typed))


def local(moment: datetime, zone: str) -> datetime:
    """Return a moment as the clocks of a zone show it."""
    return moment.astimezone(_zone(zone))


def place(zone: str) -> str:
    """Return what people call a zone's time, such as Berlin time."""
    return zone if zone == UTC_NAME else f"{_city(zone).replace('_', ' ')} time"


def told(moment: datetime, zone: str, *, seconds: bool = False) -> str:
    """Return a moment in words that can't be misread, even in the hour that comes twice."""
    there = local(moment, zone)
    said = f"{there:%-d %B %Y, %H:%M}{f':{there:%S}' if seconds else ''}"
    return f"{said} UTC" if zone == UTC_NAME else f"{said} ({full_name(moment, zone)})"


def full_name(moment: datetime, zone: str) -> str:
    """Return the name of a zone's time with what it differs from UTC by at that moment."""
    if zone == UTC_NAME:
        return UTC_NAME
    offset = f"{local(moment, zone):%z}"
    hours, minutes = str(int(offset[1:3])), offset[3:5]
    return f"{place(zone)}, UTC{offset[0]}{hours}{'' if minutes == '00' else f':{minutes}'}"


def day_of(moment: datetime, zone: str) -> date:
    """Return the day that it is in a zone."""
    return local(moment, zone).date()


def start_of(day: date, zone: str) -> datetime:
    """Return when a day begins in a zone; where its midnight is left out, when that would be."""
    midnight = datetime.combine(day, time(), UTC)
    if not 1970 <= day.year <= 9998:  # no zone may lead past what a date can be
        return midnight
    return midnight.replace(tzinfo=_zone(zone)).astimezone(UTC)


@lru_cache(maxsize=16)
def clock_changes(zone: str) -> tuple[tuple[datetime, int], ...]:
    """Return from when on a zone's clocks show how many seconds more than UTC: nothing for UTC.

    From 1970 to 2100; before and after, its days are those of UTC.
    """
    if zone == UTC_NAME:
        return ()
    changes = [(_FIRST, _ahead(_FIRST, zone))]
    day = _FIRST
    while day < _LAST:
        next_day = day + timedelta(days=1)
        if (ahead := _ahead(next_day, zone)) != changes[-1][1]:
            changes.append((_between(day, next_day, zone), ahead))
        day = next_day
    return (*changes, (_LAST, 0))


def in_utc(moment: datetime, zone: str) -> datetime:
    """Return a moment in UTC; one that names no zone is what the clocks of this one showed."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=_zone(zone))).astimezone(UTC)


_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _ahead(moment: datetime, zone: str) -> int:
    offset = local(moment, zone).utcoffset() or timedelta()
    return int(offset.total_seconds())


def _between(before: datetime, after: datetime, zone: str) -> datetime:
    """Return the second at which the clocks change between two moments."""
    former = _ahead(before, zone)
    while (seconds := int((after - before).total_seconds())) > 1:
        middle = before + timedelta(seconds=seconds // 2)
        if _ahead(middle, zone) == former:
            before = middle
        else:
            after = middle
    return after


@lru_cache(maxsize=1_000)
def _zone(name: str) -> ZoneInfo:
    """Return a zone; UTC for one that is no longer known, since times have to be shown."""
    return ZoneInfo(name if name in zone_names() else UTC_NAME)


@cache
def _by_spelling() -> dict[str, str]:
    cities = Counter(map(_city, zone_names()))
    by_city = {_spelled(_city(name)): name for name in zone_names() if cities[_city(name)] == 1}
    return by_city | {_spelled(name): name for name in zone_names()}


def _city(zone: str) -> str:
    return zone.rpartition("/")[2]


def _spelled(name: str) -> str:
    return "_".join(name.split()).lower()
