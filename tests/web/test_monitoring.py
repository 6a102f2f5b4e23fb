"""What operators watch: every figure that the alert rules and the dashboard name is there."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import QueuePool, create_engine
from sqlalchemy.exc import OperationalError

from lms import enrollment, metrics, moving, sync
from lms.db import db, writer
from tests import debian
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.patience import PATIENCE
from tests.web.browser import Browser
from tests.web.conftest import Act

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "monitoring"


def _figures(admin: Browser) -> dict[str, Metric]:
    text = admin.get("/metrics").text
    return {family.name: family for family in text_string_to_metric_families(text)}


def _value(family: Metric, **labels: str) -> float:
    [found] = [each.value for each in family.samples if each.labels == labels]
    return float(found)


def test_what_waits_is_told_with_its_age_and_what_does_not_wait_has_none(
    admin: Browser, act: Act, sql: Sql
) -> None:
    act(sync.validate_anew)
    assert "portal_oldest_request_timestamp_seconds" not in _figures(admin)
    act(lambda: enrollment.request_access(a_student(), a_course()))
    sql("UPDATE access_requests SET created_at = '2026-05-03 10:00:00+00'")
    found = _figures(admin)
    assert _value(found["portal_requests_waiting"]) == 1
    moment = _value(found["portal_oldest_request_timestamp_seconds"])
    assert moment == pytest.approx(1777802400)
    assert _value(found["portal_health"], status="ok") == 1
    assert _value(found["portal_database_writable"]) == 1


def test_an_email_that_was_given_up_waits_no_more(admin: Browser, act: Act, sql: Sql) -> None:
    act(sync.validate_anew)
    sql(
        "INSERT INTO outbox_emails (key, recipient, subject, body, created_at)"
        " VALUES ('k', 'sam@example.org', 's', 'b', '2026-05-03 10:00:00+00')"
    )
    assert "portal_oldest_email_timestamp_seconds" in _figures(admin)
    sql("UPDATE outbox_emails SET attempts = 12")
    found = _figures(admin)
    assert "portal_oldest_email_timestamp_seconds" not in found
    assert _value(found["portal_emails_failed"]) == 1


def test_a_refusal_is_counted_by_its_code(admin: Browser, student: Browser, act: Act) -> None:
    def refused() -> float:
        samples = _figures(admin)["portal_refusals"].samples
        return sum(each.value for each in samples if each.labels == {"code": "forbidden"})

    before = refused()
    assert student.get("/admin/requests").status_code == 403
    assert refused() == before + 1


def test_connections_in_use_are_told_and_given_back(admin: Browser, act: Act) -> None:
    def in_use() -> float:
        return _value(_figures(admin)["portal_database_connections"], setting="DATABASE_URL")

    before = in_use()
    assert in_use() == before

    def reading() -> float:
        with db.engine.connect(), writer(db.engine).connect():
            return in_use()

    assert act(reading) == before + 2
    assert in_use() == before


def test_a_connection_that_cannot_be_made_is_not_one_less(tmp_path: Path) -> None:
    def connect() -> sqlite3.Connection:
        if is_away:
            raise sqlite3.OperationalError("unable to open database file")
        return sqlite3.connect(tmp_path / "some.db")

    is_away = False
    engine = create_engine(
        "sqlite://", creator=connect, poolclass=QueuePool, pool_pre_ping=True, pool_recycle=0
    )
    metrics.count_connections("NONE", engine)
    with engine.connect() as connection:
        assert _in_use("NONE") == 1
        connection.invalidate()
    is_away = True
    for _ in range(3):
        with pytest.raises(OperationalError):
            engine.connect()
    assert _in_use("NONE") == 0
    is_away = False
    with engine.connect():
        assert _in_use("NONE") == 1
    engine.dispose()


def _in_use(setting: str) -> float:
    families = text_string_to_metric_families(metrics.exposition().decode())
    [family] = [each for each in families if each.name == "portal_database_connections"]
    return _value(family, setting=setting)


def test_a_process_that_was_killed_has_no_connection_in_use(tmp_path: Path) -> None:
    killed = """
import os, signal
from lms import metrics
from pathlib import Path
with metrics.shared_between_processes(Path(os.environ["PLACE"]), "x"):
    child = os.fork()
    if not child:
        metrics._connections.labels("DATABASE_URL").inc(3)
        metrics.count_refusal("full")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    metrics._connections.labels("DATABASE_URL").inc()
    print(metrics.exposition().decode())
"""
    done = subprocess.run(
        [sys.executable, "-c", killed],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "PLACE": str(tmp_path)},
        text=True,
    )
    assert 'portal_database_connections{setting="DATABASE_URL"} 1.0' in done.stdout
    assert 'portal_refusals_total{code="full"} 1.0' in done.stdout


@pytest.fixture
def school_of_waiting(
    app: Flask, act: Act, sql: Sql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A school in which each kind of work waits, on a machine that has made a backup."""
    monkeypatch.setattr(app, "instance_path", str(tmp_path))
    act(sync.auto_fix, by=None)
    act(lambda: enrollment.request_access(a_student(), a_course()))
    sql(
        "INSERT INTO outbox_emails (key, recipient, subject, body)"
        " VALUES ('k', 'sam@example.org', 's', 'b')",
        "INSERT INTO roster_uploads (source, is_short, digest, content)"
        f" VALUES ('pasted', true, '{'0' * 64}', '')",
        "INSERT INTO sync_attention (kind, table_name, row_id, reason)"
        " VALUES ('progress_drift', 'enrollments', 1, 'why')",
    )
    act(sync.validate_anew)
    moving.note_backup(tmp_path)
    metrics.count_left_standby("the standby is behind")
    metrics.count_full("/login")


@pytest.mark.usefixtures("school_of_waiting")
def test_the_rules_and_the_dashboard_name_figures_that_there_are(admin: Browser) -> None:
    text = admin.get("/metrics").text
    named = set()
    for file in ("alerts.yml", "dashboard.json"):
        named |= set(re.findall(r"\bportal_\w+", (FOLDER / file).read_text("utf-8")))
    assert len(named) > 15
    assert {each for each in named if not re.search(rf"^{each}\b", text, re.MULTILINE)} == set()


def test_prometheus_takes_the_rules_and_they_fire_when_they_should() -> None:
    promtool = debian.program("promtool")
    for words in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        ran = subprocess.run(
            [promtool, *words],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
