"""What the two engines spell differently in the statements of the fill."""

from collections.abc import Callable
from dataclasses import dataclass

SPAN = 720 * 86_400
"""How long the school has existed, in seconds."""


@dataclass(frozen=True)
class Spelling:
    """SQL of an engine, made of SQL."""

    time: Callable[[str], str]
    """A time, from seconds since 1970."""
    json: Callable[[str], str]
    """JSON, from text."""


SPELLINGS = {
    "sqlite": Spelling(
        time=lambda seconds: (
            f"(strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch') || '.000000')"
        ),
        json=lambda text: text,
    ),
    "postgresql": Spelling(
        time=lambda seconds: f"to_timestamp({seconds})",
        json=lambda text: f"CAST({text} AS json)",
    ),
}
