"""What holds for an old school as a whole, while its rows are read one by one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from lms.db import now
from lms.importing.legacy.answers import Answers
from lms.importing.legacy.prices import Amount, Unit
from lms.importing.legacy.questions import ACCESS, Question
from lms.ledger.book_clocks import BookClocks
from lms.texts import counted
from lms.times import UTC_NAME, start_of

Column = tuple[str, str]
"""Our names of a table and of a column in it."""


@dataclass
class Reading:
    """What the survey found and the owner said, and what the rows add to it."""

    answers: Answers = field(default_factory=Answers)
    names: Mapping[Column, list[str]] = field(default_factory=dict)
    """What the old school calls a column, with its table."""
    units: Mapping[Column, Unit | None] = field(default_factory=dict)
    """Of each column of amounts whose name says none; None is unknown."""
    shares: frozenset[Column] = frozenset()
    """Columns of progress that count from 0 to 1."""
    open_amounts: Mapping[Column, list[Amount]] = field(default_factory=dict)
    """Amounts of which the unit is unknown."""
    moment: datetime = field(default_factory=now)
    books: BookClocks = field(default_factory=BookClocks)
    school_zone: str = UTC_NAME
    """Of a payment a bare day is a day of this zone, in that day's month of these books."""
    without_zone: Counter[Column] = field(default_factory=Counter)
    unknown_words: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _zones: dict[Column, tzinfo] = field(default_factory=dict)

    def zone(self, column: Column) -> tzinfo:
        """Return whose clock wrote a column."""
        if column not in self._zones:
            table, name = column
            called = (f"{table}.{name.replace('_', '')}", *self.names.get(column, ()))
            self._zones[column] = self.answers.zone(*called)
        return self._zones[column]

    def within(self, day: date, column: Column) -> datetime:
        """Return a moment of a day on which money moved, which may be the one that it is now."""
        told = self.zone(column)
        zone = told.key if isinstance(told, ZoneInfo) else self.school_zone
        return min(self.books.within(day, zone), max(start_of(day, zone), self.moment))

    def percent(self, column: Column, figure: Decimal | None) -> int | None:
        """Return a percentage from 0 to 100, rounded down; anything else is no evidence of any."""
        if figure is None:
            return None
        # 0.29 of 1 is 29 %, which binary fractions miss by a little.
        share = (figure * 100).quantize(Decimal("0.0001")) if column in self.shares else figure
        return int(share) if 0 <= share <= 100 else None

    def clocks(self) -> list[str]:
        """Return the columns whose times say no zone, each with the one it was taken to be in."""
        return [
            f"{' and '.join(self.names.get(column, ['.'.join(column)]))}: {self.zone(column)}"
            for column in sorted(self.without_zone)
        ]

    def questions(self) -> list[Question]:
        """Return what the rows have left open: words that nobody here knows."""
        found = []
        for (table, column, word), number in sorted(self.unknown_words.items()):
            name = next(iter(self.names.get((table, column), ())), f"{table}.{column}")
            found.append(
                Question(
                    topic=ACCESS,
                    question=f"What does '{word}' mean in {name} ({counted(number, 'row')})? Until"
                    " you answer, it gives no access.",
                    answers=[f"--map {table}.{column}.{word}={ours}" for ours in _CHOICES[table]],
                )
            )
        return found


_CHOICES = {
    "users": ("active", "closed"),
    "courses": ("published", "draft", "archived"),
    "enrollments": ("active", "ended"),
    "student_progress": ("active", "ended"),
    "access_requests": ("approved", "rejected", "pending"),
    "payments": ("paid", "failed", "needs_review"),
}
