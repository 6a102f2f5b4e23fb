"""How others than us write a time into SQLite, which keeps it as text."""

from datetime import datetime, timedelta, timezone
from random import Random


def rare_forms(moment: datetime) -> list[str]:
    """Return how a time of whole seconds may be written, too, which SQLite itself can't read."""
    there = moment.astimezone(timezone(timedelta(hours=2)))
    at_hand = moment.isoformat(" ").removesuffix("+00:00")
    return [
        f"{at_hand}+00",
        f"{at_hand}+0000",
        f"{there:%Y-%m-%d %H:%M:%S}.123+02",
        f"{there:%Y-%m-%d %H:%M}+02",
        f"{at_hand},5",
    ]


def other_forms(moment: datetime, random: Random) -> list[str]:
    """Return how SQLite's defaults, other programs and dumps write a time of whole seconds."""
    if moment.microsecond:
        return []
    hours = random.choice([-5, 2, 13])
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))
    return [
        moment.isoformat(" ").removesuffix("+00:00"),
        moment.isoformat("T").replace("+00:00", "Z"),
        elsewhere.isoformat(" "),
        elsewhere.isoformat("T", "milliseconds"),
    ]
