"""Payments whose rows are behind the facts from Stripe."""

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, union_all

from lms.models import Payment, StripeDispute, StripeRefund, StripeSession
from lms.models.columns import normalized
from lms.models.payment_status import GIVING_ACCESS, HELD, UNPAID
from lms.models.payments import UNDISPUTED

_STATUS = normalized(Payment.status)
_IS_OPEN_OR_LOST = StripeDispute.status.not_in(sorted(UNDISPUTED))


def is_behind() -> ColumnElement[bool]:
    """Return whether a payment's row is behind the facts from Stripe.

    A row that says more is not behind: an import knows what no fact here says.
    """
    taken = or_(_is_lost(), _is_disputed(), _was_refunded())
    return or_(_was_paid(), _may_be_taken() & _STATUS.in_(HELD) & taken)


def according_to_stripe() -> ColumnElement[str]:
    """Return the facts from Stripe for a payment that is behind."""
    return case(
        (_was_paid(), "paid, according to Stripe"),
        (_is_lost(), "lost to the bank, according to Stripe"),
        (_is_disputed(), "disputed, according to Stripe"),
        (_was_refunded(), "refunded, according to Stripe"),
    )


def _was_paid() -> ColumnElement[bool]:
    return _STATUS.in_(UNPAID) & exists().where(
        StripeSession.payment_id == Payment.id, StripeSession.state == "paid"
    )


def _may_be_taken() -> ColumnElement[bool]:
    """Return whether money may have gone: most payments need no further look."""
    return Payment.stripe_payment_intent_id.in_(
        union_all(
            select(StripeRefund.payment_intent).where(StripeRefund.status == "succeeded"),
            select(StripeDispute.payment_intent).where(_IS_OPEN_OR_LOST),
        )
    )


def _was_refunded() -> ColumnElement[bool]:
    """Return whether more was refunded than the row says, or all of a paid one."""
    refunded = (
        select(func.sum(StripeRefund.amount))
        .where(
            StripeRefund.payment_intent == Payment.stripe_payment_intent_id,
            StripeRefund.status == "succeeded",
        )
        .scalar_subquery()
    )
    is_more = and_(refunded > Payment.refunded_cents, Payment.refunded_cents < Payment.amount_cents)
    is_all = and_(_STATUS.in_(GIVING_ACCESS), refunded > 0, refunded >= Payment.amount_cents)
    return or_(is_more, is_all)


def _is_lost() -> ColumnElement[bool]:
    return _has_dispute(StripeDispute.status == "lost")


def _is_disputed() -> ColumnElement[bool]:
    return (_STATUS != "disputed") & _has_dispute(_IS_OPEN_OR_LOST)


def _has_dispute(is_such: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(StripeDispute.payment_intent == Payment.stripe_payment_intent_id, is_such)
