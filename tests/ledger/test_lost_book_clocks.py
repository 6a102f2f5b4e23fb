"""Clocks of the books that were lost or altered come back, and move nothing that is booked."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from lms import payments, sync
from lms.db import at, db
from lms.ledger.months import Month
from lms.ledger.movements import book
from lms.serve import prepare
from lms.times import start_of
from lms.transaction import transactional
from tests.builders import an_admin
from tests.commands import run
from tests.conftest import Sql
from tests.zones import (
    AUCKLAND,
    IN_BETWEEN,
    kept_clocks,
    move,
    sell,
)

pytestmark = pytest.mark.usefixtures("context")


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


def test_a_worker_sets_clocks_of_the_books_again(sql: Sql) -> None:
    admin = move(sql, AUCKLAND)
    sell(IN_BETWEEN, by=admin)
    before, days = kept_clocks(), sql("SELECT * FROM clock_changes")
    sql("DELETE FROM book_clocks WHERE begins_at > '2090-01-01'")
    follower = sync.ZoneFollower()
    assert [follower.follow(), follower.follow()] == [True, False]
    assert (kept_clocks(), sql("SELECT * FROM clock_changes")) == (before, days)
