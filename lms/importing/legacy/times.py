"""When something happened, in whatever form an old database says it."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from lms.importing.legacy.values import line, number

_BEFORE_OFFSET = re.compile(r"(?<=\d) +(?=[+-]\d\d(:?\d\d)?$)")
_ZONES = re.compile(r" ?(UTC|GMT|Z)$", re.IGNORECASE)
_USUAL = re.compile(
    r"(19|20)\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.(\d{3}|\d{6}))?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
"""What nearly all databases write, and Python reads at once."""
_DAY = re.compile(r"(19|20)\d\d(-?)\d\d\2\d\d", re.ASCII)
_SCRIPT = re.compile(r"^[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d:\d\d GMT[+-]\d{4}\b")
_EUROPEAN = re.compile(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,? +(\d{1,2}:\d\d(?::\d\d)?))?$")
_UNITS = ((Decimal(10) ** 17, 10**9), (Decimal(10) ** 14, 10**6), (Decimal(10) ** 11, 1000))
"""From which number on it counts nanoseconds, microseconds or milliseconds: as seconds, 10**11 is
the year 5138.
"""
_JULIAN = (Decimal("2415020.5"), Decimal("2488069.5"))
"""The days 1900 to 2099, counted from 4713 BC; as seconds all of them are in January 1970."""
_EPOCH = Decimal("2440587.5")
_FIRST = Decimal(366 * 86400)
"""Seconds of 1970: no school is that old, so a smaller number counts something else."""


def moment(value: Any, zone: tzinfo = UTC) -> datetime | None:
    """Return a time in UTC, or None where there is none to be read."""
    return read(value, zone)[0]


def day(value: Any) -> date | None:
    """Return a day that is written without a time, None for anything else."""
    if isinstance(value, date):
        return None if isinstance(value, datetime) else value
    written = line(value)
    if european := _EUROPEAN.match(written):
        number_of_day, month, year, time = european.groups()
        written = "" if time else f"{year}-{month:0>2}-{number_of_day:0>2}"
    if not _DAY.fullmatch(written):
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:  # the 30th of February
        return None


def usual(value: Any, zone: tzinfo = UTC) -> tuple[datetime | None, bool] | None:
    """Return what `read` does, where a time is written as nearly all databases write one."""
    if not isinstance(value, str) or _USUAL.fullmatch(value) is None:
        return None
    try:
        return _in_utc(datetime.fromisoformat(value), zone)
    except ValueError:  # the 30th of February
        return None, False


def read(value: Any, zone: tzinfo = UTC) -> tuple[datetime | None, bool]:
    """Return a time, and whether it was written without a zone and taken for one in `zone`."""
    if isinstance(value, datetime):
        return _in_utc(value, zone)
    if isinstance(value, date):
        return _in_utc(datetime(value.year, value.month, value.day), zone)  # noqa: DTZ001
    if (found_at_once := usual(value, zone)) is not None:
        return found_at_once
    written = line(value)
    is_day = _DAY.fullmatch(written) is not None
    if (since := number(value)) is not None and not is_day:
        return _counted(since), False
    found = _parsed(_ZONES.sub("+00:00", _BEFORE_OFFSET.sub("", written)))
    return (None, False) if found is None else _in_utc(found, zone)


def _parsed(written: str) -> datetime | None:
    if european := _EUROPEAN.match(written):
        day, month, year, time = european.groups()
        written = f"{year}-{month:0>2}-{day:0>2} {(time or '00:00'):0>5}"
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        pass
    try:
        if _SCRIPT.match(written):  # what JavaScript's Date prints
            return datetime.strptime(written[:33], "%a %b %d %Y %H:%M:%S GMT%z")
        return parsedate_to_datetime(written)
    except (ValueError, TypeError, IndexError):
        return None


def _counted(since: Decimal) -> datetime | None:
    """Return the time that a bare number counts to."""
    if _JULIAN[0] <= since < _JULIAN[1]:
        seconds = (since - _EPOCH) * 86400
        return datetime.fromtimestamp(round(float(seconds), 3), UTC)
    for least, part in _UNITS:
        if since >= least:
            since /= part
            break
    if since < _FIRST:
        return None
    try:
        # Not by a float alone, which would lose microseconds of today's times.
        return datetime.fromtimestamp(int(since), UTC) + timedelta(
            microseconds=int(since % 1 * 10**6)
        )
    except (ValueError, OverflowError, OSError):
        return None


def _in_utc(found: datetime, zone: tzinfo) -> tuple[datetime | None, bool]:
    is_bare = found.tzinfo is None
    if (zone if is_bare else found.tzinfo) is UTC:
        return found.replace(tzinfo=UTC), is_bare
    try:
        return (found.replace(tzinfo=zone) if is_bare else found).astimezone(UTC), is_bare
    except OverflowError:
        return None, False
