"""Which payments and which times a statement of the books is about."""

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    func,
    or_,
    select,
    true,
)

from lms.db import UtcDateTime
from lms.ledger.book_clocks import BookClocks
from lms.ledger.months import Month, month_of
from lms.ledger.rows import Rows, as_table
from lms.models import Payment
from lms.models.columns import constants
from lms.models.payment_status import HELD, RETURNED

Scope = Literal["payments", "month", "school"]
"""Those of the parameter `payments`, what happened in or about a month (`of_month`), or all."""
OF_MONTH = bindparam("of_month", type_=String)
_PAYMENTS = bindparam("payments", type_=Rows())
_SINCE, _UNTIL = (bindparam(f"near_{end}", type_=UtcDateTime) for end in ("since", "until"))
CLOCKS_DIFFER = timedelta(days=2)
"""More than the clocks of any two zones do."""
NEAR = timedelta(days=2) + CLOCKS_DIFFER
"""More than a time of a month is from it: by other clocks, by which it was booked, and as a text.

SQLite compares texts. Offsets are below a day; and a T comes after the blank, so later than any
time of its day.
"""


def is_seen_in_month() -> ColumnElement[bool]:
    """Find payments of a month, and those that `unbooked` has found."""
    is_of_month = and_(paid_in("month"), month_of(paid_at()) == OF_MONTH)
    return or_(is_of_month, Payment.id.in_(given()))


def is_in_month(at: Any) -> ColumnElement[bool]:
    """Find times of a month, by an index if there is one."""
    return and_(is_near(at), month_of(at) == OF_MONTH)


def of_month(month: Month, clocks: BookClocks) -> dict[str, Any]:
    """Return the parameters of a statement about one month."""
    since, until = clocks.begin(month) - NEAR, clocks.end(month) + NEAR
    return {"of_month": str(month), "near_since": since, "near_until": until}


def paid_at() -> Any:
    """Return when a payment was paid, as far as that is known."""
    return func.coalesce(Payment.paid_at, Payment.created_at)


def has_money() -> ColumnElement[bool]:
    """Find payments whose money arrived, whatever happened to it later."""
    return Payment.status.in_(constants(*HELD, *RETURNED))


def paid_in(scope: Scope) -> ColumnElement[bool]:
    """Find payments by when they were paid, each by the index of the time that it has."""
    if scope != "month":
        return within(scope, Payment.paid_at)
    unknown = and_(Payment.paid_at.is_(None), within(scope, Payment.created_at))
    return or_(within(scope, Payment.paid_at), unknown)


def within(scope: Scope, at: Any) -> ColumnElement[bool]:
    """Find what happened at a time that the scope has, of payments that it has."""
    which: dict[Scope, ColumnElement[bool]] = {
        "payments": Payment.id.in_(given()),
        "month": is_near(at),
        "school": true(),
    }
    return which[scope]


def is_near(at: Any) -> ColumnElement[bool]:
    """Find times of the month or about it, also on SQLite, where they are compared as texts."""
    return and_(at >= _SINCE, at < _UNTIL)


def given() -> Select[int]:
    """Select the payments that the parameter `payments` has."""
    return select(as_table(_PAYMENTS, id=Integer()).c.id)
