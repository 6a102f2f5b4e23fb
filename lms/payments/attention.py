"""Dismissing and reopening payments that need review."""

from sqlalchemy.orm import Session

from lms.ledger import fact_rows
from lms.ledger.audit import record
from lms.live import touch
from lms.models import Payment
from lms.models.payment_status import NEEDING_ATTENTION
from lms.payments.settle import lock_pair
from lms.refusals import PaymentNotFound
from lms.transaction import transactional


@transactional
def dismiss(session: Session, payment_id: int, *, by: int, reason: str = "") -> bool:
    """Take a payment off the list until something else is wrong with it; False if it is not on it.

    Status and access stay: this says that a person has dealt with it, elsewhere or not at all.
    """
    payment = _locked(session, payment_id)
    on_the_list = payment.status in NEEDING_ATTENTION or payment.attention
    if not on_the_list or payment.dismissed_attention == payment.attention:
        return False
    payment.dismissed_attention = payment.attention
    _announce(session, payment, "payment.dismissed", by=by, reason=reason)
    return True


@transactional
def put_back(session: Session, payment_id: int, *, by: int) -> bool:
    """Reopen a dismissed payment; False if it was not dismissed."""
    payment = _locked(session, payment_id)
    if payment.dismissed_attention is None:
        return False
    payment.dismissed_attention = None
    _announce(session, payment, "payment.put_back", by=by, reason="")
    return True


def _locked(session: Session, payment_id: int) -> Payment:
    fact_rows.lock_facts(session)
    if session.get(Payment, payment_id) is None:
        raise PaymentNotFound
    lock_pair(session, payment_id)
    return session.get_one(Payment, payment_id, populate_existing=True, with_for_update=True)


def _announce(session: Session, payment: Payment, action: str, *, by: int, reason: str) -> None:
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
    touch(session, "payments")
