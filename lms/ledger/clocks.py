"""Whose days sums are kept by: those of the school's zone, once all is counted by them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Delete, Select, delete, func, insert, select
from sqlalchemy.orm import Session

from lms import school
from lms.ledger.book_clocks import (
    BookClocks,
    book_clocks,
    follow_in_books,
    is_begun,
    wanted_clocks,
)
from lms.ledger.counting import recount
from lms.ledger.fact_rows import lock_facts
from lms.live import touch
from lms.models import SCHOOL, BookClock, ClockChange, CurrentCount, DailyCount
from lms.models.columns import constants
from lms.postgresql import keep_from_changes
from lms.statements import run
from lms.times import UTC_NAME, clock_changes, zone_names

_is_command: ContextVar[bool] = ContextVar("is_command", default=False)
MOST_AT_ONCE = 10_000
"""More rows are left to the worker: whoever changes the zone does not wait for it."""
_COUNTED = ("enrolled", "waiting", "decided", "payments")
"""Of which there are how many rows to count by days."""
Changes = tuple[tuple[datetime, int, str], ...]


def changes_of(zone: str) -> Changes:
    """Return the rows that there should be for a zone."""
    return tuple((begins_at, ahead, zone) for begins_at, ahead in clock_changes(zone))


@contextmanager
def of_command() -> Iterator[None]:
    """Follow, find and repair the clocks of the zone that is followed already, if one is.

    Whoever runs a command may lack the zone that the portal's processes are given, and the books
    would keep another for good. The portal follows any.
    """
    token = _is_command.set(True)
    try:
        yield
    finally:
        _is_command.reset(token)


def days_zone(session: Session) -> str:
    """Return the zone by whose days to keep sums."""
    return _to_follow(session, _zone(), _books_zone())


def books_zone(session: Session) -> str:
    """Return the zone that the books are to follow."""
    return _to_follow(session, _books_zone(), _zone())


def _to_follow(session: Session, *kept: Select[*tuple[Any, ...]]) -> str:
    """Return the school's zone; of a command, one that is followed, so that lost rows come back.

    Where none is, money has been booked in UTC, which has no rows: a shell's zone moves nothing.
    """
    own = school.of(session).time_zone
    if not _is_command.get():
        return own
    followed = [zone for each in kept if (zone := run(session, each).scalar()) in zone_names()]
    if not followed and is_begun(session):
        return UTC_NAME
    return own if own in followed else next(iter(followed), own)


def counted_zone(session: Session) -> str:
    """Return the zone by whose days sums are kept."""
    zone: str | None = run(session, _zone()).scalar()
    return zone or UTC_NAME


def follow_zone(session: Session) -> bool:
    """Keep sums by the days of the school's zone; return whether they were kept by others.

    What others are changing must be counted by the former days or by the new: on PostgreSQL we
    wait for whoever has counted something and not committed yet, and all others who count wait for
    us. They look up the clocks only once they may write to the sums.
    """
    if is_followed(session):
        return False
    _hold(session)
    if is_followed(session):
        return False
    if not _is_counted(session):
        _count(session)
    follow_in_books_anew(session)
    return True


def count_anew(session: Session) -> None:
    """Write the clocks of the school's zone anew, whatever is kept, and count by them."""
    _hold(session)
    _count(session)
    follow_in_books_anew(session)


def follow_in_books_anew(session: Session) -> None:
    """Write the clocks of the books anew, whatever is kept."""
    lock_facts(session)
    zone = books_zone(session)
    follow_in_books(session, zone, changes_of(zone))
    touch(session, "school", "payments")


def _hold(session: Session) -> None:
    lock_facts(session)  # before those of sums, as all who book or close a month
    if session.get_bind().dialect.name == "postgresql":
        keep_from_changes(session.connection(), DailyCount.__tablename__)


def _count(session: Session) -> None:
    rows = changes_of(days_zone(session))
    run(session, _clearing())
    if rows:
        names = [column.name for column in ClockChange.__table__.columns]
        session.execute(insert(ClockChange), [dict(zip(names, row, strict=True)) for row in rows])
    recount(session, DailyCount)
    touch(session, "school", "catalogue")  # no validation watches the school alone


def follow_zone_if_quick(session: Session) -> None:
    """Do so in a school that is counted anew in a moment; else the worker will.

    The books follow at once in any school: what is booked first decides by whose clocks they go.
    """
    if (run(session, _rows()).scalar() or 0) <= MOST_AT_ONCE:
        follow_zone(session)
    else:
        follow_in_books_anew(session)


def follow_zone_of_command(session: Session) -> None:
    """Do so by the zone that a command follows: see `of_command`."""
    with of_command():
        follow_zone_if_quick(session)


def books_of_command(session: Session) -> tuple[BookClocks, str]:
    """Return the clocks of the books once a command has followed its zone, and of which it is."""
    with of_command():
        zone = books_zone(session)
    return wanted_clocks(session, zone, changes_of(zone)), zone


def is_followed(session: Session) -> bool:
    """Return whether sums and books are kept by the school's zone, as its clocks go now."""
    zone = books_zone(session)
    wanted = wanted_clocks(session, zone, changes_of(zone))
    return _is_counted(session) and book_clocks(session) == wanted


def _is_counted(session: Session) -> bool:
    kept = tuple(map(tuple, run(session, _kept()).all()))
    return kept == changes_of(days_zone(session))


@cache
def _zone() -> Select[*tuple[Any, ...]]:
    return select(ClockChange.zone).limit(1)


@cache
def _books_zone() -> Select[*tuple[Any, ...]]:
    return select(BookClock.zone).order_by(BookClock.begins_at.desc()).limit(1)


@cache
def _kept() -> Select[*tuple[Any, ...]]:
    return select(*ClockChange.__table__.columns).order_by(ClockChange.begins_at)


@cache
def _clearing() -> Delete:
    return delete(ClockChange)


@cache
def _rows() -> Select[*tuple[Any, ...]]:
    is_school = (CurrentCount.course_id == SCHOOL) & CurrentCount.name.in_(constants(*_COUNTED))
    return select(func.sum(CurrentCount.value)).where(is_school)
