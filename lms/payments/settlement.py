"""Verbs on a single payment, each a transaction of its own."""

from sqlalchemy.orm import Session

from lms.ledger import payment_attention
from lms.ledger.fact_rows import lock_facts
from lms.ledger.payments import settle
from lms.transaction import transactional

dismiss = transactional(payment_attention.dismiss)
reopen = transactional(payment_attention.reopen)


@transactional
def settle_payment(session: Session, payment_id: int) -> bool:
    """Bring one payment and its access in line with the facts; True if that changed anything."""
    lock_facts(session)
    return settle(session, payment_id)
