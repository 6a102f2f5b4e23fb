"""Payments whose rows are behind the facts from Stripe."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    or_,
    select,
    union_all,
)

from lms.ledger import recorded_money as recorded
from lms.ledger.kept import KEPT_TOO_LITTLE, keeps_access, kept_percent
from lms.models import ManualRefund, Payment, StripeDispute, StripeRefund, StripeSession
from lms.models.columns import normalized
from lms.models.payment_status import GIVING_ACCESS, HELD, RETURNED, UNPAID
from lms.models.payments import STRIPE, UNDISPUTED

_STATUS = normalized(Payment.status)
_IS_OPEN_OR_LOST = StripeDispute.status.not_in(sorted(UNDISPUTED))
_IS_OPEN = StripeDispute.status.not_in(sorted(UNDISPUTED | {"lost"}))


def is_behind() -> ColumnElement[bool]:
    """Return whether a payment's row is behind the facts from Stripe.

    A row that says more is not behind: an import knows what no fact here says.
    """
    taken = or_(_is_lost(), _is_disputed(), _was_refunded())
    return or_(
        _was_paid(),
        _may_be_taken() & _STATUS.in_(HELD) & taken,
        _was_refunded_by_hand(),
        _is_judged_otherwise(),
    )


def according_to_stripe() -> ColumnElement[str]:
    """Return the facts from Stripe for a payment that is behind."""
    return case(
        (_was_paid(), "paid, according to Stripe"),
        (_is_lost(), "lost to the bank, according to Stripe"),
        (_is_disputed(), "disputed, according to Stripe"),
        (_was_refunded_by_hand(), "refunded, as an admin has recorded"),
        (_was_refunded(), "refunded, according to Stripe"),
        (_is_judged_otherwise(), "what LMS_KEPT_PERCENT says of what is kept"),
    )


def differs_from_facts() -> ColumnElement[bool]:
    """Return whether a payment's row and the facts about it disagree about its money.

    Behind or ahead: neither the row nor the books can then be trusted.
    """
    is_paid, has_money = _is_paid_for(), _STATUS.in_((*HELD, *RETURNED))
    return or_(is_paid != has_money, _refunds_differ(), _disputes_differ()) & or_(
        ~recorded.is_alone(), has_money & or_(recorded.has_disputes(), _was_refunded_by_hand())
    )


def _is_paid_for() -> ColumnElement[bool]:
    return or_(recorded.is_alone(), _has_paid_session())


def _refunds_differ() -> ColumnElement[bool]:
    by_stripe = _sum(StripeRefund.amount).where(
        StripeRefund.payment_intent == Payment.stripe_payment_intent_id,
        StripeRefund.status == "succeeded",
    )
    by_hand = _sum(ManualRefund.amount_cents).where(ManualRefund.payment_id == Payment.id)
    known = by_stripe.scalar_subquery() + by_hand.scalar_subquery()
    capped = case((known > Payment.amount_cents, Payment.amount_cents), else_=known)
    is_empty = (_STATUS == "refunded") & (known == 0) & (Payment.amount_cents > 0)
    return or_(Payment.refunded_cents < capped, _goes_beyond(capped), is_empty)


def _goes_beyond(known: Any) -> ColumnElement[bool]:
    """Return whether the row alone knows of refunds, though Stripe should."""
    is_more: ColumnElement[bool] = Payment.refunded_cents > known
    return ~recorded.is_alone() & is_more


def _disputes_differ() -> ColumnElement[bool]:
    is_open, is_lost = _has_dispute(_IS_OPEN), _has_dispute(StripeDispute.status == "lost")
    return or_(
        (_STATUS == "disputed") & ~is_open,
        is_open & _STATUS.not_in(("disputed", "dispute_lost")),
        (_STATUS == "dispute_lost") & ~is_lost,
        is_lost != (Payment.lost_cents > 0),
    )


def _sum(amount: Any) -> Any:
    return select(func.coalesce(func.sum(amount), 0))


def _has_paid_session() -> ColumnElement[bool]:
    return exists().where(StripeSession.payment_id == Payment.id, StripeSession.state == "paid")


def _was_paid() -> ColumnElement[bool]:
    return _STATUS.in_(UNPAID) & _has_paid_session()


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


def _was_refunded_by_hand() -> ColumnElement[bool]:
    """Return whether an admin has recorded more refunds than the row of the payment says."""
    refunded = (
        select(func.sum(ManualRefund.amount_cents))
        .where(ManualRefund.payment_id == Payment.id)
        .scalar_subquery()
    )
    return and_(Payment.method != STRIPE, _STATUS.in_(HELD), refunded > Payment.refunded_cents)


def _is_judged_otherwise() -> ColumnElement[bool]:
    """Return whether the school has set since how much has to be kept for access to stay."""
    gone = Payment.refunded_cents + Payment.lost_cents
    percent = bindparam("kept_percent", callable_=kept_percent, type_=Integer)
    taken = cast(Payment.amount_cents, BigInteger)  # a hundred times it may not fit into 32 bits
    stays = keeps_access(taken - gone, taken, percent)
    too_little = and_(_STATUS.in_(GIVING_ACCESS), gone > 0, ~stays)
    is_stale = and_(_STATUS == "needs_review", Payment.attention.startswith(KEPT_TOO_LITTLE), stays)
    return or_(too_little, is_stale)


def _is_lost() -> ColumnElement[bool]:
    """Return whether the bank has taken back more than the row says."""
    unknown = StripeDispute.amount == 0
    lost = (
        select(func.sum(case((unknown, Payment.amount_cents), else_=StripeDispute.amount)))
        .where(
            StripeDispute.payment_intent == Payment.stripe_payment_intent_id,
            StripeDispute.status == "lost",
        )
        .correlate(Payment)
        .scalar_subquery()
    )
    return and_(lost > Payment.lost_cents, Payment.lost_cents < Payment.amount_cents)


def _is_disputed() -> ColumnElement[bool]:
    return (_STATUS != "disputed") & _has_dispute(_IS_OPEN)


def _has_dispute(is_such: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(StripeDispute.payment_intent == Payment.stripe_payment_intent_id, is_such)
