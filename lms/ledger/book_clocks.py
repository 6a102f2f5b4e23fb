"""By which clocks months of the books begin and end: those of the school's zone.

When the school gets another zone, the month that has begun keeps its clocks, and so do all before
it: what is booked stays where it is. The next month begins by the new ones. The clocks of the books
never show an earlier month than they have shown: where they would, they change once that is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Delete, Select, delete, exists, func, insert, select, true
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.months import FIRST, LAST, Month
from lms.models import BookClock, ClosedMonth, MoneyMovement
from lms.statements import run
from lms.times import UTC_NAME, start_of

Change = tuple[datetime, int, str]
"""When clocks begin to show how many seconds more than UTC, and of which zone they are."""
_ALWAYS = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
_MIDDLE, _INSTANT = timedelta(days=14), timedelta(microseconds=1)


@dataclass(frozen=True)
class BookClocks:
    """The clocks of the books as they are kept: changes, each later than the one before."""

    changes: tuple[Change, ...] = ()
    closed: frozenset[Month] = field(default=frozenset(), compare=False)
    """The months that are closed, which are over however the clocks go."""

    def month(self, moment: datetime) -> Month:
        """Return the month of a moment."""
        return Month.of(moment.astimezone(UTC) + self._ahead(moment))

    @property
    def latest(self) -> Month:
        """The month of this moment; where it is closed, the last one that is, too, without a gap.

        None that is closed in a time to come, by hand, counts before that.
        """
        month = self.month(now())
        while month in self.closed and month.next in self.closed:
            month = month.next
        return month

    @property
    def present(self) -> Month:
        """The month of this moment; where it is closed already, the one that takes corrections."""
        latest = self.latest
        return latest.next if latest in self.closed else latest

    @property
    def closed_without_gap(self) -> tuple[Month, Month] | None:
        """The first and the last of the closed months up to the latest that all are closed."""
        until = max((month for month in self.closed if month <= self.latest), default=None)
        if until is None:
            return None
        since = until
        while since.previous in self.closed:
            since = since.previous
        return since, until

    def begin(self, month: Month) -> datetime:
        """Return the first moment of a month."""
        spans = [(_ALWAYS, 0, UTC_NAME), *self.changes]
        ends = [*(begins_at for begins_at, *_ in self.changes), _NEVER]
        begins = (max(month.midnight - timedelta(seconds=ahead), at) for at, ahead, _ in spans)
        return next(at for at, end in zip(begins, ends, strict=True) if at < end)

    def end(self, month: Month) -> datetime:
        """Return the first moment after a month."""
        return self.begin(month.next)

    def is_over(self, month: Month) -> bool:
        """Return whether the next one has begun, or it is closed nevertheless."""
        return self.month(now()) > month or month in self.closed

    def read(self, text: str) -> Month:
        """Return the month that a text names; raises Invalid for one that has not begun."""
        return Month.read(text, present=self.present)

    def zone(self, month: Month) -> str:
        """Return by whose clocks a month begins and ends, but for hours after a change of zone."""
        last = self._last(month.midnight + _MIDDLE)
        return last[2] if last else UTC_NAME

    def zone_of(self, moment: datetime) -> str:
        """Return the zone of whose day a moment is in the books."""
        return self.zone(self.month(moment))

    def within(self, day: date, zone: str) -> datetime:
        """Return a moment of a day in a zone that the books have in that day's month.

        Of that day in UTC, too, as far as they overlap; of the day that it is now, it may be still
        to come. Where no moment is of both, as zones differ by up to 26 hours, the day counts.
        """
        moment = max(start_of(day, zone), start_of(day, UTC_NAME))
        begins = self.begin(Month.of(day))
        if begins <= moment:
            return moment
        return min(begins, start_of(day + timedelta(days=1), zone) - _INSTANT)

    def followed(self, zone: str, of_zone: Iterable[Change], *, since: datetime) -> "BookClocks":
        """Return these clocks until a month begins, and those of a zone once it has there, too."""
        kept = [change for change in self.changes if change[0] < since]
        rules = BookClocks(tuple(of_zone))
        begins_at, ahead = self.month(since).midnight - rules._ahead(since), rules._ahead(since)
        there = (max(since, begins_at), ahead // timedelta(seconds=1), zone)
        later = [change for change in rules.changes if change[0] > since]
        return BookClocks(_never_back((*kept, there, *later)))

    def _ahead(self, moment: datetime) -> timedelta:
        last = self._last(moment)
        return timedelta(seconds=last[1] if last else 0)

    def _last(self, moment: datetime) -> Change | None:
        return next((change for change in reversed(self.changes) if change[0] <= moment), None)


def book_clocks(session: Session) -> BookClocks:
    """Return the clocks of the books."""
    rows = run(session, _kept()).all()
    changes = ((row.begins_at, row.ahead_seconds, row.zone) for row in rows if row.begins_at)
    names = (rows[0].closed or "").split()
    return BookClocks(tuple(changes), frozenset(map(Month.named, names)))


def follow_in_books(session: Session, zone: str, changes: Iterable[Change]) -> None:
    """Have the books go by the clocks of a zone from the next month on; all, if there are none.

    The caller holds the facts: what is being booked or closed must be seen, and what is to be
    waits. The month that a closed one becomes would take no money.
    """
    wanted = wanted_clocks(session, zone, changes)
    run(session, _clearing())
    if wanted.changes:
        names = [column.name for column in BookClock.__table__.columns]
        rows = [dict(zip(names, change, strict=True)) for change in wanted.changes]
        session.execute(insert(BookClock), rows)


def is_begun(session: Session) -> bool:
    """Return whether anything is in the books."""
    return bool(run(session, _is_any()).scalar())


def wanted_clocks(session: Session, zone: str, changes: Iterable[Change]) -> BookClocks:
    """Return by which clocks the books should go, where the school's are those of a zone.

    Whatever rows were lost, what is kept of the months that have begun counts: of what was booked
    in them nothing moves.
    """
    rules = tuple(changes)
    if not is_begun(session):
        return BookClocks(_never_back(rules))
    kept = book_clocks(session)
    return kept.followed(zone, rules, since=kept.end(kept.latest))


@lru_cache(maxsize=16)
def _never_back(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Delay what would bring back a month that is over, and leave out what changes nothing."""
    found: list[Change] = []
    for begins_at, ahead, zone in changes:
        before = BookClocks(tuple(found))
        month = before.month(begins_at - _INSTANT)
        begins = max(begins_at, month.midnight - timedelta(seconds=ahead))
        while found and found[-1][0] >= begins:
            found.pop()
        if (found[-1][1:] if found else (0, UTC_NAME)) != (ahead, zone):
            found.append((begins, ahead, zone))
    return tuple(found)


@cache
def _kept() -> Select[*tuple[Any, ...]]:
    month = ClosedMonth.month
    is_month = month.regexp_match("^[0-9]{4}-(0[1-9]|1[0-2])$")
    names = func.aggregate_strings(month, " ").label("closed")
    closed = select(names).where(is_month, month.between(FIRST, LAST)).subquery()
    return (
        select(*closed.c, *BookClock.__table__.columns)
        .select_from(closed.outerjoin(BookClock, true()))
        .order_by(BookClock.begins_at)
    )


@cache
def _is_any() -> Select[bool]:
    return select(exists(MoneyMovement.id) | exists(ClosedMonth.month))


@cache
def _clearing() -> Delete:
    return delete(BookClock)
