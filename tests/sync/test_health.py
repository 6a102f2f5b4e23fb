"""Health: ok, degraded with violations or stale runs, failing when the database is unfit."""

from pathlib import Path

from flask import Flask

from lms import create_app, sync
from lms.db import db
from lms.models.record import MOST_ATTEMPTS
from tests.conftest import Sql
from tests.databases import settings
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
