"""Money that is not in the books, and entries that nothing says any more."""

from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import LONG_AGO, School, a_payment


@injection(undo="partly")
def books_lack_money(d: Damage, s: School) -> None:
    """Two payments of an earlier system, of which only one is in the books, and twice."""
    for status in ("undeliverable", "undeliverable"):
        number = a_payment(d, s.bob, s.botany, status)
    d.run(
        "INSERT INTO money_movements (payment_id, kind, amount_cents, currency, happened_at,"
        " month, booked_month) VALUES (?, 'taken', 1800, 'eur', ?, '2026-01', '2026-01')",
        *(number, LONG_AGO),
    )
