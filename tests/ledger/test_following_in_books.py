"""The books go by another zone from the next month on, whatever happens at the same moment."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from lms import payments
from lms.db import at, db
from lms.enrollment import intake
from lms.enrollment.school import apply_settings
from lms.ledger.closing import close
from lms.ledger.locks import lock_course
from lms.ledger.months import Month
from lms.queries.books import report
from lms.refusals import Invalid
from lms.transaction import transactional
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.ledger.test_clocks import WAIT_AT_ALL
from tests.patience import comes
from tests.payments.test_raw_money import insert
from tests.zones import (
    AUCKLAND,
    IN_BETWEEN,
    NEW_YORK,
    OCTOBER,
    kept_clocks,
    move,
    sell,
    stored,
)

pytestmark = pytest.mark.usefixtures("context")
POSTGRESQL = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


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
        number = insert(sql, a_student(), a_course(), paid_at=stored(closed_at))
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
