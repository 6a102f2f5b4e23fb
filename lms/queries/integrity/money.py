"""Payments whose rows do not say what Stripe has told."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select

from lms.models import Payment, StripeDispute, StripeRefund, StripeSession
from lms.models.payments import REFUNDABLE, UNDISPUTED
from lms.queries.integrity.finding import PAID, UNPAID, Scope, find, word

_STATUS = word(Payment.status)
_HELD = sorted(REFUNDABLE)


def payment_behind_stripe(scope: Scope) -> Select[Any]:
    """Find payments of which Stripe has told more than their rows say.

    A row that says more than was told is none: an import knows what Stripe never told here.
    """
    reasons = (
        (_was_paid(), "paid, as Stripe has told"),
        (_is_lost(), "lost to the bank, as Stripe has told"),
        (_is_disputed(), "disputed by the bank, as Stripe has told"),
        (_was_refunded(), "refunded as far as Stripe has told"),
    )
    return find(
        scope,
        Payment.id,
        Payment.user_id,
        Payment.course_id,
        expected=case(*reasons),
        actual=Payment.status,
    ).where(or_(*(holds for holds, _ in reasons)))


def _was_paid() -> ColumnElement[bool]:
    return _STATUS.in_(UNPAID) & exists().where(
        StripeSession.payment_id == Payment.id, StripeSession.state == "paid"
    )


def _was_refunded() -> ColumnElement[bool]:
    """Return whether more has gone back than the row says, or all of it, and it is called paid."""
    refunded = (
        select(func.sum(StripeRefund.amount))
        .where(
            StripeRefund.payment_intent == Payment.stripe_payment_intent_id,
            StripeRefund.status == "succeeded",
        )
        .scalar_subquery()
    )
    is_more = and_(Payment.refunded_cents < Payment.amount_cents, refunded > Payment.refunded_cents)
    is_all = and_(_STATUS.in_(PAID), refunded > 0, refunded >= Payment.amount_cents)
    return _STATUS.in_(_HELD) & or_(is_more, is_all)


def _is_lost() -> ColumnElement[bool]:
    return _STATUS.in_(_HELD) & _has_dispute(StripeDispute.status == "lost")


def _is_disputed() -> ColumnElement[bool]:
    is_open = StripeDispute.status.not_in(sorted(UNDISPUTED))
    return _STATUS.in_(_HELD) & (_STATUS != "disputed") & _has_dispute(is_open)


def _has_dispute(is_such: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(StripeDispute.payment_intent == Payment.stripe_payment_intent_id, is_such)
