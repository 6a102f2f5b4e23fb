"""Sums are kept short: see `ledger.counting`."""

from sqlalchemy.orm import Session

from lms.ledger.counting import fold
from lms.transaction import transactional


@transactional
def fold_sums(session: Session) -> None:
    """Add up in one row each what transactions have added to the sums."""
    fold(session)
