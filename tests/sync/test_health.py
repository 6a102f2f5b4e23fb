"""Health: ok, degraded with violations or stale runs, failing when the database is unfit."""

import time
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest
from flask import Flask

from lms import create_app, sync
from lms.db import db
from lms.models.record import MOST_ATTEMPTS
from lms.questions import Probe
from lms.sync import Health
from lms.sync.health import probes
from tests.conftest import Sql
from tests.databases import settings
from tests.patience import PATIENCE, comes
from tests.statements import sent_to
from tests.sync.conftest import Injure
from tests.sync.school import School


def test_a_sound_school_is_well(school: School) -> None:
    health = sync.health()
    assert health.status == "ok"
    assert health.problems == []
    assert health.database.is_writable
    assert health.database.latency_ms is not None


def test_violations_degrade_it_until_they_are_repaired(school: School, injure: Injure) -> None:
    injure(school, "progress_drift")
    health = sync.health()
    assert health.status == "degraded"
    assert health.violations["progress_drift"] == 1
    sync.auto_fix(by=school.grace)
    assert sync.health().status == "ok"
    assert sync.health().last_auto_fix is not None


def test_the_full_validation_is_not_repeated_at_every_call(school: School) -> None:
    first = sync.health().last_validation
    assert sync.health().last_validation == first


def test_a_worker_that_stopped_degrades_it(school: School, sql: Sql) -> None:
    sync.auto_fix(by=school.grace)
    sql("UPDATE sync_runs SET finished_at = :then", then="2026-01-01 00:00:00.000000")
    health = sync.health()
    assert health.status == "degraded"
    assert any("worker" in problem for problem in health.problems)


def test_an_email_given_up_degrades_it(school: School, sql: Sql) -> None:
    sql(
        "INSERT INTO outbox_emails (key, recipient, subject, body, attempts)"
        f" VALUES ('k', 'a@b.example', 's', 'b', {MOST_ATTEMPTS})"
    )
    health = sync.health()
    assert health.status == "degraded"
    assert health.failed_emails == 1


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("rules", "Not checked yet: the database's constraints."),
        ("writing", "Not checked yet: whether the database can be written to."),
    ],
)
def test_what_has_not_been_answered_yet_is_a_doubt(
    school: School, asked: str, problem: str
) -> None:
    sync.known()
    answers = Event()
    getattr(probes(), asked).ask(lambda: answers.wait(PATIENCE))
    found: list[Health] = []

    def is_judged() -> bool:
        found.append(sync.health_soon(time.monotonic() + 0.5))
        return found[-1].last_validation is not None

    try:
        assert comes(is_judged)
    finally:
        answers.set()
    assert problem in found[-1].problems
    assert found[-1].status == "degraded"


def test_a_database_that_says_nothing_is_failing_once_it_has_been_silent_long_enough(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("lms.sync.health"), "SILENT_SECONDS", 0.2)
    answers, asked = Event(), cast("Probe[Any]", probes().school)
    asked.ask(lambda: answers.wait(PATIENCE))
    try:
        assert sync.health_soon(time.monotonic()).status == "degraded"
        assert comes(lambda: sync.health_soon(time.monotonic()).status == "failing")
    finally:
        answers.set()
        _hear_all()


def _hear_all() -> None:
    """Wait for what is being asked: a thread that is left keeps its connection open."""
    asked = probes()
    for probe in (asked.school, asked.rules, asked.writing):
        probe.heard(time.monotonic() + PATIENCE)


def test_what_was_asked_as_a_process_began_is_known_at_the_first_call(school: School) -> None:
    sync.known()
    sync.ask_health()
    _hear_all()
    with sent_to(db.engine) as sent:
        health = sync.health_soon(time.monotonic())
    _hear_all()
    assert health.status == "ok"
    assert not [each for each in sent if "versions" in each.text and "INSERT" in each.text]


def test_a_write_is_tried_once_in_a_while_whoever_asks(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("lms.sync.health"), "_RECENT_SECONDS", 3600)
    sync.known()
    with sent_to(db.engine) as sent:
        for _ in range(2):
            assert sync.health().database.is_writable
            assert sync.health_soon(time.monotonic() + PATIENCE).database.is_writable
    assert len([each for each in sent if "INSERT INTO versions" in each.text]) == 1


def test_a_missing_trigger_is_failing(school: School, sql: Sql) -> None:
    on_table = " ON enrollments" if db.engine.dialect.name == "postgresql" else ""
    name = "enrollments_supersede" + ("" if on_table else "_insert")
    sql(f"DROP TRIGGER {name}{on_table}")
    health = sync.health()
    assert health.status == "failing"
    assert name in health.database.missing


def test_missing_unique_constraints_are_failing(school: School, injure: Injure) -> None:
    injure(school, lambda damage, _: damage.lift("student_progress"))
    assert sync.health().status == "failing"


def test_a_database_that_is_away_is_failing(app: Flask, tmp_path: Path) -> None:
    away = create_app(settings(f"sqlite:///{tmp_path / 'none' / 'here.db'}"))
    with away.app_context():
        health = sync.health()
    assert health.status == "failing"
    assert not health.database.is_writable
    answer = away.test_client().get("/api/sync/health")
    assert answer.status_code == 503
    assert answer.get_json() == {"status": "failing"}
