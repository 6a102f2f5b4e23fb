"""The latest report: one validation at a time, never older than it says, and never in the way."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from threading import Event, Thread, current_thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from lms import background, enrollment, sync
from lms.db import at, db, now
from lms.refusals import Busy
from lms.sync import reports
from lms.sync.reports import begin, carry_out
from tests.builders import a_student
from tests.conftest import Sql
from tests.forks import exit_code
from tests.patience import PATIENCE, comes
from tests.sync import killed
from tests.sync.conftest import Injure
from tests.sync.school import School
from tests.sync.test_worker import a_worker


def test_of_many_who_begin_at_once_one_does(app: Flask, school: School) -> None:
    with ThreadPoolExecutor(8) as threads:
        begun = [each.result() for each in [threads.submit(_in(app, begin)) for _ in range(16)]]
    assert len([run for run in begun if run is not None]) == 1


def test_who_has_missed_a_validation_begins_none(school: School) -> None:
    seen = sync.known().begun
    sync.validate_anew()
    assert begin(since=seen) is None
    assert begin(since=sync.latest().begun) is not None


def test_a_report_says_that_the_school_has_changed_until_the_next(school: School, sql: Sql) -> None:
    first = sync.known()
    assert first.report is not None
    assert not first.is_outdated
    assert not sync.is_validation_due()
    enrollment.enroll(a_student(), school.algebra, by=school.grace)
    changed = sync.latest()
    assert (changed.report, changed.is_outdated) == (first.report, True)
    sync.validate_when_due()  # which it is not: a busy school is not validated all the time
    assert sync.latest().number == first.number
    _age(sql, seconds=4)
    assert not sync.is_validation_due()
    _age(sql, seconds=6)
    assert sync.is_validation_due()
    sync.validate_when_due()
    second = sync.latest()
    assert second.number > first.number
    assert not second.is_outdated
    assert sql("SELECT count(*) FROM validations")[0][0] == 1


def test_a_long_validation_is_followed_by_a_longer_rest(school: School, sql: Sql) -> None:
    sync.known()
    enrollment.enroll(a_student(), school.algebra, by=school.grace)
    _age(sql, seconds=50, took=3)
    assert not sync.is_validation_due()
    _age(sql, seconds=61, took=3)
    assert sync.is_validation_due()


def test_an_unchanged_school_is_validated_once_per_interval(school: School, sql: Sql) -> None:
    sync.known()
    _age(sql, seconds=290)
    assert not sync.is_validation_due()
    _age(sql, seconds=301)
    assert sync.is_validation_due()


def test_a_time_to_come_puts_nothing_off(school: School, sql: Sql) -> None:
    sync.known()
    _age(sql, seconds=-3600)
    assert sync.is_validation_due()
    sql("UPDATE validations SET finished_at = NULL")
    assert _fresh().is_due


def test_an_old_report_is_no_proof_of_health(app: Flask, school: School) -> None:
    for seconds, status in ((355, "ok"), (365, "degraded")):
        moment = now() - timedelta(seconds=seconds)
        with at(moment):
            _validated()
        health = sync.health()
        assert (health.status, health.last_validation) == (status, moment)
    asks = "Ask whoever runs the portal whether the worker is running."
    assert health.problems == [f"Validation is overdue. {asks}"]
    app.config["LMS_AUTO_FIX_SECONDS"] = 400
    assert sync.health().status == "ok"


def test_a_repair_leaves_the_report_of_what_it_left(school: School, injure: Injure) -> None:
    assert _total(sync.known()) == 0
    injure(school, "progress_drift")
    sync.auto_fix(by=school.grace, dry_run=True)
    assert _total(sync.latest()) == 1
    sync.auto_fix(by=school.grace)
    assert _total(sync.latest()) == 0


def test_an_answer_includes_what_was_committed_before_the_question(
    app: Flask, school: School, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("lms.sync.latest"), "WAIT_SECONDS", PATIENCE)
    asked: list[Future[Any]] = []
    knowing: set[Thread] = set()
    with ThreadPoolExecutor(4) as threads, _listening(lambda: knowing.add(current_thread())):

        def change_and_ask(done: int, total: int) -> None:
            if done == total:
                sql("UPDATE enrollments SET progress = 60 WHERE course_id = :id", id=school.algebra)
                knowing.clear()
                asked.extend(threads.submit(_in(app, sync.validate_anew)) for _ in range(4))
                assert comes(lambda: len(knowing) == 4)  # what has begun when they ask

        run_id = begin()
        assert run_id is not None
        earlier = carry_out(run_id, progress=change_and_ask)
        answers = [each.result(PATIENCE) for each in asked]
    assert earlier.ok
    assert [answer.total for answer in answers] == [1, 1, 1, 1]
    assert len({answer.checked_at for answer in answers}) == 1  # of one and the same validation


def test_nobody_waits_for_ever(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    begin()
    monkeypatch.setattr(import_module("lms.sync.latest"), "WAIT_SECONDS", 0.3)
    with pytest.raises(Busy):
        sync.validate_anew()
    found = sync.health()
    assert (found.status, found.violations, found.last_validation) == ("degraded", {}, None)
    assert found.problems == ["The school hasn't been validated yet."]


def test_the_first_report_keeps_nobody_waiting_for_long(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "PATIENCE_SECONDS", 0.1)
    may_go_on = Event()

    def take_long() -> None:
        if current_thread().name.startswith("validation"):
            may_go_on.wait(PATIENCE)

    with _listening(take_long):
        try:
            assert sync.health().problems == ["The school hasn't been validated yet."]
            assert _fresh().checked == 0
        finally:
            may_go_on.set()
            has_come = comes(lambda: _fresh().report)
    assert has_come
    assert sync.health().status == "ok"


@pytest.mark.parametrize("statement", [2, 4, 6, 9, 40, 64])
def test_a_killed_validation_stands_in_nobodys_way(
    school: School, injure: Injure, database_url: str, statement: int
) -> None:
    injure(school, "progress_drift")
    db.session.rollback()
    assert exit_code(killed.validate, database_url, statement) == killed.ENDED
    assert sync.is_validation_due()
    assert _total(sync.known()) == 1
    assert sync.latest().checked is None


def test_a_silent_one_elsewhere_makes_room_after_its_lease(school: School, sql: Sql) -> None:
    silent = begin()
    assert silent is not None
    sql("UPDATE validations SET owner = 'elsewhere:1'")
    assert begin() is None
    assert sync.latest().checked == 0
    with at(now() + timedelta(seconds=61)):
        assert sync.latest().checked is None
        assert begin() is not None
    carry_out(silent)  # not dead after all: it has nothing to say any more
    assert sync.latest().report is None


def test_it_tells_how_far_it_is(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "BEAT_SECONDS", 0)
    seen = []
    run_id = begin()
    assert run_id is not None

    def look(_done: int, total: int) -> None:
        db.session.rollback()
        seen.append((sync.latest().checked, total))

    carry_out(run_id, progress=look)
    assert seen == [(done, sync.latest().checks) for done in range(sync.latest().checks)]


def test_a_report_of_other_checks_is_none(school: School, sql: Sql) -> None:
    first = sync.known()
    db.session.rollback()
    sql("UPDATE validations SET report = '{\"ok\": true}'")
    assert sync.latest().report is None
    assert sync.known().begun == first.begun  # the rest between two applies
    _age(sql, seconds=6)
    assert sync.known().number > first.number


def test_a_school_that_cannot_be_validated_is_failing(school: School, sql: Sql) -> None:
    sync.known()
    sql("ALTER TABLE certificates RENAME TO lost")
    with pytest.raises(SQLAlchemyError):
        _validated()
    db.session.rollback()
    found = sync.latest()
    assert _total(found) == 0
    assert found.is_impossible
    health = sync.health()
    assert health.status == "failing"
    assert found.problem in health.problems


def test_a_worker_validates_what_has_changed(school: School, database_url: str, sql: Sql) -> None:
    with a_worker(database_url, auto_fix_seconds=0):
        assert comes(lambda: _fresh().report)
        first = _fresh()
        enrollment.enroll(a_student(), school.algebra, by=school.grace)
        _age(sql, seconds=6)  # on a busy machine it took long, so that the next would be far away
        assert comes(lambda: _fresh().number > first.number and not _fresh().is_outdated)


def _in(app: Flask, act: Callable[[], Any]) -> Callable[[], Any]:
    def call() -> Any:
        with app.app_context():
            return act()

    return call


@contextmanager
def _listening(hear: Callable[[], object]) -> Iterator[None]:
    """Call something with each statement that has been executed, in its own thread."""

    def note(*_: Any) -> None:
        hear()

    event.listen(db.engine, "after_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(db.engine, "after_cursor_execute", note)


def _validated() -> None:
    run_id = begin()
    assert run_id is not None
    carry_out(run_id)


def _fresh() -> sync.Latest:
    db.session.rollback()
    return sync.latest()


def _total(found: sync.Latest) -> int:
    assert found.report is not None
    return found.report.total


def _age(sql: Sql, *, seconds: int, took: int = 0) -> None:
    """Let the latest validation have ended this long ago."""
    ended = now() - timedelta(seconds=seconds)
    db.session.rollback()
    sql(
        "UPDATE validations SET started_at = :began, finished_at = :ended",
        began=_stored(ended - timedelta(seconds=took)),
        ended=_stored(ended),
    )


def _stored(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"
