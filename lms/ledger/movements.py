"""The entries of the books: what money moved, and when, written with the change that says so.

What payments and Stripe's facts say now, less what the books have, is what the books lack: that
difference is one SELECT, and it alone is ever added. So an entry is never changed. Where a month is
closed, what becomes known of it later is booked in the present one, as a correction; where that is
closed, too, as its clocks were others, in the one after it. What is booked keeps its month while
nothing else is said of when it happened, however clocks go now.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Literal

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
from sqlalchemy.orm import Session, aliased

from lms.db import UtcDateTime, now, readable
from lms.ledger import recorded_money as recorded
from lms.ledger.book_clocks import BookClocks, book_clocks
from lms.ledger.months import FIRST, PRESENT, Month, month_about, month_of
from lms.ledger.rows import Rows, as_table
from lms.models import (
    ClosedMonth,
    ManualRefund,
    MoneyMovement,
    MovementKind,
    Payment,
    StripeDispute,
    StripeRefund,
    StripeSession,
    StripeTransaction,
)
from lms.models.columns import constants
from lms.models.payment_status import HELD, RETURNED
from lms.models.payments import NOT_DISPUTED
from lms.statements import run
from lms.upsert import insert

Scope = Literal["payments", "month", "school"]
KEY = ("payment_id", "kind", "subject", "currency", "month")
SUMS = ("amount_cents", "tax_cents", "discount_cents")
_PAYMENTS = bindparam("payments", type_=Rows())
_SINCE, _UNTIL = (bindparam(f"near_{end}", type_=UtcDateTime) for end in ("since", "until"))
_CLOSED_SINCE, _CLOSED_UNTIL = (
    bindparam(f"closed_{end}", type_=UtcDateTime) for end in ("since", "until")
)
_MONTH = bindparam("of_month", type_=String)
_CLOCKS_DIFFER = timedelta(days=2)
"""More than the clocks of any two zones do."""
_NEAR = timedelta(days=2) + _CLOCKS_DIFFER
"""More than a time of a month is from it: by other clocks, by which it was booked, and as a text.

SQLite compares texts. Offsets are below a day; and a T comes after the blank, so later than any
time of its day.
"""

_NOTHING = literal(0, BigInteger)


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
    said = union_all(*(make(scope) for make in _SAID)).subquery()
    kept = _month_kept(said)
    month = func.coalesce(kept, said.c.month)
    others = (each for each in said.c if each.name != "month")
    known = select(*others, month.label("month")).where(
        or_(said.c.month.between(FIRST, PRESENT), kept.is_not(None))
    )
    if scope == "month":
        known = known.where(month == _MONTH)
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
    entry, about = MoneyMovement, _CLOCKS_DIFFER // timedelta(days=1)
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
    return {"closed_since": since + _NEAR, "closed_until": until - _NEAR}


def is_booked_otherwise() -> ColumnElement[bool]:
    """Return whether the books name another method of payment than the payment does."""
    entry = MoneyMovement
    return exists().where(entry.payment_id == Payment.id, entry.method != Payment.method)


def is_seen_in_month() -> ColumnElement[bool]:
    """Find payments of a month, and those that `unbooked` has found."""
    is_of_month = and_(_paid_in("month"), month_of(paid_at()) == _MONTH)
    return or_(is_of_month, Payment.id.in_(_given()))


def is_in_month(at: Any) -> ColumnElement[bool]:
    """Find times of a month, by an index if there is one."""
    return and_(_is_near(at), month_of(at) == _MONTH)


def of_month(month: Month, clocks: BookClocks) -> dict[str, Any]:
    """Return the parameters of a statement about one month."""
    since, until = clocks.begin(month) - _NEAR, clocks.end(month) + _NEAR
    return {"of_month": str(month), "near_since": since, "near_until": until}


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


def _taken(scope: Scope) -> Select[Any]:
    """Select what was paid; where Stripe took another amount than we offered, what it took."""
    paid, others = aliased(StripeSession), aliased(StripeSession)
    [state] = constants("paid")
    most = (
        select(others.id)
        .where(
            others.payment_id == Payment.id,
            others.state == state,
            others.amount_total.is_not(None),
        )
        .order_by(others.amount_total.desc(), others.id)
        .limit(1)
        .correlate(Payment)
        .scalar_subquery()
    )
    return (
        _said(
            *("taken", literal("", String), func.coalesce(paid.amount_total, Payment.amount_cents)),
            paid_at(),
            currency=func.coalesce(paid.currency, Payment.currency),
            tax=Payment.tax_cents,
            discount=Payment.discount_cents,
        )
        .outerjoin(paid, paid.id == most)
        .where(has_money(), _paid_in(scope))
    )


def _refunded_elsewhere(scope: Scope) -> Select[Any]:
    """Select refunds that a payment's own row alone knows of."""
    by_stripe = select(func.coalesce(func.sum(StripeRefund.amount), 0)).where(
        StripeRefund.payment_intent == Payment.stripe_payment_intent_id,
        StripeRefund.status == "succeeded",
    )
    by_hand = select(func.coalesce(func.sum(ManualRefund.amount_cents), 0)).where(
        ManualRefund.payment_id == Payment.id
    )
    known = by_stripe.scalar_subquery() + by_hand.scalar_subquery()
    return _said(
        *("refunded", literal("recorded", String), recorded.refunded() - known),
        paid_at(),
    ).where(
        *(has_money(), _paid_in(scope), recorded.refunded() > 0),
        recorded.refunded() > known,
        recorded.is_alone(),
    )


def _disputed_elsewhere(scope: Scope) -> Select[Any]:
    return _lost_elsewhere(scope, "disputed", recorded.disputed())


def _dispute_lost_elsewhere(scope: Scope) -> Select[Any]:
    return _lost_elsewhere(scope, "dispute_lost", recorded.lost())


def _lost_elsewhere(scope: Scope, kind: MovementKind, amount: Any) -> Select[Any]:
    """Select what a payment's own row alone knows that its bank has taken."""
    return _said(kind, literal("recorded", String), amount, paid_at()).where(
        *(has_money(), _paid_in(scope), amount > 0),
        *(recorded.is_alone(), ~recorded.has_disputes()),
    )


def _refunded_by_hand(scope: Scope) -> Select[Any]:
    number = literal("manual-", String) + cast(ManualRefund.id, String)
    at = ManualRefund.refunded_at
    return (
        _said("refunded", number, ManualRefund.amount_cents, at)
        .join(ManualRefund, ManualRefund.payment_id == Payment.id)
        .where(has_money(), _within(scope, at))
    )


def _refunded(scope: Scope) -> Select[Any]:
    at = case(
        (
            StripeRefund.status == "succeeded",
            _or(StripeRefund.succeeded_at, StripeRefund.created_at),
        ),
        else_=StripeRefund.succeeded_at,
    )
    return _reported(scope, StripeRefund, "refunded", at)


def _refund_failed(scope: Scope) -> Select[Any]:
    """Select refunds that succeeded first: their money has come back to the school."""
    at = case((StripeRefund.succeeded_at.is_not(None), StripeRefund.failed_at))
    return _reported(scope, StripeRefund, "refund_failed", at)


def _disputed(scope: Scope) -> Select[Any]:
    is_inquiry = StripeDispute.status.in_(sorted(NOT_DISPUTED))
    at = case(
        (~is_inquiry, _or(StripeDispute.disputed_at, StripeDispute.created_at)),
        else_=StripeDispute.disputed_at,
    )
    return _reported_dispute(scope, "disputed", at)


def _dispute_won(scope: Scope) -> Select[Any]:
    at = case((StripeDispute.status == "won", _or(StripeDispute.won_at, StripeDispute.told_at)))
    return _reported_dispute(scope, "dispute_won", at)


def _dispute_lost(scope: Scope) -> Select[Any]:
    is_lost = StripeDispute.status == "lost"
    at = case(
        (is_lost, _or(StripeDispute.lost_at, StripeDispute.told_at)), else_=StripeDispute.lost_at
    )
    return _reported_dispute(scope, "dispute_lost", at)


def _charged(scope: Scope) -> Select[Any]:
    """Select Stripe's fees, in the currency of the school's balance."""
    at = StripeTransaction.created_at
    same = StripeTransaction.payment_intent == Payment.stripe_payment_intent_id
    return (
        _said(
            "fee",
            StripeTransaction.id,
            StripeTransaction.fee,
            at,
            currency=StripeTransaction.currency,
        )
        .join(StripeTransaction, same)
        .where(StripeTransaction.fee != 0, has_money(), _within(scope, at))
    )


_SAID: Sequence[Callable[[Scope], Select[Any]]] = (
    *(_taken, _refunded_by_hand, _refunded, _refund_failed),
    *(_refunded_elsewhere, _disputed_elsewhere, _dispute_lost_elsewhere),
    *(_disputed, _dispute_won, _dispute_lost, _charged),
)


def _booked(scope: Scope) -> Select[Any]:
    entry = MoneyMovement
    which: dict[Scope, ColumnElement[bool]] = {
        "payments": entry.payment_id.in_(_given()),
        "month": entry.month == _MONTH,
        "school": true(),
    }
    keys = [getattr(entry, name) for name in KEY if name != "month"]
    sums = (-getattr(entry, name) for name in SUMS)
    return select(*keys, *sums, entry.happened_at, entry.month).where(which[scope])


def _reported(
    scope: Scope, facts: Any, kind: MovementKind, at: Any, *, amount: Any = None
) -> Select[Any]:
    """Select what Stripe has reported of payments, where it has happened."""
    cents = facts.amount if amount is None else amount
    currency = _or(func.nullif(facts.currency, ""), Payment.currency)
    return (
        _said(kind, facts.id, cents, at, currency=currency)
        .join(facts, facts.payment_intent == Payment.stripe_payment_intent_id)
        .where(at.is_not(None), has_money(), _within(scope, at))
    )


def _reported_dispute(scope: Scope, kind: MovementKind, at: Any) -> Select[Any]:
    """Select what a bank has done; of all that was paid where Stripe doesn't say of how much."""
    [paid] = constants("paid")
    most = select(func.max(StripeSession.amount_total)).where(
        StripeSession.payment_id == Payment.id, StripeSession.state == paid
    )
    taken = _or(most.correlate(Payment).scalar_subquery(), Payment.amount_cents)
    amount = case((StripeDispute.amount == 0, taken), else_=StripeDispute.amount)
    return _reported(scope, StripeDispute, kind, at, amount=amount)


def _said(
    kind: MovementKind,
    subject: Any,
    amount: Any,
    at: Any,
    *,
    currency: Any = Payment.currency,
    tax: Any = _NOTHING,
    discount: Any = _NOTHING,
) -> Select[Any]:
    return select(
        Payment.id.label("payment_id"),
        literal(kind, String).label("kind"),
        subject.label("subject"),
        currency.label("currency"),
        month_of(at).label("month"),
        cast(amount, BigInteger).label("amount_cents"),
        cast(tax, BigInteger).label("tax_cents"),
        cast(discount, BigInteger).label("discount_cents"),
        at.label("happened_at"),
    )


def paid_at() -> Any:
    """Return when a payment was paid, as far as that is known."""
    return func.coalesce(Payment.paid_at, Payment.created_at)


def has_money() -> ColumnElement[bool]:
    """Find payments whose money arrived, whatever happened to it later."""
    return Payment.status.in_(constants(*HELD, *RETURNED))


def _paid_in(scope: Scope) -> ColumnElement[bool]:
    """Find payments by when they were paid, each by the index of the time that it has."""
    if scope != "month":
        return _within(scope, Payment.paid_at)
    unknown = and_(Payment.paid_at.is_(None), _within(scope, Payment.created_at))
    return or_(_within(scope, Payment.paid_at), unknown)


def _within(scope: Scope, at: Any) -> ColumnElement[bool]:
    which: dict[Scope, ColumnElement[bool]] = {
        "payments": Payment.id.in_(_given()),
        "month": _is_near(at),
        "school": true(),
    }
    return which[scope]


def _is_near(at: Any) -> ColumnElement[bool]:
    """Find times of the month or about it, also on SQLite, where they are compared as texts."""
    return and_(at >= _SINCE, at < _UNTIL)


def _given() -> Select[int]:
    return select(as_table(_PAYMENTS, id=Integer()).c.id)


def _or(first: Any, second: Any) -> ColumnElement[Any]:
    return func.coalesce(first, second)
