"""Notices and e-mails about payments: each change announced once."""

from typing import Literal

from sqlalchemy.orm import Session

from lms.messages import catalogue
from lms.messages.notices import announce_payment
from lms.models import Payment

Occasion = Literal[
    "paid",
    "refunded",
    "review",
    "access_ended",
    "course_removed",
    "account_removed",
    "failed",
    "disputed",
    "dispute_won",
    "dispute_lost",
]
"""What is announced, and part of its key: no name here may ever change."""

_MESSAGES: dict[Occasion, type[catalogue.PaymentMessage]] = {
    "paid": catalogue.PaymentReceived,
    "refunded": catalogue.PaymentRefunded,
    "review": catalogue.PaymentNotDelivered,
    "access_ended": catalogue.PaymentWithoutAccess,
    "course_removed": catalogue.PaymentWithoutCourse,
    "account_removed": catalogue.PaymentWithoutAccount,
    "failed": catalogue.PaymentFailed,
    "disputed": catalogue.PaymentDisputed,
    "dispute_won": catalogue.DisputeWon,
    "dispute_lost": catalogue.DisputeLost,
}


def tell(session: Session, payment: Payment, *, before: str) -> None:
    """Announce a payment's new status to the student, if it concerns them."""
    occasion = _occasion(payment, before)
    if occasion is None:
        return
    message = _MESSAGES[occasion](
        payment.course_id,
        payment.course_title,
        payment.id,
        payment.amount_cents,
        payment.refunded_cents,
        payment.currency,
    )
    key = f"payment-{payment.id}-{occasion}"
    if payment.refunded_cents:  # further refunds are news of their own
        key += f"-{payment.refunded_cents}"
    announce_payment(session, message, payment.user_id, payment.user_email, key=key)


def _occasion(payment: Payment, before: str) -> Occasion | None:
    match payment.status:
        case "disputed" | "dispute_lost" | "failed" as occasion:
            return occasion
        case "paid" | "partially_refunded" if before == "disputed":
            return "dispute_won"
        case "undeliverable" | "needs_review" as status if status != before:
            return _review(payment)
        case _ if payment.refunded_cents:
            return "refunded"
        case "paid":
            return "paid"
    return None


def _review(payment: Payment) -> Occasion:
    if payment.user_id is None:
        return "account_removed"
    if payment.course_id is None:
        return "course_removed"
    return "review" if payment.access_ended_at is None else "access_ended"
