"""Schools in different time zones: their clocks, and what they sell."""

from datetime import datetime

from lms import enrollment, payments
from lms.db import at, db
from lms.ledger.book_clocks import BookClocks, book_clocks
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql


def move(sql: Sql, zone: str | None, *, by: int | None = None) -> int:
    """Say that the school is in another zone, as an admin does; return the admin."""
    admin = by or an_admin()
    versions = [row.version for row in sql("SELECT version FROM school_settings")]
    enrollment.change_settings({"time_zone": zone}, seen=versions[0] if versions else 0, by=admin)
    return admin


def sell(moment: datetime, *, by: int, until: datetime | None = None) -> None:
    """Sell a course, paid in cash at a moment; an admin records it then, or later."""
    course = a_course(price_cents=4900)
    sale = payments.ManualPayment(a_student(), course, 4900, "eur", "cash", "7", paid_at=moment)
    with at(until or moment):
        payments.record_payment(sale, by=by)


def kept_clocks() -> BookClocks:
    """Return the clocks of the books."""
    try:
        return book_clocks(db.session())
    finally:
        db.session.rollback()
