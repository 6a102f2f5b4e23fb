"""What nothing explains in the books of a month: money, or access, of which only one side is known.

What the admins have been shown at the payment, as needing review, is not among it.
"""

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from lms.db import UtcDateTime, now
from lms.ledger.behind import differs_from_facts
from lms.ledger.book_clocks import BookClocks, book_clocks
from lms.ledger.book_scopes import has_money, is_in_month, is_seen_in_month, of_month, paid_at
from lms.ledger.months import ANY_CLOCK, FIRST, PRESENT, Month, month_of
from lms.ledger.movements import is_booked_otherwise, lacking_in_month
from lms.ledger.recorded_money import contradicts_itself, parts_differ
from lms.models import (
    AccessSource,
    ClosedMonth,
    MoneyMovement,
    Payment,
    StripeRefund,
    StripeSession,
    StripeTransaction,
)
from lms.models.columns import constants
from lms.models.payment_status import GIVING_ACCESS
from lms.models.payments import STRIPE
from lms.statements import run

PATIENCE = timedelta(days=1)
"""How long what Stripe says of a payment may take to be fetched."""
EXPLANATIONS = {
    "not_booked": "The payment shows this, but it isn't in the books yet. The next repair adds it.",
    "payment_gone": "This is in the books, but its payment is no longer in the database. Restore it"
    " from a backup.",
    "taken_without_payment": "Stripe collected this money for the portal, but no payment here"
    " shows it.",
    "no_transaction": "Paid more than a day ago, but Stripe's balance doesn't show it.",
    "charge_differs": "Stripe's balance shows this amount, but the payment shows a different one.",
    "refund_differs": "Stripe's balance shows this refund, but the payment shows another, or none.",
    "dispute_differs": "Stripe's balance shows this dispute, but the payment shows another, or"
    " none.",
    "row_differs": "The payment's status or amounts contradict its Stripe or refund records."
    " Compare both with Stripe or the bank.",
    "parts_differ": "The subtotal, less the discount and plus tax, doesn't add up to the amount.",
    "method_differs": "The payment's method isn't the one in the books. Correct it in the database,"
    " or in your own records.",
    "impossible_date": "Dated before 1970 or in the future, so it belongs to no month. The next"
    " repair sets the date on which it was recorded here.",
    "no_access": "Paid, but it gives no access and isn't marked for review.",
}
"""What each kind says to the admins."""
_BEGIN = bindparam("month_begins", type_=UtcDateTime)
_MONTH = bindparam("of_month", type_=String)
_LATEST = bindparam("latest", type_=UtcDateTime)
_EARLIEST = literal(Month(1970, 1).midnight + ANY_CLOCK, UtcDateTime)
_SOON = bindparam("soon", type_=UtcDateTime)
_IS_PRESENT = bindparam("is_present", type_=Boolean)
[_BY_STRIPE] = constants(STRIPE)


def unexplained(session: Session, month: Month) -> list[dict[str, Any]]:
    """Return what nothing explains in a month: rows of plain values, in a fixed order."""
    rows = run(session, statement(), **values_of(month, book_clocks(session))).mappings()
    return [
        {**row, "happened_at": row["happened_at"].isoformat(timespec="seconds")} for row in rows
    ]


def values_of(month: Month, clocks: BookClocks, late: Collection[int] = ()) -> dict[str, Any]:
    """Return the parameters of the statement for a month.

    `late` are the payments that `unbooked` finds, which the present month shows.
    """
    return of_month(month, clocks) | {
        "month_begins": clocks.begin(month),
        "payments": [[number] for number in late],
        "is_present": not clocks.is_over(month),
        "latest": now() - PATIENCE,
        "soon": now() - ANY_CLOCK,
    }


@cache
def statement() -> Select[Any]:
    """Return the SELECT of all kinds; its columns are those of an entry."""
    found = union_all(*(make() for make in _KINDS)).subquery()
    return select(found).order_by(
        *(found.c[name] for name in ("happened_at", "kind", "payment_id", "subject"))
    )


def _not_booked() -> Select[Any]:
    lacks = lacking_in_month().subquery()
    return _entry(
        *("not_booked", lacks.c.payment_id, lacks.c.kind + literal(" ", String) + lacks.c.subject),
        *(lacks.c.amount_cents, lacks.c.currency, lacks.c.happened_at),
    ).where(exists().where(Payment.id == lacks.c.payment_id))


def _payment_gone() -> Select[Any]:
    """Select entries of payments that a restored dump lacks; those of closed months, at present."""
    entry, missing = MoneyMovement, literal("payment ", String)
    is_closed = exists().where(ClosedMonth.month == entry.booked_month)
    return _entry(
        *("payment_gone", null(), missing + cast(entry.payment_id, String)),
        *(entry.amount_cents, entry.currency, entry.happened_at),
    ).where(
        or_(entry.booked_month == _MONTH, and_(_IS_PRESENT, is_closed)),
        ~exists().where(Payment.id == entry.payment_id),
    )


def _taken_without_payment() -> Select[Any]:
    there = StripeTransaction
    ours = or_(
        Payment.stripe_payment_intent_id == there.payment_intent,
        (Payment.method == _BY_STRIPE) & (Payment.reference == there.reference),
    )
    return _of_stripe("taken_without_payment", null()).where(
        there.category == "charge", there.reference.is_not(None), ~exists().where(ours)
    )


def _no_transaction() -> Select[Any]:
    there = StripeTransaction
    is_there = exists().where(
        there.payment_intent == Payment.stripe_payment_intent_id, there.category == "charge"
    )
    was_told = exists().where(StripeSession.payment_id == Payment.id, StripeSession.state == "paid")
    # An earlier system's payments are in no list that Stripe gives us; a free one has no intent.
    return _of_payment("no_transaction").where(
        Payment.stripe_payment_intent_id.is_not(None), was_told, ~is_there, paid_at() < _LATEST
    )


def _charge_differs() -> Select[Any]:
    there, entry = StripeTransaction, MoneyMovement
    booked = (
        select(func.coalesce(func.sum(entry.amount_cents), 0))
        .where(
            entry.payment_id == Payment.id,
            entry.kind == "taken",
            entry.currency == there.charged_currency,
        )
        .scalar_subquery()
    )
    return (
        _of_stripe("charge_differs", Payment.id)
        .join(Payment, Payment.stripe_payment_intent_id == there.payment_intent)
        .where(there.category == "charge", there.charged != booked)
    )


def _refund_differs() -> Select[Any]:
    there = StripeTransaction
    same = exists().where(StripeRefund.id == there.source, StripeRefund.amount == there.charged)
    return (
        _of_stripe("refund_differs", Payment.id)
        .join(Payment, Payment.stripe_payment_intent_id == there.payment_intent)
        .where(there.category == "refund", ~same)
    )


def _dispute_differs() -> Select[Any]:
    """Select what banks have taken, or given back, by Stripe's balance alone."""
    there, entry = StripeTransaction, MoneyMovement
    [taken, given_back, disputed, won] = constants(
        "dispute", "dispute_reversal", "disputed", "dispute_won"
    )
    booked = (
        select(func.coalesce(func.sum(entry.amount_cents), 0))
        .where(
            entry.payment_id == Payment.id,
            entry.kind == case((there.category == taken, disputed), else_=won),
            entry.subject == there.source,
            entry.currency == there.charged_currency,
        )
        .scalar_subquery()
    )
    return (
        _of_stripe("dispute_differs", Payment.id)
        .join(Payment, Payment.stripe_payment_intent_id == there.payment_intent)
        .where(there.category.in_([taken, given_back]), there.charged != booked)
    )


def _no_access() -> Select[Any]:
    gives = exists().where(
        AccessSource.user_id == Payment.user_id,
        AccessSource.course_id == Payment.course_id,
        AccessSource.kind == "payment",
        AccessSource.reference == Payment.id,
    )
    [nothing] = constants("")
    return _of_payment("no_access").where(
        Payment.status.in_(constants(*GIVING_ACCESS)),
        Payment.attention == nothing,
        ~gives,
    )


def _row_differs() -> Select[Any]:
    return _of_row("row_differs").where(
        is_seen_in_month(), or_(differs_from_facts(), contradicts_itself())
    )


def _parts_differ() -> Select[Any]:
    return _of_row("parts_differ").where(is_seen_in_month(), has_money(), parts_differ())


def _method_differs() -> Select[Any]:
    return _of_row("method_differs").where(is_seen_in_month(), is_booked_otherwise())


def _impossible_date() -> Select[Any]:
    """Select what no month has, which the present one shows."""
    is_dated = month_of(Payment.created_at).between(FIRST, PRESENT)
    of_a_month = case((is_dated, Payment.created_at), else_=_BEGIN)
    # Most need no month looked up; what only looks like a time in between is unreadable.
    is_about = or_(paid_at() < _EARLIEST, paid_at() >= _SOON)
    is_none = is_about & ~month_of(paid_at()).between(FIRST, PRESENT)
    return _of_row("impossible_date", at=of_a_month).where(_IS_PRESENT, has_money(), is_none)


_KINDS: tuple[Callable[[], Select[Any]], ...] = (
    *(_not_booked, _payment_gone, _taken_without_payment, _no_transaction),
    *(_charge_differs, _refund_differs, _dispute_differs, _no_access),
    *(_row_differs, _parts_differ, _method_differs, _impossible_date),
)


def _of_payment(kind: str) -> Select[Any]:
    """Begin with the payments whose money is in the month's books."""
    entry = MoneyMovement
    is_booked = exists().where(
        entry.payment_id == Payment.id, entry.booked_month == _MONTH, entry.kind == "taken"
    )
    return _of_row(kind).where(is_booked)


def _of_row(kind: str, *, at: Any = None) -> Select[Any]:
    moment = paid_at() if at is None else at
    no_subject = literal("", String)
    return _entry(kind, Payment.id, no_subject, Payment.amount_cents, Payment.currency, moment)


def _of_stripe(kind: str, payment_id: Any) -> Select[Any]:
    """Begin with what moved the balance in the month."""
    there = StripeTransaction
    return _entry(
        *(kind, payment_id, there.id, there.charged, there.charged_currency, there.created_at)
    ).where(is_in_month(there.created_at))


def _entry(kind: str, *values: Any) -> Select[Any]:
    payment_id, subject, amount, currency, at = values
    return select(
        literal(kind, String).label("kind"),
        cast(payment_id, Integer).label("payment_id"),
        subject.label("subject"),
        cast(amount, BigInteger).label("amount_cents"),
        currency.label("currency"),
        at.label("happened_at"),
    )
