"""Whose zone the books follow where a command, which may lack the portal's, begins them."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from lms.db import at
from lms.enrollment import intake
from lms.ledger import clocks
from lms.queries.analytics.period import period
from lms.serve import prepare
from lms.transaction import transactional
from tests.builders import a_course, a_student, an_admin
from tests.commands import run
from tests.conftest import Sql
from tests.payments.test_raw_money import insert
from tests.zones import (
    AUCKLAND,
    IN_BETWEEN,
    OCTOBER,
    kept_clocks,
    move,
    sell,
    stored,
)

pytestmark = pytest.mark.usefixtures("context")


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
        insert(sql, a_student(), a_course(), paid_at=stored(IN_BETWEEN))
        assert "books_lack_money: 1 repaired" in run(context, "sync", "auto-fix").stdout
        assert "clocks_drift" not in run(context, "sync", "validate").stdout
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
