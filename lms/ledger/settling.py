"""Payments that are settled: in line with the facts, and with seats that they give up passed on."""

from sqlalchemy.orm import Session

from lms.ledger.payments import bring_in_line
from lms.ledger.waiting import fill_seats


def settle(session: Session, payment_id: int, *, by: int | None = None, reason: str = "") -> bool:
    """Bring a payment, its access and its seat in line with the facts; True if anything changed.

    The caller holds the facts, unless it changes nothing but the payment's own row before.
    """
    settled = bring_in_line(session, payment_id, by=by, reason=reason)
    if settled.freed is not None:
        fill_seats(session, settled.freed, freed=1)
    return settled.has_changed
