"""Which month's books money is in: by the clocks of the books, however its time is spelled."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from lms import sync
from lms.db import at, db
from lms.ledger.months import Month
from lms.payments import close_month
from lms.queries.books import report
from lms.refusals import Invalid
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.payments.test_raw_money import insert
from tests.spellings import other_forms, rare_forms
from tests.zones import booked_by_utc, kept_clocks, move, sell

pytestmark = pytest.mark.usefixtures("context")
OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)
LATER = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York", "Asia/Kathmandu"])
def test_how_a_time_is_spelled_brings_no_money_into_another_month(sql: Sql, zone: str) -> None:
    move(sql, zone)
    expected = _around_the_end_of_october(sql, zone)
    with at(LATER):
        for month in (OCTOBER, NOVEMBER):
            _check(month, expected)
        close_month(OCTOBER, by=None)
        _check(OCTOBER, expected)
        assert report(OCTOBER).unexplained_entries == []
        db.session.rollback()
        assert not any(sync.auto_fix(by=None).remaining.values())
        _check(NOVEMBER, expected)
    booked = sql("SELECT payment_id, month, booked_month FROM money_movements")
    assert {(row.payment_id, row.month, row.booked_month) for row in booked} == {
        (number, month, month) for number, month in expected.items()
    }


def _around_the_end_of_october(sql: Sql, zone: str) -> dict[int, str]:
    """Insert payments past the verbs; return in which month each is."""
    clocks, random, found = kept_clocks(), Random(zone), {}  # noqa: S311 - no secret
    ends_at, student = clocks.end(OCTOBER), a_student()
    for hours in (-26, -14, -6, -1, 0, 1, 6, 14, 26):
        moment = ends_at + timedelta(hours=hours)
        spellings = [moment.isoformat(" ", "microseconds")]
        if db.engine.dialect.name == "sqlite":
            own = spellings[0].removesuffix("+00:00")
            spellings = [own, *other_forms(moment, random), *rare_forms(moment)]
        for spelled in spellings:
            number = insert(sql, student, a_course(), created_at=spelled, paid_at=spelled)
            found[number] = str(clocks.month(moment))
    sql("UPDATE payments SET status = 'undeliverable', subtotal_cents = amount_cents")
    return found


def _check(month: Month, expected: dict[int, str]) -> None:
    found = {line.payment_id: line.month for line in report(month).lines}
    db.session.rollback()
    assert found == {number: each for number, each in expected.items() if each == str(month)}


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York"])
def test_what_contradicts_itself_is_unexplained_in_its_month_alone(sql: Sql, zone: str) -> None:
    move(sql, zone)
    expected = _around_the_end_of_october(sql, zone)
    sql("UPDATE payments SET subtotal_cents = 1")
    with at(LATER):
        for month in (OCTOBER, NOVEMBER):
            entries = report(month).unexplained_entries
            db.session.rollback()
            found = {each.payment_id for each in entries if each.kind == "parts_differ"}
            assert found == {number for number, each in expected.items() if each == str(month)}


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "spelled", ["20261031T223000Z", "2026-W44-6T22:30:00Z", "2026W446 233000+01"]
)
def test_a_time_that_no_search_for_a_month_finds_is_spelled_as_usual(
    sql: Sql, spelled: str
) -> None:
    move(sql, "Europe/Berlin")
    insert(sql, a_student(), a_course(), paid_at=spelled)
    with at(LATER):
        assert sync.validate().counts["unreadable_date"] == 1
        db.session.rollback()
        assert not any(sync.auto_fix(by=None).remaining.values())
        assert [line.month for line in report(OCTOBER).lines] == ["2026-10"]
    assert sql("SELECT paid_at FROM payments") == [("2026-10-31 22:30:00.000000",)]


@pytest.mark.parametrize(
    ("zone", "paid_at"),
    [
        ("America/New_York", "1970-01-01 04:59:59.000000"),
        ("Pacific/Auckland", "1969-12-31 23:59:59.000000"),
    ],
)
def test_money_from_before_all_months_is_dated_anew(sql: Sql, zone: str, paid_at: str) -> None:
    move(sql, zone)
    number = insert(sql, a_student(), a_course(), paid_at=paid_at)
    [found] = [each for each in sync.validate().checks if each.kind == "impossible_date"]
    assert found.count == 1
    db.session.rollback()
    assert sync.auto_fix(by=None).fixed["impossible_date"] == 1
    [line] = report(OCTOBER).lines
    assert (line.payment_id, line.month) == (number, "2026-10")


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "paid_at",
    ["294276-12-30 12:00+00", "294276-12-31 01:00+00", "4714-11-24 12:00+00 BC"],
)
def test_money_near_the_ends_of_all_times_stops_no_repair(sql: Sql, paid_at: str) -> None:
    move(sql, "Pacific/Auckland")
    insert(sql, a_student(), a_course(), paid_at=paid_at)
    assert not sync.validate().ok
    db.session.rollback()
    assert not any(sync.auto_fix(by=None).remaining.values())
    db.session.rollback()
    assert sync.validate().ok


def test_money_of_a_kept_month_that_is_closed_is_shown_where_it_will_be_booked(sql: Sql) -> None:
    move(sql, "Pacific/Auckland")
    booked_by_utc(sql, datetime(2026, 10, 31, 12, tzinfo=UTC))  # in October, though in November
    with at(LATER):
        close_month(OCTOBER, by=None)
        sql("UPDATE payments SET amount_cents = amount_cents + 1000, subtotal_cents = 5900")
        [line] = report(NOVEMBER).lines
    assert (line.amount_cents, line.month, line.is_correction) == (1000, "2026-10", True)


def test_the_first_moment_of_all_months_is_as_good_as_any(sql: Sql) -> None:
    admin = move(sql, "America/New_York")
    begins_at = datetime(1970, 1, 1, 5, tzinfo=UTC)
    with pytest.raises(Invalid, match="1970 or later"):
        sell(begins_at - timedelta(microseconds=1), by=admin, until=LATER)
    sell(begins_at, by=admin, until=LATER)
    with at(LATER):
        assert not any(sync.validate().counts.values())
    assert [row.month for row in sql("SELECT month FROM money_movements")] == ["1970-01"]


@pytest.mark.parametrize("closed", [(9, 10), (9,), (10,), (9, 11), ()])
def test_what_changes_of_closed_months_alone_is_seen_in_the_present_one(
    sql: Sql, closed: tuple[int, ...]
) -> None:
    admin = move(sql, "Pacific/Auckland")
    for month in (9, 10, 11):
        sell(datetime(2026, month, 15, tzinfo=UTC), by=admin)
    with at(datetime(2026, 12, 20, tzinfo=UTC)):
        for month in closed:
            close_month(Month(2026, month), by=admin)
        sql("UPDATE payments SET amount_cents = 5900, subtotal_cents = 1")
        found = report(Month(2026, 12))
    late = {month - 8 for month in closed}
    assert {line.payment_id for line in found.lines} == late
    seen = [each for each in found.unexplained_entries if each.kind == "parts_differ"]
    assert {each.payment_id for each in seen} == late
