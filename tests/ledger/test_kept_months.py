"""What is booked keeps its month, however clocks go now."""

from datetime import UTC, datetime

import pytest

from lms import payments, sync
from lms.db import at, db
from lms.ledger.months import Month
from lms.ledger.movements import book
from lms.payments.recording import record_refund
from lms.queries.books import report
from lms.transaction import transactional
from tests.builders import an_admin
from tests.conftest import Sql
from tests.zones import (
    AROUND_MIDNIGHT,
    AUCKLAND,
    OCTOBER,
    booked_by_utc,
    kept_clocks,
    move,
    sell,
    stored,
)

pytestmark = pytest.mark.usefixtures("context")


def test_money_stays_where_it_was_booked_by_clocks_that_nobody_knows_any_more(sql: Sql) -> None:
    admin, december = an_admin(), Month(2026, 12)
    for moment in AROUND_MIDNIGHT:
        sell(moment, by=admin)  # in October, by UTC
    with at(datetime(2026, 11, 2, tzinfo=UTC)):
        payments.close_month(OCTOBER, by=admin)
        move(sql, "Europe/Berlin", by=admin)
    new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # in Berlin
    sell(new_year, by=admin)
    entries = sql("SELECT * FROM money_movements ORDER BY id")
    assert [entry.month for entry in entries] == ["2026-10", "2026-10", "2027-01"]
    sql("DELETE FROM book_clocks")
    with at(datetime(2027, 1, 10, tzinfo=UTC)):
        assert kept_clocks().month(new_year) == december
        assert report(december).lines == []
        assert [line.payment_id for line in report(december.next).lines] == [3]
        db.session.rollback()
        for payment in (2, 3):  # whatever else is told of them
            record_refund(payment, amount_cents=900, by=admin)
        payments.close_month(december, by=admin)
        assert not any(sync.auto_fix(by=None).remaining.values())
        assert sync.validate().ok
    booked = sql("SELECT * FROM money_movements ORDER BY id")
    assert booked[:3] == entries
    assert [(entry.kind, entry.booked_month) for entry in booked[3:]] == [
        ("refunded", "2027-01")
    ] * 2


def test_what_a_release_before_booked_in_utc_meanwhile_asks_nobody_for_anything(sql: Sql) -> None:
    admin, moment = move(sql, AUCKLAND), datetime(2026, 10, 31, 12, tzinfo=UTC)
    booked_by_utc(sql, moment)
    with at(datetime(2026, 11, 20, tzinfo=UTC)):
        sell(moment, by=admin)
        for _ in range(2):
            assert sync.auto_fix(by=None).total == 0
            assert sync.validate().ok
            db.session.rollback()
            payments.close_month(OCTOBER, by=admin)
        for month, number in ((OCTOBER, 1), (OCTOBER.next, 2)):
            assert [line.payment_id for line in report(month).lines] == [number]
            db.session.rollback()
    booked = sql("SELECT payment_id, month FROM money_movements ORDER BY id")
    assert booked == [(1, "2026-10"), (2, "2026-11")]


def test_what_is_found_out_about_money_is_booked_where_the_money_was(sql: Sql) -> None:
    admin = move(sql, "Europe/Berlin")
    sell(AROUND_MIDNIGHT[1], by=admin)
    sql("UPDATE book_clocks SET ahead_seconds = 0, zone = 'Europe/Lisbon'")
    sql("UPDATE payments SET subtotal_cents = 5900, amount_cents = 5900")
    if db.engine.dialect.name == "sqlite":  # the same time, however it is spelled
        sql("UPDATE payments SET paid_at = replace(paid_at, ' ', 'T') || 'Z'")
    with at(datetime(2026, 11, 20, tzinfo=UTC)):
        transactional(book)([1])
    booked = sql("SELECT month, amount_cents FROM money_movements ORDER BY id")
    assert booked == [("2026-11", 4900), ("2026-11", 1000)]


@pytest.mark.parametrize("earlier", [True, False])
def test_an_entry_moves_once_something_else_is_said_of_when_it_was(sql: Sql, earlier: bool) -> None:
    admin = move(sql, "Europe/Berlin")
    october, november = AROUND_MIDNIGHT
    moments = (november, october) if earlier else (october, november)
    sell(moments[0], by=admin)
    with at(datetime(2026, 11, 20, tzinfo=UTC)):
        for moment in (moments[1], moments[0]):
            sql("UPDATE payments SET paid_at = :at", at=stored(moment))
            transactional(book)([1])
    booked = sql("SELECT month, sum(amount_cents) FROM money_movements GROUP BY month")
    there = str(kept_clocks().month(moments[0]))
    assert {name: total for name, total in booked if total} == {there: 4900}
    assert sql("SELECT count(*) FROM money_movements") == [(5,)]
