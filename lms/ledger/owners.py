"""Whose an address was at a time: what stands beside it was theirs, and not of a later owner."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from lms.models import AuditEntry, User

CHANGES = ("user.email_changed", "user.email_restored")
"""The entries that say what an address was before and after."""
_BEFORE = AuditEntry.details["before"].as_string()
_AFTER = AuditEntry.details["after"].as_string()
_LAST = AuditEntry.details["email"].as_string()


class Span(NamedTuple):
    """A time in which an address was a person's, as far as anybody knows."""

    address: str
    since: datetime | None
    """None where nobody is known to have had it before."""
    until: datetime | None
    """When somebody else got it."""

    def covers(self, address: Any, moment: Any) -> ColumnElement[bool]:
        """Return the SQL of whether an address, at a moment, was the person's."""
        bounds = [address == self.address]
        bounds += [moment >= self.since] if self.since else []
        bounds += [moment < self.until] if self.until else []
        return and_(*bounds)


class _Start(NamedTuple):
    address: str
    at: datetime
    person_id: int


def was_theirs(spans: Iterable[Span], address: Any, moment: Any) -> ColumnElement[bool]:
    """Return the SQL of whether any of a person's spans covers an address at a moment."""
    return or_(false(), *(span.covers(address, moment) for span in spans))


def spans_of(session: Session, person_id: int, addresses: Collection[str]) -> list[Span]:
    """Return when these addresses were a person's.

    Nobody has two owners at a time: one ends where the next begins. A person who only registered
    with an address counts as well, since what was sent to it then may be about them. An address
    of which nothing else is known is the person's.
    """
    starts = sorted(set(_starts(session, addresses)))
    spans = [Span(each, None, None) for each in {*addresses} - {each.address for each in starts}]
    for address, group in groupby(starts, attrgetter("address")):
        those = list(group)
        ends = [each.at for each in those[1:]]
        for number, (start, until) in enumerate(zip(those, [*ends, None], strict=True)):
            if start.person_id == person_id:
                spans.append(Span(address, start.at if number else None, until))
    return spans


def _starts(session: Session, addresses: Collection[str]) -> Iterable[_Start]:
    got = select(_AFTER, AuditEntry.at, AuditEntry.student_id).where(
        AuditEntry.action.in_(CHANGES), _AFTER.in_(addresses)
    )
    starts = [_Start(*row) for row in session.execute(got)]
    yield from starts
    # Whoever has it, or had it, and never got it in place of another, had it from the beginning.
    known = {(each.address, each.person_id) for each in starts}
    left = _left(session, addresses)
    current = select(User.email, User.created_at, User.id).where(User.email.in_(addresses))
    for address, begun, person_id in session.execute(current):
        if (address, person_id) not in known:
            others = [at for (a, p), at in left.items() if a == address and p != person_id]
            yield _Start(address, _not_before(max(others, default=begun), begun), person_id)
            known.add((address, person_id))
    for address, person_id in left:
        if (address, person_id) not in known:
            account = select(User.created_at).where(User.id == person_id)
            first = select(func.min(AuditEntry.at)).where(AuditEntry.student_id == person_id)
            either = func.coalesce(account.scalar_subquery(), first.scalar_subquery())
            yield _Start(address, session.execute(select(either)).scalar_one(), person_id)


def _not_before(left: datetime, begun: datetime) -> datetime:
    """Return when an account began, which is after another had left its address.

    SQLite's CURRENT_TIMESTAMP knows whole seconds, and may say it was before; the e-mail that
    tells of the leaving is written within that second too.
    """
    return begun if begun >= left else left + timedelta(seconds=1)


def _left(session: Session, addresses: Collection[str]) -> dict[tuple[str, int], datetime]:
    """Return who had these addresses once, and when each last gave them up."""
    had = or_(
        and_(AuditEntry.action.in_(CHANGES), _BEFORE.in_(addresses)),
        and_(AuditEntry.action == "user.deleted", _LAST.in_(addresses)),
    )
    address = func.coalesce(_LAST, _BEFORE)
    gave_up = select(address, AuditEntry.student_id, func.max(AuditEntry.at)).where(had)
    found = session.execute(gave_up.group_by(address, AuditEntry.student_id))
    return {(row[0], row[1]): row[2] for row in found}
