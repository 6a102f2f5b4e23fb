"""What a payment's row alone says of its money, where neither Stripe nor a record by hand does.

Such rows come from old schools, dumps and SQL clients, which know a status and one or two amounts.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from lms.ledger.price_parts import add_up
from lms.models import ManualRefund, Payment, StripeDispute, StripeRefund, StripeSession
from lms.models.columns import constants, normalized
from lms.models.payment_status import GIVING_ACCESS

_STATUS = normalized(Payment.status)
_LEFT = Payment.amount_cents - Payment.refunded_cents - Payment.lost_cents


def is_alone() -> ColumnElement[bool]:
    """Return whether no checkout of Stripe's is known: its facts say all of a payment's money."""
    return ~exists().where(StripeSession.payment_id == Payment.id)


def refunded() -> ColumnElement[int]:
    """Return what the row says was refunded; the status says so of the whole amount."""
    whole = Payment.amount_cents - Payment.lost_cents
    return case((_is("refunded") & ~_has_refunds(), whole), else_=Payment.refunded_cents)


def lost() -> ColumnElement[int]:
    """Return what the row says the bank has taken for good."""
    return case(
        (_is("dispute_lost"), Payment.amount_cents - Payment.refunded_cents),
        else_=Payment.lost_cents,
    )


def disputed() -> ColumnElement[int]:
    """Return what the row says is, or was, with the bank."""
    return case((_is("disputed"), _LEFT + Payment.lost_cents), else_=lost())


def has_disputes() -> ColumnElement[bool]:
    """Return whether a fact of Stripe's says what the bank has taken."""
    return exists().where(StripeDispute.payment_intent == Payment.stripe_payment_intent_id)


def contradicts_itself() -> ColumnElement[bool]:
    """Return whether the row's status says otherwise than its amounts, and nothing else does."""
    gone = Payment.refunded_cents + Payment.lost_cents
    return is_alone() & or_(
        and_(_is("refunded"), _LEFT > 0, ~_has_refunds()),
        and_(_is("dispute_lost"), _LEFT > 0, ~has_disputes()),
        and_(_STATUS.in_(constants(*GIVING_ACCESS)), is_all_returned()),
        and_(_is("paid"), gone > 0),
        and_(_is("partially_refunded"), gone == 0),
    )


def is_all_returned() -> ColumnElement[bool]:
    """Return whether nothing is left by the row's amounts."""
    return and_(_LEFT <= 0, Payment.amount_cents > 0)


def parts_differ() -> ColumnElement[bool]:
    """Return whether the parts of a price don't explain the amount, and Stripe names others."""
    subtotal = func.coalesce(Payment.subtotal_cents, Payment.amount_cents)
    parts: Any = (subtotal, Payment.discount_cents, Payment.tax_cents, Payment.amount_cents)
    there = StripeSession
    same = exists().where(
        there.payment_id == Payment.id,
        there.state == constants("paid")[0],
        there.amount_total == Payment.amount_cents,
        func.coalesce(there.amount_subtotal, subtotal) == subtotal,
        func.coalesce(there.amount_discount, 0) == Payment.discount_cents,
        func.coalesce(there.amount_tax, 0) == Payment.tax_cents,
    )
    explained: ColumnElement[bool] = add_up(*parts)
    return ~explained & ~same


def _has_refunds() -> ColumnElement[bool]:
    by_stripe = exists().where(StripeRefund.payment_intent == Payment.stripe_payment_intent_id)
    return or_(by_stripe, exists(select(1).where(ManualRefund.payment_id == Payment.id)))


def _is(status: str) -> ColumnElement[bool]:
    [word] = constants(status)
    return normalized(Payment.status) == word
