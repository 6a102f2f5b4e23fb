"""Sums are kept by the days of the school's zone: see `ledger.clocks`."""

from sqlalchemy.orm import Session

from lms.db import db
from lms.ledger import clocks
from lms.transaction import transactional


def follow_zone() -> bool:
    """Count by the days of the school's zone; return whether days of another were counted.

    A zone that the environment names, or whose rules have changed with an update, is followed too.
    """
    try:
        if clocks.is_followed(db.session()):
            return False
    finally:
        db.session.rollback()
    return _follow()


@transactional
def _follow(session: Session) -> bool:
    return clocks.follow_zone(session)
