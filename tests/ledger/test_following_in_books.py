"""The books go by another zone from the next month on, whatever happens at the same moment."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from lms import payments, sync
from lms.db import at, db
from lms.enrollment import intake
from lms.enrollment.school import apply_settings
from lms.ledger import clocks
from lms.ledger.closing import close
from lms.ledger.locks import lock_course
from lms.ledger.months import Month
from lms.ledger.movements import book
from lms.payments.recording import record_refund
from lms.queries.analytics.period import period
from lms.queries.books import report
from lms.refusals import Invalid
from lms.serve import prepare
from lms.times import start_of
from lms.transaction import transactional
from tests.builders import a_course, a_student, an_admin
from tests.commands import run
from tests.conftest import Sql
from tests.ledger.test_clocks import WAIT_AT_ALL
from tests.patience import comes
from tests.payments.test_raw_money import insert
from tests.zones import booked_by_utc, kept_clocks, move, sell

pytestmark = pytest.mark.usefixtures("context")
POSTGRESQL = pytest.mark.parametrize("server", ["postgresql"], indirect=True)
OCTOBER = Month(2026, 10)
IN_BETWEEN = datetime(2026, 10, 31, 20, tzinfo=UTC)
"""November in Auckland, October in New York."""
AUCKLAND, NEW_YORK = "Pacific/Auckland", "America/New_York"


@POSTGRESQL
def test_who_closes_first_a_month_leaves_it_over_whatever_zone_comes(
    sql: Sql, context: Flask
) -> None:
    admin = move(sql, AUCKLAND)
    moving = _waiting(sql, context, lambda: move(sql, NEW_YORK, by=admin))

    @transactional
    def close_meanwhile(session: Session) -> None:
        assert close(session, OCTOBER, by=admin)
        moving.begin()

    with at(IN_BETWEEN):
        close_meanwhile()
        moving.end()
        assert kept_clocks().is_over(OCTOBER)
        sell(IN_BETWEEN, by=admin)
        assert kept_clocks().zone(Month(2026, 12)) == NEW_YORK
    assert moving.refused == []


@POSTGRESQL
def test_who_gets_another_zone_first_leaves_no_month_to_close_that_goes_on(
    sql: Sql, context: Flask
) -> None:
    admin = move(sql, AUCKLAND)
    closing = _waiting(sql, context, lambda: payments.close_month(OCTOBER, by=admin))

    @transactional
    def move_meanwhile(session: Session) -> None:
        apply_settings(session, {"time_zone": NEW_YORK}, seen=None, by=admin)
        closing.begin()

    with at(IN_BETWEEN):
        move_meanwhile()
        closing.end()
        assert kept_clocks().present == OCTOBER
    assert len(closing.refused) == 1
    assert sql("SELECT * FROM closed_months") == []


class _waiting:  # noqa: N801 - called like a function
    """What another does at the same moment, over a connection of its own, and has to wait for."""

    def __init__(self, sql: Sql, app: Flask, action: Callable[[], object]) -> None:
        self.refused: list[Invalid] = []
        self._sql, self._app, self._action = sql, app, action
        self._thread = threading.Thread(target=self._run)

    def begin(self) -> None:
        self._thread.start()
        assert comes(lambda: self._sql(WAIT_AT_ALL))

    def end(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        with self._app.app_context(), at(IN_BETWEEN):
            try:
                self._action()
            except Invalid as refusal:
                self.refused.append(refusal)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM book_clocks",
        "DELETE FROM book_clocks WHERE begins_at > '2026-12-20'",
        "UPDATE book_clocks SET zone = 'Europe/Paris' WHERE begins_at > '2026-12-01'",
        "UPDATE book_clocks SET ahead_seconds = 0 WHERE begins_at > '2026-12-01'",
    ],
)
def test_books_that_would_go_by_other_clocks_are_found_and_follow_again(
    sql: Sql, change: str
) -> None:
    _set_again(sql, change)


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE book_clocks SET begins_at = replace(begins_at, ' ', 'T')",
        "UPDATE book_clocks SET begins_at = substr(begins_at, 1, 19)",
    ],
)
def test_clocks_of_the_books_that_only_read_right_are_set_again(sql: Sql, change: str) -> None:
    _set_again(sql, change)


def _set_again(sql: Sql, change: str) -> None:
    admin, moment = an_admin(), datetime(2026, 11, 20, tzinfo=UTC)
    with at(moment):
        sell(moment - timedelta(days=30), by=admin)
        move(sql, AUCKLAND, by=admin)
        before, rows = kept_clocks(), sql("SELECT * FROM book_clocks ORDER BY begins_at")
        assert sync.validate().ok
        db.session.rollback()
        sql(change)
        [found] = [check for check in sync.validate().checks if check.count]
        assert (found.kind, found.count) == ("clocks_drift", 1)
        assert found.sample[0].expected == f"months in {AUCKLAND}"
        db.session.rollback()
        assert not any(sync.auto_fix(by=None).remaining.values())
        assert (kept_clocks(), sync.validate().ok) == (before, True)
    assert sql("SELECT * FROM book_clocks ORDER BY begins_at") == rows


AROUND_MIDNIGHT = [datetime(2026, 10, 31, hour, 30, tzinfo=UTC) for hour in (22, 23)]
"""The last hour of October in Berlin, and the first one of November."""


_COMMANDS = ["flask sync auto-fix", "flask db upgrade"]


@pytest.mark.parametrize(
    ("by", "lost"),
    [
        *((by, ("book_clocks",)) for by in ("a start", "a worker", *_COMMANDS)),
        *((by, ("book_clocks", "clock_changes")) for by in ("a start", "a worker")),
    ],
)
def test_lost_clocks_come_back_from_the_next_month_on_and_nothing_moves(
    sql: Sql, context: Flask, monkeypatch: pytest.MonkeyPatch, by: str, lost: tuple[str, ...]
) -> None:
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", AUCKLAND)
    prepare(with_demo=False)
    sell(IN_BETWEEN, by=an_admin())
    entries = sql("SELECT * FROM money_movements")
    with at(datetime(2026, 11, 20, tzinfo=UTC)):
        for table in lost:
            sql(f"DELETE FROM {table}")
        assert sync.validate().counts["clocks_drift"] == len(lost)
        db.session.rollback()
        _bring_back(context, by)
        november, found = Month(2026, 11), kept_clocks()
        assert found.end(november) == november.next.midnight
        assert found.end(november.next) == start_of(date(2027, 1, 1), AUCKLAND)
        assert sync.validate().ok
        db.session.rollback()
        transactional(book)([1])
    assert sql("SELECT * FROM money_movements") == entries


@pytest.mark.parametrize("by", _COMMANDS)
def test_a_shell_with_a_zone_moves_no_portal_that_keeps_utc(
    sql: Sql, context: Flask, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    prepare(with_demo=False)
    sell(IN_BETWEEN, by=an_admin())
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", AUCKLAND)
    _bring_back(context, by)
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", "")
    assert sql("SELECT * FROM book_clocks") == []
    assert sync.validate().ok


def _bring_back(app: Flask, by: str) -> None:
    if by == "a start":
        prepare(with_demo=False)
    elif by == "a worker":
        assert sync.ZoneFollower().follow()
    else:
        assert run(app, *by.split()[1:]).exit_code == 0


@pytest.mark.parametrize("shell", ["", AUCKLAND])
@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM book_clocks",
        "DELETE FROM clock_changes",
        "UPDATE book_clocks SET zone = 'Nowhere/Else'",
        "UPDATE book_clocks SET ahead_seconds = 0 WHERE begins_at > '2026-12-01'",
    ],
)
def test_a_command_brings_back_clocks_of_the_zone_that_is_followed_whatever_shell_it_has(
    sql: Sql, context: Flask, monkeypatch: pytest.MonkeyPatch, change: str, shell: str
) -> None:
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", AUCKLAND)
    prepare(with_demo=False)
    sell(IN_BETWEEN, by=an_admin())
    with at(datetime(2026, 11, 20, tzinfo=UTC)):
        sql(change)
        monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", shell)
        assert "clocks_drift: 1" in run(context, "sync", "auto-fix").stdout
        monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", AUCKLAND)
        assert (sync.validate().ok, kept_clocks().zone(Month(2027, 1))) == (True, AUCKLAND)


def test_a_command_trusts_its_zone_where_either_the_days_or_the_books_have_it(
    sql: Sql, context: Flask
) -> None:
    admin = move(sql, AUCKLAND)
    sell(IN_BETWEEN, by=admin)
    with at(datetime(2026, 11, 20, tzinfo=UTC)):
        sql("UPDATE book_clocks SET zone = 'Europe/Paris'")
        assert "clocks_drift: 1 repaired" in run(context, "sync", "auto-fix").stdout
        assert (sync.validate().ok, kept_clocks().zone(Month(2027, 1))) == (True, AUCKLAND)


def test_after_a_month_was_closed_by_lost_clocks_the_next_one_begins_in_utc(sql: Sql) -> None:
    admin, december = move(sql, AUCKLAND), Month(2026, 12)
    with at(datetime(2026, 11, 30, 11, 30, tzinfo=UTC)):
        payments.close_month(december.previous, by=admin)
        sql("DELETE FROM book_clocks")
        assert not any(sync.auto_fix(by=None).remaining.values())
        found = kept_clocks()
        assert (found.present, found.begin(december)) == (december, december.midnight)
        assert found.end(december) == start_of(date(2027, 1, 1), AUCKLAND)
        assert sync.validate().ok


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
            sql("UPDATE payments SET paid_at = :at", at=_stored(moment))
            transactional(book)([1])
    booked = sql("SELECT month, sum(amount_cents) FROM money_movements GROUP BY month")
    there = str(kept_clocks().month(moments[0]))
    assert {name: total for name, total in booked if total} == {there: 4900}
    assert sql("SELECT count(*) FROM money_movements") == [(5,)]


def test_where_the_present_month_is_closed_money_is_booked_in_the_one_after_it(sql: Sql) -> None:
    admin, november, december = move(sql, AUCKLAND), Month(2026, 11), Month(2026, 12)
    closed_at = datetime(2026, 11, 30, 11, 30, tzinfo=UTC)
    with at(closed_at):
        assert payments.close_month(november, by=admin)
    sql("DELETE FROM book_clocks")  # so that November goes on to its end in UTC
    with at(closed_at + timedelta(hours=1)):
        assert kept_clocks().month(closed_at) == november
        sell(closed_at + timedelta(hours=1), by=admin)
        assert (kept_clocks().present, kept_clocks().is_over(november)) == (december, True)
        [line] = report(december).lines
        assert (line.month, line.is_correction) == ("2026-11", True)
        assert report(december).unexplained_entries == []
        db.session.rollback()
        number = insert(sql, a_student(), a_course(), paid_at=_stored(closed_at))
        [found] = [
            each for each in report(december).unexplained_entries if each.payment_id == number
        ]
        assert found.kind == "not_booked"
        db.session.rollback()
        assert not payments.close_month(november, by=admin)
        with pytest.raises(Invalid, match="December 2026 isn't over yet"):
            payments.close_month(december, by=admin)
    booked = sql("SELECT payment_id, month, booked_month FROM money_movements ORDER BY id")
    assert {(row.month, row.booked_month) for row in booked} == {("2026-11", "2026-12")}
    assert [row.payment_id for row in booked] == [number - 1, number]


def test_a_month_to_come_that_is_closed_by_hand_ends_none_before_it(sql: Sql) -> None:
    admin, moment, november = an_admin(), datetime(2026, 11, 10, tzinfo=UTC), Month(2026, 11)
    sql("INSERT INTO closed_months (month) VALUES ('2027-06')")
    with at(moment):
        assert kept_clocks().present == november
        with pytest.raises(Invalid, match="November 2026 isn't over yet"):
            payments.close_month(november, by=admin)
        sell(moment, by=admin)
        move(sql, AUCKLAND, by=admin)
        assert kept_clocks().zone(november.next.next) == AUCKLAND
    assert [row.booked_month for row in sql("SELECT booked_month FROM money_movements")] == [
        "2026-11"
    ]


def _stored(moment: datetime) -> str:
    spelled = moment.isoformat(" ", "microseconds")
    return spelled if db.engine.dialect.name == "postgresql" else spelled.removesuffix("+00:00")


def test_a_worker_sets_clocks_of_the_books_again(sql: Sql) -> None:
    admin = move(sql, AUCKLAND)
    sell(IN_BETWEEN, by=admin)
    before, days = kept_clocks(), sql("SELECT * FROM clock_changes")
    sql("DELETE FROM book_clocks WHERE begins_at > '2090-01-01'")
    follower = sync.ZoneFollower()
    assert [follower.follow(), follower.follow()] == [True, False]
    assert (kept_clocks(), sql("SELECT * FROM clock_changes")) == (before, days)


def test_the_command_tells_times_by_the_clocks_of_the_month(sql: Sql, context: Flask) -> None:
    admin, moment = move(sql, AUCKLAND), datetime(2026, 10, 31, 12, tzinfo=UTC)
    sell(moment, by=admin)
    sql("UPDATE payments SET subtotal_cents = 1")
    with at(moment + timedelta(days=30)):
        printed = run(context, "payments", "books", "2026-11", "--close").stdout
    closed = "closed on 1 December 2026, 01:00 (Auckland time, UTC+13)."
    assert f"(Pacific/Auckland), {closed}" in printed
    assert "  2026-11-01 payment 1 €49.00: The subtotal," in printed


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("start", ["flask db upgrade", "flask serve"])
def test_whoever_starts_has_empty_books_follow_the_zone_of_the_environment(
    context: Flask, monkeypatch: pytest.MonkeyPatch, start: str, is_big: bool
) -> None:
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", AUCKLAND)
    if is_big:
        monkeypatch.setattr(clocks, "MOST_AT_ONCE", -1)
    if start == "flask serve":
        prepare(with_demo=False)
    else:
        assert run(context, "db", "upgrade").exit_code == 0
    assert kept_clocks().zone(OCTOBER) == AUCKLAND
    assert period(None, None).time_zone == ("UTC" if is_big else AUCKLAND)


@pytest.mark.parametrize("command", ["flask db upgrade", "an import", "flask sync auto-fix"])
@pytest.mark.parametrize("is_booked", [True, False])
def test_a_command_of_a_shell_without_the_zone_leaves_the_books_to_the_portal(
    sql: Sql, context: Flask, monkeypatch: pytest.MonkeyPatch, command: str, is_booked: bool
) -> None:
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", AUCKLAND)
    prepare(with_demo=False)
    if is_booked:
        sell(IN_BETWEEN, by=an_admin())
    before, days = kept_clocks(), sql("SELECT * FROM clock_changes")
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", "")
    if command == "an import":
        transactional(intake.lock_school)()
    elif command == "flask db upgrade":
        assert run(context, "db", "upgrade").exit_code == 0
    else:
        insert(sql, a_student(), a_course(), paid_at=_stored(IN_BETWEEN))
        assert "books_lack_money: 1 repaired" in run(context, "sync", "auto-fix").stdout
        assert "clocks_drift" not in run(context, "sync", "validate").stdout
    assert (kept_clocks(), sql("SELECT * FROM clock_changes")) == (before, days)


@POSTGRESQL
def test_an_import_locks_sums_after_courses_as_whoever_enrolls(
    sql: Sql, context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = a_course()
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", AUCKLAND)
    importing = _waiting(sql, context, transactional(intake.lock_school))

    @transactional
    def enroll_meanwhile(session: Session) -> None:
        lock_course(session, course, "seats")
        importing.begin()
        session.execute(text("LOCK TABLE daily_counts IN ROW EXCLUSIVE MODE NOWAIT"))

    enroll_meanwhile()
    importing.end()
    assert kept_clocks().zone(OCTOBER) == AUCKLAND
