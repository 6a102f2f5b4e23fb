"""Times as people read them: in a time zone, whose name is said where it matters.

What is stored, and what leaves as JSON, is UTC.
"""

from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

UTC_NAME = "UTC"


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
    """Return a zone by its name, in whatever case and with blanks for underscores."""
    return _by_spelling().get(_spelled(typed))


@lru_cache(maxsize=1_000)
def zone(name: str) -> ZoneInfo:
    """Return a zone; UTC for one that is no longer known, since times have to be shown."""
    return ZoneInfo(name if name in zone_names() else UTC_NAME)


@cache
def _by_spelling() -> dict[str, str]:
    return {_spelled(name): name for name in zone_names()}


def _spelled(name: str) -> str:
    return "_".join(name.split()).lower()
