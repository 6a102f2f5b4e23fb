"""What payments and Stripe's facts say of money: one SELECT for each way in which it moves."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, String, case, cast, func, literal, select
from sqlalchemy.orm import aliased

from lms.ledger import recorded_money as recorded
from lms.ledger.book_scopes import Scope, has_money, paid_at, paid_in, within
from lms.ledger.months import month_of
from lms.models import (
    ManualRefund,
    MovementKind,
    Payment,
    StripeDispute,
    StripeRefund,
    StripeSession,
    StripeTransaction,
)
from lms.models.columns import constants
from lms.models.payments import NOT_DISPUTED

_NOTHING = literal(0, BigInteger)


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
        .where(has_money(), paid_in(scope))
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
        *(has_money(), paid_in(scope), recorded.refunded() > 0),
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
        *(has_money(), paid_in(scope), amount > 0),
        *(recorded.is_alone(), ~recorded.has_disputes()),
    )


def _refunded_by_hand(scope: Scope) -> Select[Any]:
    number = literal("manual-", String) + cast(ManualRefund.id, String)
    at = ManualRefund.refunded_at
    return (
        _said("refunded", number, ManualRefund.amount_cents, at)
        .join(ManualRefund, ManualRefund.payment_id == Payment.id)
        .where(has_money(), within(scope, at))
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
        .where(StripeTransaction.fee != 0, has_money(), within(scope, at))
    )


def _reported(
    scope: Scope, facts: Any, kind: MovementKind, at: Any, *, amount: Any = None
) -> Select[Any]:
    """Select what Stripe has reported of payments, where it has happened."""
    cents = facts.amount if amount is None else amount
    currency = _or(func.nullif(facts.currency, ""), Payment.currency)
    return (
        _said(kind, facts.id, cents, at, currency=currency)
        .join(facts, facts.payment_intent == Payment.stripe_payment_intent_id)
        .where(at.is_not(None), has_money(), within(scope, at))
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


def _or(first: Any, second: Any) -> ColumnElement[Any]:
    return func.coalesce(first, second)


SAID: Sequence[Callable[[Scope], Select[Any]]] = (
    *(_taken, _refunded_by_hand, _refunded, _refund_failed),
    *(_refunded_elsewhere, _disputed_elsewhere, _dispute_lost_elsewhere),
    *(_disputed, _dispute_won, _dispute_lost, _charged),
)
"""All of them, each with the columns of an entry."""
