"""Accepting amounts that differ from the agreed price: an admin decides that they are enough."""

from sqlalchemy.orm import Session

from lms.ledger.audit import record
from lms.ledger.fact_rows import sessions
from lms.ledger.kept import KEPT_TOO_LITTLE
from lms.ledger.payments import lock_payment, snapshot
from lms.ledger.price_parts import parts_of
from lms.ledger.projection import furthest, other_amount
from lms.ledger.settling import settle
from lms.models import Payment
from lms.refusals import NotAcceptable


def accept(session: Session, payment_id: int, *, by: int, reason: str = "") -> bool:
    """Let a payment give access as the agreed price would; False if it is already accepted.

    So a later refund of it ends that access. Raises PaymentNotFound and NotAcceptable.
    """
    payment = lock_payment(session, payment_id)
    if payment.accepted_cents is not None and payment.accepted_cents == payment.amount_cents:
        return False
    accepted = _acceptable(session, payment)
    payment.accepted_cents = accepted
    session.flush()
    record(
        session,
        "payment.amount_accepted",
        by=by,
        student_id=payment.user_id,
        course_id=payment.course_id,
        reason=reason,
        payment_id=payment_id,
        amount_cents=accepted,
        agreed_cents=snapshot(payment).agreed_cents,
        currency=payment.currency,
    )
    settle(session, payment_id, by=by, reason=reason)
    return True


def _acceptable(session: Session, payment: Payment) -> int:
    """Return what was paid, if that alone stands between the payment and its access."""
    if payment.status != "needs_review" or payment.access_ended_at is not None:
        raise NotAcceptable
    fact = furthest(sessions(session, payment.id))
    if fact is None or fact.state != "paid":  # of an old school: the row is all there is
        if payment.sale_ended_at is not None or payment.attention.startswith(KEPT_TOO_LITTLE):
            raise NotAcceptable
        return payment.amount_cents
    if not other_amount(snapshot(payment), fact):
        raise NotAcceptable
    parts = parts_of(fact, payment.currency)
    if parts is None:
        is_unknown = fact.amount_total is None or fact.currency is None
        raise NotAcceptable(NotAcceptable.unknown if is_unknown else NotAcceptable.foreign)
    return parts.total
