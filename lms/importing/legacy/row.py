"""One old row: what its values mean, and what of it could not be taken as it was."""

import json
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from lms.importing.legacy import times, values, words
from lms.importing.legacy.prices import figure, to_minor
from lms.importing.legacy.questions import ACCESS, MONEY, about
from lms.importing.legacy.reading import Reading
from lms.importing.legacy.values import Row
from lms.money import DEFAULT_CURRENCY, decimals, is_currency
from lms.texts import cleaned_line

NO_CURRENCY = f"no currency is given: {DEFAULT_CURRENCY.upper()} is assumed"


class Amount(NamedTuple):
    """An amount of an old row."""

    cents: int | None
    """None where it is unreadable or its unit is unknown."""
    is_given: bool = True
    is_open: bool = False
    """Whether the owner has to say in which unit it is."""


class OldRow:
    """One old row on its way into the scratch database, its columns under our names."""

    def __init__(self, row: Row, given: frozenset[str], table: str, reading: Reading) -> None:
        self._row, self._given, self._table, self.reading = row, given, table, reading
        self._repairs: list[str] = []
        self._unknown: set[str] = set()
        self.refusal = ""

    def staged(self, **understood: Any) -> Row:
        """Return the row for the scratch database."""
        return {
            "key": self.key("id"),
            "repairs": "\n".join(dict.fromkeys(self._repairs)),
            "verdict": "refused" if self.refusal else None,
            "reason": self.refusal,
            **understood,
        }

    def digest(self) -> str:
        """Return what the row is recognized by where its id is not its own."""
        whole = json.dumps({name: values.text(value) for name, value in self._row.items()})
        return "#" + sha256(whole.encode()).hexdigest()[:32]

    def repaired(self, repair: str, topic: str = "") -> None:
        """Note what could not be taken as it was; with a topic, among what nobody may miss."""
        self._repairs.append(about(topic, repair) if topic else repair)

    def has(self, column: str) -> bool:
        """Return whether the old table has the column at all."""
        return column in self._given

    def is_given(self, column: str) -> bool:
        """Return whether there is anything in the column."""
        value = self._row.get(column)
        return value is not None and bool(values.text(value).strip())

    def get(self, column: str) -> Any:
        """Return the value as it was read."""
        return self._row.get(column)

    def key(self, column: str) -> str | None:
        """Return what the row refers to."""
        return values.key(self._row.get(column))

    def text(self, column: str) -> str:
        """Return text of any length."""
        return values.text(self._row.get(column))

    def line(self, column: str, longest: int) -> str:
        """Return one line of text as people's own are stored, cut to its column's length."""
        written = values.line(self._row.get(column))
        found = cleaned_line(written)
        if found and found != unicodedata.normalize("NFC", written):
            self.repaired("invisible characters: left out")
        if len(found) > longest:
            self.repaired("text that is too long: shortened")
        return cleaned_line(found[:longest])  # a joiner may stand at the end now

    def shown(self, column: str) -> str:
        """Return the value as it was written, short enough to be read."""
        return values.shown(self._row.get(column))

    def whole(self, column: str, *, missing: int | None = None) -> int | None:
        """Return a whole number, None where there is something else."""
        return values.whole(self._row.get(column)) if self.is_given(column) else missing

    def currency(self) -> str | None:
        """Return the currency, or None if it is invalid."""
        found = values.word(self._row.get("currency")) or DEFAULT_CURRENCY
        return found if is_currency(found) else None

    def is_unknown(self, column: str) -> bool:
        """Return whether a word was there that the owner has to explain."""
        return column in self._unknown

    def amount(self, minor: str, open_: str, currency: str) -> Amount:
        """Return an amount in minor units, from the column that says so or from the other one."""
        found = figure(self._row.get(minor)) if self.is_given(minor) else None
        other = figure(self._row.get(open_)) if self.is_given(open_) else None
        if self.is_given(minor) and (found is None or found or not other):
            return Amount(None if found is None or found % 1 else int(found))
        if not self.is_given(open_):
            return Amount(None, is_given=False)
        if other is None:
            return Amount(None)
        unit = self.reading.units.get((self._table, open_))
        if unit is None and other and decimals(currency):
            return Amount(None, is_open=True)
        if unit == "minor" and other % 1:
            return Amount(None)
        cents, is_exact = to_minor(other, currency, unit or "decimal")
        if not is_exact:
            self.repaired("an amount in fractions of the smallest unit: rounded", MONEY)
        return Amount(cents)

    def is_set(self, column: str) -> bool:
        """Return whether a mark such as `deleted_at` was made, by a date or by a yes."""
        value = self._row.get(column)
        return value is not None and values.is_set(value)

    def has_come(self, column: str) -> bool:
        """Return whether a mark was made, and no later moment than now is said.

        What is no date says that it has come: nobody gets access by a date that can't be read.
        """
        if not self.is_set(column):
            return False
        found = times.moment(self._row.get(column), self.reading.zone((self._table, column)))
        return found is None or found <= self.reading.moment

    def flag(self, column: str, *, default: bool) -> bool:
        """Return yes or no; what is unreadable is no, the safe one of the two."""
        value = self._row.get(column)
        if not self.is_given(column) and not isinstance(value, (bool, bytes)):
            return default
        found = values.flag(value)
        if found is None:
            self.repaired(f"{column} is neither yes nor no: treated as no")
        return bool(found)

    def moment(self, column: str) -> datetime | None:
        """Return a time, None where there is none; note an unreadable one."""
        value = self._row.get(column)
        if value is None:
            return None
        name = (self._table, column)
        zone = self.reading.zone(name)
        if (usual := times.usual(value, zone)) is None and not values.is_set(value):
            return None
        found, is_bare = usual or times.read(value, zone)
        if is_bare:
            self.reading.without_zone[name] += 1
        if found is None:
            self.repaired(f"the date in {column} can't be read: the time of the import is used")
        return found

    def paid(self, column: str) -> datetime | None:
        """Return when money moved; of a bare day, a moment that the books have in its month."""
        day = times.day(self._row.get(column))
        return (
            self.moment(column) if day is None else self.reading.within(day, (self._table, column))
        )

    def percent(self, column: str) -> int | None:
        """Return a percentage from 0 to 100, or None."""
        return self.reading.percent((self._table, column), values.number(self._row.get(column)))

    def word(
        self,
        column: str,
        known: Mapping[str, str],
        *,
        otherwise: str,
        missing: str,
        blank: str | None = None,
        asks: bool = True,
        meanwhile: str = "",
    ) -> str:
        """Return what a word means here; a missing column is not an error.

        Where it `asks`, the owner is asked about a word that nobody here knows. A blank is not
        reported where it means something.
        """
        if not self.has(column):
            return missing
        value = self._row.get(column)
        if not values.line(value):
            if blank is None:
                self.repaired(f"the {column} is blank: treated as '{otherwise}'")
            return blank or otherwise
        answered = self.reading.answers.words.get((self._table, column), {})
        if ours := words.meaning(value, known, answered):
            return ours
        meanwhile = meanwhile or f"treated as '{otherwise}'"
        self.repaired(f"the {column} is unknown: {meanwhile}", ACCESS if asks else "")
        if asks:
            self._unknown.add(column)
            self.reading.unknown_words[self._table, column, self.shown(column)[:40]] += 1
        return otherwise
