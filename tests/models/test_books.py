"""What the books refuse, whoever asks."""

import pytest
from sqlalchemy.exc import DBAPIError

from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("world")

_ENTRY = (
    "INSERT INTO money_movements (payment_id, kind, amount_cents, currency, happened_at, month,"
    " booked_month) VALUES (2, 'fee', 1, 'eur', '2025-12-01 00:00:00', '2025-12', '{}')"
)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE money_movements SET amount_cents = 1",
        "DELETE FROM money_movements",
        "UPDATE closed_months SET closed_by = 2",
        "DELETE FROM closed_months",
    ],
)
def test_what_is_in_the_books_stays(sql: Sql, change: str) -> None:
    with pytest.raises(DBAPIError, match="kept for good"):
        sql(change)


def test_a_closed_month_takes_no_entry(sql: Sql) -> None:
    with pytest.raises(DBAPIError, match="books of this month are closed"):
        sql(_ENTRY.format("2025-12"))


def test_what_happened_in_a_closed_month_comes_into_a_later_one(sql: Sql) -> None:
    sql(_ENTRY.format("2026-01"))
    assert len(sql("SELECT id FROM money_movements WHERE month = '2025-12'")) == 1
