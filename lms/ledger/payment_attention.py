"""The list of payments that an admin has to look at, as far as one has dealt with them."""

from sqlalchemy.orm import Session

from lms.ledger.audit import record
from lms.ledger.payment_changes import refresh_payments
from lms.ledger.payments import lock_payment
from lms.models import Payment
from lms.models.payment_status import NEEDING_ATTENTION


def dismiss(session: Session, payment_id: int, *, by: int, reason: str = "") -> bool:
    """Take a payment off the list until something else is wrong with it; False if it is not on it.

    Status and access stay: this says that a person has dealt with it, elsewhere or not at all.
    """
    payment = lock_payment(session, payment_id)
    is_listed = payment.status in NEEDING_ATTENTION or payment.attention
    if not is_listed or payment.dismissed_attention == payment.attention:
        return False
    payment.dismissed_attention = payment.attention
    _record(session, payment, "payment.dismissed", by=by, reason=reason)
    return True


def reopen(session: Session, payment_id: int, *, by: int) -> bool:
    """List a dismissed payment for review again; False if it wasn't dismissed."""
    payment = lock_payment(session, payment_id)
    if payment.dismissed_attention is None:
        return False
    payment.dismissed_attention = None
    _record(session, payment, "payment.reopened", by=by)
    return True


def _record(session: Session, payment: Payment, action: str, *, by: int, reason: str = "") -> None:
    session.flush()
    record(
        session,
        action,
        by=by,
        student_id=payment.user_id,
        course_id=payment.course_id,
        reason=reason,
        payment_id=payment.id,
        attention=payment.attention,
    )
    refresh_payments(session, [payment])
