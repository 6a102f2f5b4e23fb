"""Schools in different time zones: their clocks, and what they sell."""

from datetime import UTC, datetime

from lms import enrollment, payments
from lms.db import at, db
from lms.ledger.book_clocks import BookClocks, book_clocks
from lms.ledger.months import Month
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql

OCTOBER = Month(2026, 10)
AUCKLAND, NEW_YORK = "Pacific/Auckland", "America/New_York"
IN_BETWEEN = datetime(2026, 10, 31, 20, tzinfo=UTC)
"""November in Auckland, October in New York."""
AROUND_MIDNIGHT = [datetime(2026, 10, 31, hour, 30, tzinfo=UTC) for hour in (22, 23)]
"""The last hour of October in Berlin, and the first one of November."""


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


def booked_by_utc(sql: Sql, moment: datetime) -> None:
    """Take 49 euros as releases before 0054 do, to whom all months are those of UTC."""
    at_utc = stored(moment)
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents, subtotal_cents, currency, status,"
        " method, reference, created_at, paid_at) VALUES (:student, :course, 4900, 4900, 'eur',"
        " 'undeliverable', 'cash', '7', :at, :at)",
        student=a_student(),
        course=a_course(),
        at=at_utc,
    )
    sql(
        "INSERT INTO money_movements (payment_id, kind, method, amount_cents, currency,"
        " happened_at, month, booked_month, recorded_at) SELECT max(id), 'taken', 'cash', 4900,"
        " 'eur', :at, :month, :month, :at FROM payments",
        at=at_utc,
        month=f"{moment:%Y-%m}",
    )


def stored(moment: datetime) -> str:
    """Return a moment as the database spells it."""
    spelled = moment.isoformat(" ", "microseconds")
    return spelled if db.engine.dialect.name == "postgresql" else spelled.removesuffix("+00:00")


def kept_clocks() -> BookClocks:
    """Return the clocks of the books."""
    try:
        return book_clocks(db.session())
    finally:
        db.session.rollback()
