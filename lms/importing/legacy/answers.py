"""What the owner says of an old school where its data does not decide."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from lms.importing.legacy.prices import UNITS, Unit
from lms.importing.legacy.words import spelled
from lms.refusals import Refusal

NONE = "none"
"""`--map none=orders`: this table or column is not needed."""
ALL = ""


class BadAnswer(Refusal):
    """What was said can't be used; the message says why."""


@dataclass(frozen=True)
class Answers:
    """Answers by what they are about: a table, a column of one, a word in it, or all of them."""

    prices: Mapping[str, Unit] = field(default_factory=dict)
    """By table, such as `payments`."""
    zones: Mapping[str, tzinfo] = field(default_factory=dict)
    """By table and column, such as `enrollments.enrolledat`."""
    tables: Mapping[str, str] = field(default_factory=dict)
    """Which table of the old school is which of ours."""
    columns: Mapping[tuple[str, str], str] = field(default_factory=dict)
    words: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    """By our table and column: what a word of the old school means."""
    unneeded: frozenset[str] = frozenset()

    def unit(self, table: str) -> Unit | None:
        """Return the unit of the amounts in a table."""
        return self.prices.get(table) or self.prices.get(ALL)

    def zone(self, *columns: str) -> tzinfo:
        """Return whose clock wrote a column, by any of its names."""
        named = (self.zones[name] for name in map(_spelled, columns) if name in self.zones)
        return next(named, self.zones.get(ALL, UTC))

    def is_unneeded(self, name: str) -> bool:
        """Return whether the owner has said that a table, or `table.column`, is not needed."""
        table = name.partition(".")[0]
        return bool({_spelled(name), _spelled(table)} & self.unneeded)


def answers(
    *, prices: Iterable[str] = (), timezone: Iterable[str] = (), maps: Iterable[str] = ()
) -> Answers:
    """Return what was said, as on a command line; raises BadAnswer."""
    tables, columns = {}, {}
    words: dict[tuple[str, str], dict[str, str]] = {}
    unneeded = set()
    for given in maps:
        left, sign, right = (part.strip().strip('"`') for part in given.partition("="))
        match left.split("."):
            case _ if not (sign and left and right):
                raise BadAnswer(f"--map {given}: write it like --map users=user.")
            case [name] if name == NONE:
                unneeded.add(_spelled(right))
            case [table]:
                tables[table] = right
            case [table, column]:
                columns[table, column] = right.rpartition(".")[2]
            case [table, column, *word]:
                words.setdefault((table, column), {})[spelled(".".join(word))] = right.lower()
    return Answers(
        dict(map(_unit, prices)),
        dict(map(_zone, timezone)),
        tables,
        columns,
        words,
        frozenset(unneeded),
    )


def _unit(given: str) -> tuple[str, Unit]:
    table, _, said = given.rpartition("=")
    for unit in UNITS:
        if said.strip().lower() == unit:
            return table.strip() or ALL, unit
    raise BadAnswer(f"--prices {given}: say decimal (20 is 20.00) or minor (2000 is 20.00).")


def _zone(given: str) -> tuple[str, tzinfo]:
    column, _, name = given.rpartition("=")
    try:
        return _spelled(column), UTC if name.strip() == "UTC" else ZoneInfo(name.strip())
    except (KeyError, ValueError, OSError):  # a name that is none, a folder, or no file
        raise BadAnswer(
            f"--timezone {given}: there is no such time zone. Name one such as America/New_York."
        ) from None


def _spelled(name: str) -> str:
    return ".".join(map(spelled, name.strip().split(".")))
