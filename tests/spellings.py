"""How others than us write a time into SQLite, which keeps it as text."""

from datetime import datetime, timedelta, timezone
from random import Random


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
