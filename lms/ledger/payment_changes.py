"""What any change of a payment leads to: an audit entry, a notice, an e-mail, fresh pages."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.audit import Entry, record_all
from lms.ledger.rows import PAIRS, Pair, of_pairs
from lms.live import touch
from lms.messages import catalogue
from lms.messages.notices import PaymentNews, announce_payments
from lms.models import Enrollment, Payment, User
from lms.models.payment_status import GIVING_ACCESS, STATUSES, Occasion, PaymentStatus
from lms.models.payments import STRIPE
from lms.statements import run

Change = tuple[Payment, PaymentStatus]
"""A payment as it is now, and the status that it had."""

_MESSAGES: dict[Occasion, type[catalogue.PaymentMessage]] = {
    "paid": catalogue.PaymentReceived,
    "refunded": catalogue.PaymentRefunded,
    "review": catalogue.PaymentNotDelivered,
    "accepted": catalogue.PaymentAccepted,
    "access_ended": catalogue.PaymentWithoutAccess,
    "course_removed": catalogue.PaymentWithoutCourse,
    "account_removed": catalogue.PaymentWithoutAccount,
    "failed": catalogue.PaymentFailed,
    "disputed": catalogue.PaymentDisputed,
    "dispute_won": catalogue.DisputeWon,
    "dispute_lost": catalogue.DisputeLost,
}


def publish_changes(
    session: Session,
    changes: Sequence[Change],
    *,
    by: int | None,
    reason: str,
    occasion: Occasion | None = None,
) -> None:
    """Record and announce changes of payments, in a fixed number of statements.

    Without an occasion, each is announced as what it has become, where that is news.
    """
    entries: dict[str, list[Entry]] = defaultdict(list)
    for payment, before in changes:
        details = {
            "payment_id": payment.id,
            "before": before,
            "after": payment.status,
            "refunded_cents": payment.refunded_cents,
            "lost_cents": payment.lost_cents,
            "subtotal_cents": payment.subtotal_cents,
            "discount_cents": payment.discount_cents,
            "tax_cents": payment.tax_cents,
            "amount_cents": payment.amount_cents,
            "currency": payment.currency,
        }
        entries[payment.status].append((payment.user_id, payment.course_id, details))
    for status, those in entries.items():
        record_all(session, f"payment.{status}", those, by=by, reason=reason)
    announce_payments(session, _news(session, changes, occasion))
    refresh_payments(session, (payment for payment, _ in changes))


def refresh_payments(session: Session, payments: Iterable[Payment]) -> None:
    """Refresh the pages that show these payments."""
    touch(session, "payments", students={each.user_id for each in payments if each.user_id})


def _news(
    session: Session, changes: Sequence[Change], occasion: Occasion | None
) -> list[PaymentNews]:
    occasions = [
        (payment, before, what)
        for payment, before in changes
        if (what := occasion or _occasion(payment, before)) is not None
    ]
    learning = _learning(
        session,
        {
            (payment.user_id, payment.course_id)
            for payment, _, what in occasions
            if payment.user_id and payment.course_id
            if issubclass(_MESSAGES[what], catalogue.AccessTold)
        },
    )
    news = []
    for payment, before, what in occasions:
        kind, also = _MESSAGES[what], dict[str, Any]()
        if issubclass(kind, catalogue.AccessTold):
            also["access"] = _access(payment, before, learning)
        if issubclass(kind, catalogue.PaymentRefunded):
            also["is_manual"] = payment.method != STRIPE
        message = kind(
            payment.course_id,
            payment.course_title,
            payment.id,
            payment.amount_cents,
            payment.refunded_cents,
            payment.lost_cents,
            payment.currency,
            **also,
        )
        to = None if what == "account_removed" else payment.user_id
        key = f"payment-{payment.id}-{what}"
        if what in {"access_ended", "accepted"}:  # an admin may change their mind more than once
            key += f"-{now():%Y%m%d%H%M%S%f}"
        elif payment.refunded_cents:
            key += f"-{payment.refunded_cents}"  # each refund
        news.append(PaymentNews(message, to, payment.user_email, key))
    return news


def _access(
    payment: Payment, before: PaymentStatus, learning: Mapping[Pair, bool]
) -> catalogue.Access:
    """Return what to say of the access of who paid, by this payment or by anything else."""
    if payment.user_id is None or payment.course_id is None:
        return ""
    is_active = learning.get((payment.user_id, payment.course_id))
    if is_active is None:
        return "ended" if before in GIVING_ACCESS else "none"
    if not is_active:  # enrolled, but locked out
        return ""
    return "kept" if before in GIVING_ACCESS else "given"


def _learning(session: Session, pairs: set[Pair]) -> dict[Pair, bool]:
    """Return who of these students is enrolled, and whether their account is active."""
    if not pairs:
        return {}
    rows = run(session, _enrolled(), pairs=pairs)
    return {(student, course): is_active for student, course, is_active in rows}


@cache
def _enrolled() -> Select[int, int, bool]:
    return (
        select(Enrollment.user_id, Enrollment.course_id, User.is_active)
        .join(User, User.id == Enrollment.user_id)
        .where(of_pairs(Enrollment, PAIRS))
    )


def _occasion(payment: Payment, before: PaymentStatus) -> Occasion | None:
    status = STATUSES[payment.status]
    has_lost = payment.lost_cents > 0
    match before, status.news:
        case "disputed", _ if status.access == "given":
            return "dispute_lost" if has_lost else "dispute_won"
        case "needs_review", _ if status.access == "given":
            return "accepted"
        case _, "review":
            return _in_review(payment, before)
        case _, "refunded" if has_lost and not payment.refunded_cents:
            return "dispute_lost"
        case _, "paid" if payment.refunded_cents:
            return "refunded"
    return status.news


def _in_review(payment: Payment, before: PaymentStatus) -> Occasion | None:
    if payment.status != before:
        return _review(payment)
    return "refunded" if payment.refunded_cents else None


def _review(payment: Payment) -> Occasion:
    if payment.user_id is None:
        return "account_removed"
    if payment.course_id is None:
        return "course_removed"
    return "review" if payment.access_ended_at is None else "access_ended"
