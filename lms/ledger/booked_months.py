"""By which clocks money has been booked: in which month each entry is, and when it happened.

Rows of the clocks may be lost, in a dump or by hand. What is booked shows by which it was.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, Subquery, exists, func, or_, select
from sqlalchemy.orm import Session

from lms.ledger.months import Month, month_of
from lms.models import ClosedMonth, MoneyMovement
from lms.statements import run

_NEAR = timedelta(days=2)
_Booked = list[tuple[str, datetime]]


def is_doubtful(session: Session) -> bool:
    """Return whether anything booked is in another month than by the clocks that are kept."""
    return bool(run(session, _is_any_elsewhere()).scalar())


def booked(session: Session) -> tuple[_Booked, _Booked]:
    """Return what tells clocks apart: months of money near their ends, and closed months."""
    entries = [tuple(row) for row in run(session, _entries()).all()]
    closed = [tuple(row) for row in run(session, _closed()).all()]
    return [each for each in entries if _tells(*each)], closed


def agrees(found: tuple[_Booked, _Booked], month: Callable[[datetime], Month]) -> bool:
    """Return whether clocks put all of it into its month, and had closed ones be over."""
    entries, closed = found
    return _all_are(entries, lambda name, at: str(month(at)) == name) and _all_are(
        closed, lambda name, at: str(month(at)) > name
    )


def _all_are(found: _Booked, is_right: Callable[[str, datetime], bool]) -> bool:
    return all(is_right(name, at) for name, at in found)


def _tells(name: str, at: datetime) -> bool:
    around: Iterable[datetime] = (at - _NEAR, at + _NEAR)
    return any(str(Month.of(each)) != name for each in around)


def _kept() -> Subquery:
    """Select what the books have: what is taken back is in no month any more."""
    entry = MoneyMovement
    keys = (entry.payment_id, entry.kind, entry.subject, entry.currency, entry.month)
    sums = (func.sum(each) for each in (entry.amount_cents, entry.tax_cents, entry.discount_cents))
    last = func.max(entry.happened_at).label("happened_at")
    found = select(entry.payment_id, entry.month, last).group_by(*keys)
    return found.having(or_(*(total != 0 for total in sums))).subquery()


@cache
def _is_any_elsewhere() -> Select[Any]:
    moved, over = month_of(MoneyMovement.happened_at), month_of(ClosedMonth.closed_at)
    return select(
        or_(
            exists().where(moved != MoneyMovement.month, moved != ""),
            exists().where(over <= ClosedMonth.month, over != ""),
        )
    )


@cache
def _entries() -> Select[*tuple[Any, ...]]:
    kept = _kept()
    return select(kept.c.month, kept.c.happened_at).where(month_of(kept.c.happened_at) != "")


@cache
def _closed() -> Select[*tuple[Any, ...]]:
    return select(ClosedMonth.month, ClosedMonth.closed_at)
