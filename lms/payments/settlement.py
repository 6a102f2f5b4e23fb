"""Verbs on a single payment, each a transaction of its own."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from lms.ledger import closing, payment_acceptance, payment_attention
from lms.ledger.fact_rows import lock_facts
from lms.ledger.settling import settle
from lms.ledger.transactions import Transaction, keep
from lms.transaction import transactional


@transactional
def keep_transactions(session: Session, found: Sequence[Transaction]) -> bool:
    """Keep Stripe's balance transactions; True if any was new."""
    lock_facts(session)
    return keep(session, found)


accept = transactional(payment_acceptance.accept)
close_month = transactional(closing.close)
dismiss = transactional(payment_attention.dismiss)
reopen = transactional(payment_attention.reopen)


@transactional
def settle_payment(session: Session, payment_id: int, *, by: int | None = None) -> bool:
    """Bring one payment and its access in line with the facts; True if that changed anything."""
    lock_facts(session)
    return settle(session, payment_id, by=by)
