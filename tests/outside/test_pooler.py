"""The portal behind a real PgBouncer in transaction mode, whose few connections mix all clients."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import flask_migrate
import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text

import lms.db
from lms import create_app, enrollment, schema, sync, worker
from lms.config import ConfigError
from lms.db import at, db, let_go, writer
from lms.models import DailyCount
from lms.postgresql import keeps_sessions
from tests import databases, postgres
from tests.builders import a_chapter, a_course, a_public_course, a_student
from tests.faults.profile import NIGHTLY
from tests.outside.client import Client, newcomer
from tests.pgbouncer import pooler
from tests.server import ROOT, serving

CLIENTS = 4
ROUNDS = {"transaction": 200, "session": 20} if NIGHTLY else {"transaction": 2, "session": 1}
"""How often each client does all that it does, which is 25 requests."""


@contextmanager
def portal(url: str, direct: str) -> Iterator[Flask]:
    """Lend the portal's context, with its addresses through a pooler and past it."""
    app = create_app(databases.settings(url) | {"DATABASE_DIRECT_URL": direct})
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            let_go()


@pytest.fixture
def direct(postgresql: databases.Postgresql) -> Iterator[str]:
    """The address of a migrated database, past the pooler."""
    with postgresql.migrated() as url:
        yield url


@pytest.fixture
def pooled(direct: str) -> Iterator[str]:
    """Its address through a pooler with two connections."""
    with pooler(direct) as url:
        yield url
        assert_nothing_is_left(url, direct)


def assert_nothing_is_left(pooled: str, direct: str) -> None:
    """Check that no session of the pooler kept what a transaction had set."""
    with psycopg.connect(direct, autocommit=True) as server:
        here = "SELECT oid FROM pg_database WHERE datname = current_database()"
        locks = f"SELECT * FROM pg_locks WHERE locktype = 'advisory' AND database = ({here})"
        assert server.execute(locks.encode()).fetchall() == []
        wanted = _session(server)
    for _ in range(4):
        with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as client:
            assert _session(client) == wanted
            assert client.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


def _session(connection: psycopg.Connection) -> list[object]:
    settings = ("search_path", "TimeZone", "lock_timeout", "default_transaction_read_only")
    return [connection.execute(f"SHOW {each}").fetchone() for each in settings]


def test_two_starts_at_once_migrate_through_a_pooler_that_takes_no_settings(
    postgresql: databases.Postgresql,
) -> None:
    with postgresql.empty() as direct, pooler(direct, ignored="options") as pooled:
        addresses = {"DATABASE_URL": pooled, "DATABASE_DIRECT_URL": direct, "SECRET_KEY": "x"}
        starts = [
            subprocess.Popen(
                [sys.executable, "-m", "flask", "db", "upgrade"],
                cwd=ROOT,
                env=os.environ | addresses,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        errors = [start.communicate(timeout=100)[1] for start in starts]
        assert [start.returncode for start in starts] == [0, 0], errors
        with portal(pooled, direct):
            assert schema.missing() == []
        assert_nothing_is_left(pooled, direct)


def test_every_transaction_has_the_portal_s_own_settings(pooled: str, direct: str) -> None:
    shown = "SHOW TimeZone", "SHOW lock_timeout", "SHOW transaction_read_only"
    with portal(pooled, direct):
        for engine, access in ((db.engine, "on"), (writer(db.engine), "off")):
            with engine.connect() as connection:
                found = [connection.scalar(text(each)) for each in shown]
                assert found == ["UTC", "10s", access]


def test_a_pooler_is_told_from_a_server(pooled: str, direct: str) -> None:
    with portal(pooled, direct):
        assert keeps_sessions(lms.db.direct())
        assert not keeps_sessions(db.engine)
    with pooler(direct, mode="session", size=4) as relay, portal(relay, direct):
        assert keeps_sessions(db.engine)


def test_figures_fall_on_the_days_of_utc(pooled: str, direct: str) -> None:
    late = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)  # still the 3rd where the server is
    with portal(pooled, direct):
        with at(late):
            enrollment.enroll(a_student(), a_public_course(), by=None)
        days = db.session.scalars(select(DailyCount.day).distinct())
        assert set(days) == {late.date()}


def test_what_is_missing_is_restored(pooled: str, direct: str) -> None:
    with psycopg.connect(direct, autocommit=True) as server:
        server.execute("DROP TRIGGER enrollments_supersede ON enrollments")
    with portal(pooled, direct) as app:
        told = app.test_cli_runner().invoke(args=["db", "repair-constraints"])
        assert "enrollments_supersede" in told.output
        assert schema.missing() == []


def test_workers_share_the_queue(pooled: str, direct: str) -> None:
    with portal(pooled, direct) as app:
        queue = worker.queue_of(app)
        worker.add_repairs(app, queue)
        worker.repair_at_start(app, datetime.now(UTC))
        assert sync.validate().ok
        queue.storage.enqueue(b"work")
        assert queue.storage.dequeue() == b"work"
        queue.storage.close()


@pytest.mark.parametrize(
    ("options", "second", "words"),
    [
        ({}, "", "DATABASE_URL leads to a connection pooler: set DATABASE_DIRECT_URL"),
        ({"ignored": "options"}, "", "DATABASE_URL leads to a connection pooler"),
        ({}, "pooler", "DATABASE_DIRECT_URL leads to a connection pooler"),
        ({"mode": "statement"}, "server", "DATABASE_URL leads to a pooler in statement mode"),
        ({}, "postgres", "lead to different databases"),
    ],
)
def test_addresses_that_cannot_work_stop_the_start(
    direct: str, options: dict[str, str], second: str, words: str
) -> None:
    with pooler(direct, **options) as pooled:  # type: ignore[arg-type]
        given = {"": "", "pooler": pooled, "server": direct, "postgres": other(direct)}
        app = create_app(databases.settings(pooled) | {"DATABASE_DIRECT_URL": given[second]})
        with app.app_context():
            with pytest.raises(ConfigError, match=f"^[^\n]*{words}[^\n]*$"):
                flask_migrate.upgrade()
            let_go()


def test_a_pooler_whose_server_has_gone_is_no_fault_of_the_portal() -> None:
    with postgres.server() as direct, pooler(direct) as pooled:
        with portal(pooled, direct) as app:
            assert db.session.scalar(text("SELECT 1")) == 1
        postgres.crash(direct)
        client = app.test_client()
        with client.session_transaction() as held:
            held["_user_id"] = "a token that has to be looked up"
        answers = [client.get("/api/student/stats") for _ in range(2)]
        assert [each.status_code for each in answers] == [503, 503]


def other(address: str) -> str:
    """Return the address of another database on the same server."""
    before, _, after = address.partition("?")
    return f"{before.rpartition('/')[0]}/postgres?{after}"


@pytest.mark.parametrize("mode", list(ROUNDS))
def test_clients_that_share_few_connections_get_their_own_answers(direct: str, mode: str) -> None:
    size = 3 if mode == "transaction" else 60
    with (
        pooler(direct, mode=mode, size=size, patience=60) as pooled,  # on a busy machine, too
        serving(pooled, DATABASE_DIRECT_URL=direct) as portal,
        serving(pooled, DATABASE_DIRECT_URL=direct) as other,
    ):
        machines = (portal, other)
        admins = [
            newcomer(each, f"admin{number}@example.org", role="admin")
            for number, each in enumerate(machines)
        ]
        course, public = portal.call(a_course), portal.call(a_public_course)
        chapter = portal.call(a_chapter, public)
        with ThreadPoolExecutor(CLIENTS) as threads:
            work = mixed_requests(admins, course, public, chapter, rounds=ROUNDS[mode])
            answers = sum(threads.map(work, range(CLIENTS)), Counter[int]())
        assert set(answers) <= {200, 201, 204, 303, 304}, answers
        assert portal.call(sync.validate).ok
        assert not any("Traceback" in each.said() for each in machines)
        if mode == "transaction":
            assert_nothing_is_left(pooled, direct)


def mixed_requests(
    admins: list[Client], course: int, public: int, chapter: int, *, rounds: int
) -> Callable[[int], Counter[int]]:
    """Return what one of the clients does, each on a machine; it counts the answers by status."""

    def work(number: int) -> Counter[int]:
        seen = Counter[int]()
        decider = admins[number % len(admins)].twin()
        for turn in range(rounds):
            email = f"person{number}.{turn}@example.org"
            client = newcomer(decider.portal, email)
            for method, address, body in (
                ("POST", "/api/student/enroll", {"courseId": public}),
                ("POST", "/api/student/chapters/complete", {"chapterId": chapter}),
                ("POST", "/api/student/requests", {"courseId": course}),
            ):
                seen[client.call(method, address, body).status_code] += 1
            waiting = decider.get(f"/api/requests?q={email}").json()["requests"]
            assert [each["studentEmail"] for each in waiting] == [email]
            address = f"/api/admin/requests/{waiting[0]['id']}"
            seen[decider.call("PATCH", address, {"action": "approve"}).status_code] += 1
            first = client.get("/api/student/courses")
            for _ in range(5):
                again = client.get(
                    "/api/student/courses", **{"If-None-Match": first.headers["ETag"]}
                )
                seen[again.status_code] += 1
            for page in ("/student/dashboard", "/student/progress", "/api/student/stats"):
                seen[client.get(page).status_code] += 1
            own = client.get("/api/session").json()["user"]
            assert own["email"] == email
            assert all(each["isEnrolled"] for each in first.json()["courses"])
            for page in ("/admin/analytics", "/api/admin/analytics", f"/api/students?q={email}"):
                seen[decider.get(page).status_code] += 1
        return seen

    return work
