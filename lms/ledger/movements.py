"""The entries of the books: what money moved, and when, written with the change that says so.

What payments and Stripe's facts say now, less what the books have, is what the books lack: that
difference is one SELECT, and it alone is ever added. So an entry is never changed. Where a month is
closed, what becomes known of it later is booked in the present one, as a correction; where that is
closed, too, as its clocks were others, in the one after it. What is booked keeps its month while
nothing else is said of when it happened, however clocks go now.
"""

from collections.abc import Collection
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session

from lms.db import UtcDateTime, now, readable
from lms.ledger.book_clocks import BookClocks, book_clocks
from lms.ledger.book_scopes import (
    CLOCKS_DIFFER,
    NEAR,
    OF_MONTH,
    Scope,
    given,
    has_money,
    of_month,
    paid_at,
)
from lms.ledger.months import FIRST, PRESENT, Month, month_about, month_of
from lms.ledger.said_money import SAID
from lms.models import ClosedMonth, MoneyMovement, Payment
from lms.models.columns import constants
from lms.models.payment_status import RETURNED
from lms.statements import run
from lms.upsert import insert

KEY = ("payment_id", "kind", "subject", "currency", "month")
SUMS = ("amount_cents", "tax_cents", "discount_cents")
_CLOSED_SINCE, _CLOSED_UNTIL = (
    bindparam(f"closed_{end}", type_=UtcDateTime) for end in ("since", "until")
)


def book(session: Session, payments: Collection[int]) -> None:
    """Add to the books what these payments have come to; the caller holds the facts."""
    if payments:
        _add(session, "payments", payments=[[number] for number in payments])


def book_month(session: Session, month: Month) -> None:
    """Add to the books what happened in a month and is not in them; the caller holds the facts."""
    _add(session, "month", **of_month(month, book_clocks(session)))


def lacking(scope: Scope) -> Select[Any]:
    """Select what the books lack: the columns of KEY and SUMS, and `happened_at`.

    Below 0 is what they have and nothing says any more.
    """
    said = union_all(*(make(scope) for make in SAID)).subquery()
    kept = _month_kept(said)
    month = func.coalesce(kept, said.c.month)
    others = (each for each in said.c if each.name != "month")
    known = select(*others, month.label("month")).where(
        or_(said.c.month.between(FIRST, PRESENT), kept.is_not(None))
    )
    if scope == "month":
        known = known.where(month == OF_MONTH)
    found = union_all(known, _booked(scope)).subquery()
    keys = [found.c[name] for name in KEY]
    sums = {name: func.sum(found.c[name]) for name in SUMS}
    return (
        select(
            *keys,
            *(cast(total, BigInteger).label(name) for name, total in sums.items()),
            func.max(found.c.happened_at).label("happened_at"),
        )
        .group_by(*keys)
        .having(or_(*(total != 0 for total in sums.values())))
    )


def _month_kept(said: Any) -> Any:
    """Select the month in which the books have what happened at that time, if they have.

    Far from a month's ends no clocks show another: most times need no look at the entries.
    """
    entry, about = MoneyMovement, CLOCKS_DIFFER // timedelta(days=1)
    same = (getattr(entry, name) == said.c[name] for name in KEY if name != "month")
    before, after = (
        month_about(said.c.happened_at, literal(days, Integer)) for days in (-about, about)
    )
    sums, last = (func.sum(getattr(entry, name)) for name in SUMS), func.max(entry.happened_at)
    booked = (
        select(entry.month)
        .where(*same, entry.month.in_([before, after]))
        .group_by(entry.month)
        .having(or_(*(total != 0 for total in sums)))
        .having(or_(last == said.c.happened_at, readable(last) == readable(said.c.happened_at)))
        .order_by(func.max(entry.id).desc())
        .limit(1)
    )
    return case((before != after, booked.scalar_subquery()))


def lacking_in_month() -> CompoundSelect[Any]:
    """Select what the books lack of a month, and, for the present one, of closed months.

    What is lacking of these will be a correction in the present one: the parameter `payments` has
    those that may lack something, which `unbooked` finds.
    """
    late = lacking("payments").subquery()
    is_closed = exists().where(ClosedMonth.month == late.c.month)
    return union_all(lacking("month"), select(late).where(is_closed))


@cache
def unbooked() -> Select[Any]:
    """Select payments of closed months about whose money the books may disagree.

    Most, by one look at each: what is kept by its row against what is kept by its entries.
    """
    entry = MoneyMovement
    signs = {"taken": 1, "refunded": -1, "refund_failed": 1, "disputed": -1, "dispute_won": 1}
    sign = case(signs, value=entry.kind, else_=0)
    booked = select(func.coalesce(func.sum(sign * entry.amount_cents), 0)).where(
        entry.payment_id == Payment.id
    )
    gone = Payment.status.in_(constants("disputed", *RETURNED)) | ~has_money()
    kept = case((gone, 0), else_=Payment.amount_cents - Payment.refunded_cents - Payment.lost_cents)
    is_closed = exists().where(ClosedMonth.month == month_of(paid_at()))
    # Its month need not be looked up where all are closed that it can be of.
    is_between = and_(paid_at() >= _CLOSED_SINCE, paid_at() < _CLOSED_UNTIL)
    # What is booked keeps its month, which may be closed although that of its time is not.
    is_kept = exists().where(entry.payment_id == Payment.id, entry.month == ClosedMonth.month)
    return select(Payment.id).where(
        or_(is_between, is_closed, is_kept),
        or_(kept != booked.scalar_subquery(), is_booked_otherwise()),
    )


def of_closed(clocks: BookClocks) -> dict[str, Any]:
    """Return the parameters of `unbooked`: a time within closed months, far from their ends."""
    since = until = now()
    if (closed := clocks.closed_without_gap) is not None:
        since, until = clocks.begin(closed[0]), clocks.end(closed[1])
    return {"closed_since": since + NEAR, "closed_until": until - NEAR}


def is_booked_otherwise() -> ColumnElement[bool]:
    """Return whether the books name another method of payment than the payment does."""
    entry = MoneyMovement
    return exists().where(entry.payment_id == Payment.id, entry.method != Payment.method)


def _add(session: Session, scope: Scope, **values: Any) -> None:
    session.flush()
    run(session, _adding(scope), moment=now(), present=str(book_clocks(session).present), **values)


@cache
def _adding(scope: Scope) -> Any:
    lacks = lacking(scope).subquery()
    same = and_(*(getattr(MoneyMovement, name) == lacks.c[name] for name in KEY))
    last = select(func.coalesce(func.max(MoneyMovement.number), 0)).where(same).scalar_subquery()
    is_closed = exists().where(ClosedMonth.month == lacks.c.month)
    rows = (
        select(
            *lacks.c,
            Payment.method,
            last + 1,
            case((is_closed, bindparam("present", type_=String)), else_=lacks.c.month),
            bindparam("moment", type_=UtcDateTime),
        )
        .join(Payment, Payment.id == lacks.c.payment_id)
        .order_by(*(lacks.c[name] for name in KEY))
    )
    names = [*lacks.c.keys(), "method", "number", "booked_month", "recorded_at"]
    return insert(MoneyMovement).from_select(names, rows)


def _booked(scope: Scope) -> Select[Any]:
    entry = MoneyMovement
    which: dict[Scope, ColumnElement[bool]] = {
        "payments": entry.payment_id.in_(given()),
        "month": entry.month == OF_MONTH,
        "school": true(),
    }
    keys = [getattr(entry, name) for name in KEY if name != "month"]
    sums = (-getattr(entry, name) for name in SUMS)
    return select(*keys, *sums, entry.happened_at, entry.month).where(which[scope])
