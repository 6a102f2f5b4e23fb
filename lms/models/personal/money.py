"""Payments: what somebody paid, and what came of it."""

from typing import Any

from sqlalchemy import select

from lms import models as m
from lms.models.personal.kept import ADMINS, FOR_GOOD, KEY, ME, ONLY_ADMINS, OTHERS, WORK, Kept


def _my_payments() -> Any:
    return select(m.Payment.id).where(m.Payment.user_id == ME)


def _my_intents() -> Any:
    return select(m.Payment.stripe_payment_intent_id).where(m.Payment.user_id == ME)


KEPT = (
    Kept(
        table=m.Payment,
        what="Payments: amount, dates, Stripe's ids or a reference, address",
        seen_by=ADMINS,
        until=FOR_GOOD,
        erased="address and names become the pseudonym; amounts, dates and ids stay",
        people=("user_id", "user_email"),
        file="payments",
        left_out={"checkout_url": KEY, "origin": WORK, "request_key": WORK},
    ),
    Kept(
        table=m.StripeSession,
        what="Checkouts, as reported by Stripe",
        seen_by=ONLY_ADMINS,
        until=FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_id",),
        file="payment-sessions",
        which=lambda: m.StripeSession.payment_id.in_(_my_payments()),
    ),
    Kept(
        table=m.RefundRequest,
        what="Refunds requested by admins",
        seen_by=ONLY_ADMINS,
        until=FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_id",),
        file="payment-refund-requests",
        which=lambda: m.RefundRequest.payment_id.in_(_my_payments()),
        left_out={"key": WORK, "refusal": WORK},
    ),
    Kept(
        table=m.StripeRefund,
        what="Refunds, as reported by Stripe",
        seen_by=ONLY_ADMINS,
        until=FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_intent",),
        file="payment-refunds",
        which=lambda: m.StripeRefund.payment_intent.in_(_my_intents()),
    ),
    Kept(
        table=m.StripeDispute,
        what="Disputes, as reported by Stripe",
        seen_by=ONLY_ADMINS,
        until=FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_intent",),
        file="payment-disputes",
        which=lambda: m.StripeDispute.payment_intent.in_(_my_intents()),
    ),
    Kept(
        table=m.StripeTransaction,
        what="Stripe's fees for payments",
        seen_by=ONLY_ADMINS,
        until=FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_intent",),
        file="payment-fees",
        which=lambda: m.StripeTransaction.payment_intent.in_(_my_intents()),
    ),
    Kept(
        table=m.ManualRefund,
        what="Refunds made outside Stripe, recorded by an admin",
        seen_by=ADMINS,
        until=FOR_GOOD,
        erased="names in the reference become the pseudonym",
        people=("payment_id",),
        file="payment-refunds-by-hand",
        which=lambda: m.ManualRefund.payment_id.in_(_my_payments()),
        left_out={"request_key": WORK},
    ),
    Kept(
        table=m.MoneyMovement,
        what="The school's books: what was paid and refunded, by date",
        seen_by=ONLY_ADMINS,
        until=FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_id",),
        file="payment-books",
        which=lambda: m.MoneyMovement.payment_id.in_(_my_payments()),
    ),
    Kept(
        table=m.ClosedMonth,
        what="Closed months, and who closed them",
        seen_by=ONLY_ADMINS,
        until=FOR_GOOD,
        erased="nothing: it holds a number",
        people=("closed_by",),
        file="months-closed",
        left_out={"unexplained": OTHERS},
    ),
    Kept(
        table=m.StripeEvent,
        what="Stripe's events, without name and card",
        seen_by=ONLY_ADMINS,
        until=FOR_GOOD,
        erased="nothing: it names nobody",
        people=("payment_id",),
        file="payment-events",
        which=lambda: m.StripeEvent.payment_id.in_(_my_payments()),
        left_out={"payload": "its facts are in the files of checkouts, refunds and disputes"}
        | {"error": WORK},
    ),
)
