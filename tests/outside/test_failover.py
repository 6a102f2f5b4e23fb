"""A primary ends and a standby takes over: 503 meanwhile, then all that was acknowledged."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import flask_migrate
import psycopg
import pytest
import requests
from flask import Flask
from sqlalchemy import make_url, text

from lms import create_app, sync, transaction
from lms.config import ConfigError
from lms.db import db, let_go, now, writer
from lms.outages import OutcomeUnknownError, is_transient
from tests import databases, postgres
from tests.builders import a_course
from tests.faults.profile import NIGHTLY
from tests.outside.client import Client, newcomer
from tests.patience import PATIENCE, comes
from tests.server import serving

PROMOTIONS = 20 if NIGHTLY else 1
CLIENTS = 3


@contextmanager
def two_servers() -> Iterator[tuple[str, str]]:
    """Lend the addresses of a migrated primary, and of a standby without which it commits nothing.

    So whatever was acknowledged is on both.
    """
    with postgres.server() as server:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE lms")
        primary = make_url(server).set(database="lms").render_as_string(hide_password=False)
        databases.migrate(primary)
        with postgres.standby(primary) as standby:
            with psycopg.connect(server, autocommit=True) as connection:
                for setting in ("synchronous_standby_names = '*'", "synchronous_commit = 'on'"):
                    connection.execute(f"ALTER SYSTEM SET {setting}".encode())
                connection.execute("SELECT pg_reload_conf()")
            yield primary, standby


def both(primary: str, standby: str) -> str:
    """Return the address of whichever of them can be changed."""
    hosts = [str(make_url(each).query["host"]) for each in (primary, standby)]
    return (
        f"postgresql://postgres@/lms?host={','.join(hosts)}&port=5432"
        "&target_session_attrs=read-write"
    )


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, str]]:
    with two_servers() as addresses:
        yield addresses


@pytest.fixture
def primary(servers: tuple[str, str]) -> Iterator[Flask]:
    with _portal(servers[0]) as app:
        yield app


@pytest.fixture
def standby(servers: tuple[str, str]) -> Iterator[Flask]:
    with _portal(servers[1]) as app:
        yield app


@contextmanager
def _portal(address: str) -> Iterator[Flask]:
    app = create_app(databases.settings(address))
    yield app
    with app.app_context():
        let_go()


def test_a_start_on_a_standby_ends_in_one_sentence(standby: Flask) -> None:
    with (
        standby.app_context(),
        pytest.raises(
            ConfigError, match=r"^DATABASE_URL leads to a standby, which can't be changed"
        ),
    ):
        flask_migrate.upgrade()


def test_a_command_that_finds_standbys_alone_says_so(servers: tuple[str, str]) -> None:
    with _portal(f"{servers[1]}&target_session_attrs=read-write") as app:
        told = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert told.exit_code == 1
    assert told.stderr.startswith("Error: No server in DATABASE_URL accepts changes")
    assert told.stderr.count("\n") == 1


def test_a_standby_can_be_read_and_a_change_is_kept_for_later(standby: Flask) -> None:
    client = standby.test_client()
    assert client.get("/login").status_code == 200
    typed = {"name": "Ada Lovelace", "email": "ada@example.org"}
    own = {"Sec-Fetch-Site": "same-origin"}
    token = client.get("/api/session").get_json()["csrfToken"]
    answer = client.post("/forgot", data=typed | {"csrf_token": token}, headers=own)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "is read-only for now: nothing can be changed" in answer.text
    assert "Ada Lovelace" in answer.text
    assert "Send it again" in answer.text


def test_secrets_and_what_others_send_are_not_shown_again(standby: Flask) -> None:
    standby.config["WTF_CSRF_ENABLED"] = False  # so that it is not refused before
    client = standby.test_client()
    for fields, sender in (
        ({"email": "ada@example.org", "password": "correct horse 9"}, "same-origin"),
        ({"email": "other@example.org"}, "cross-site"),
    ):
        headers = {"Sec-Fetch-Site": sender}
        answer = client.post("/forgot", data=fields, headers=headers)
        assert answer.status_code == 503
        assert "example.org" not in answer.text
        assert "correct horse" not in answer.text


@pytest.mark.parametrize("path", ["/login", "/api/student/stats", "/api/sync/connection"])
def test_a_server_that_is_not_there_is_no_fault_of_the_portal(path: str, tmp_path: object) -> None:
    with _portal(f"postgresql://postgres@/lms?host={tmp_path}") as app:
        client = app.test_client()
        with client.session_transaction() as held:
            held["_user_id"] = "a token that has to be looked up"
        answer = client.get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    if path.startswith("/api"):
        assert answer.get_json()["code"] == "unavailable"
        described = client.get("/api/openapi.json").get_json()["paths"][path]["get"]
        assert "unavailable" in described["responses"]["503"]["description"]


def test_a_connection_that_is_lost_after_the_answer_takes_nothing_of_it(primary: Flask) -> None:
    @primary.get("/whole")
    def whole() -> str:
        number = db.session.scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(primary.config["DATABASE_URL"].replace("+psycopg", "")) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [number])
        return "all of it"

    answers = [primary.test_client().get("/whole") for _ in range(2)]
    assert [(each.status_code, each.text) for each in answers] == [(200, "all of it")] * 2


def test_a_reader_that_changes_something_is_a_fault_of_ours(primary: Flask) -> None:
    with primary.app_context(), db.engine.connect() as connection:
        with pytest.raises(Exception, match="read-only transaction") as refused:
            connection.execute(text("DELETE FROM users"))
        assert not is_transient(refused.value)  # type: ignore[arg-type]


def test_whether_a_commit_happened_is_not_asked_of_another_server(primary: Flask) -> None:
    with primary.app_context():
        with writer(db.engine).connect() as connection:
            connection.execute(text("SELECT pg_current_xact_id()"))
            number, server = connection.execute(transaction._ASSIGNED).one()
            connection.commit()
        assert transaction._has_committed((number, server))
        with pytest.raises(OutcomeUnknownError):
            transaction._has_committed((number, "2026-01-01 00:00:00+00"))


class Load(threading.Thread):
    """A client that asks for changes and pages until it is told to stop."""

    def __init__(self, client: Client, courses: list[int]) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.courses = courses
        self.over = threading.Event()
        self.seen: list[tuple[float, int]] = []
        self.acknowledged: set[int] = set()

    def run(self) -> None:
        for course in self.courses:
            if self.over.is_set():
                return
            sent = {"courseId": course}
            if self._note(self.client.call("POST", "/api/student/requests", sent)) == 201:
                self.acknowledged.add(course)
            self._note(self.client.get("/student/dashboard"))
            self._note(self.client.get("/api/student/courses"))

    def _note(self, answer: requests.Response) -> int:
        self.seen.append((time.monotonic(), answer.status_code))
        return answer.status_code


@pytest.mark.parametrize("_turn", range(PROMOTIONS))
def test_a_promotion_costs_no_acknowledged_change_and_no_500(_turn: int) -> None:
    with (
        two_servers() as (primary, standby),
        serving(both(primary, standby), LMS_AUTO_FIX_SECONDS="2") as portal,
    ):
        courses = [portal.call(a_course, f"Course {number}") for number in range(300)]
        people = [newcomer(portal, f"person{n}@example.org") for n in range(CLIENTS)]
        loads = [Load(person, courses) for person in people]
        for load in loads:
            load.start()
        assert comes(lambda: all(len(load.seen) > 10 for load in loads))
        postgres.crash(primary)
        assert comes(lambda: any(status == 503 for load in loads for _, status in load.seen))
        with psycopg.connect(standby, autocommit=True) as server:
            server.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
            server.execute("SELECT pg_reload_conf()")
            server.execute("SELECT pg_promote()")
        promoted, moment = time.monotonic(), now()
        assert comes(lambda: all(_works_since(load, promoted) for load in loads))
        for load in loads:
            load.over.set()
            load.join(PATIENCE)
        statuses = Counter(status for load in loads for _, status in load.seen)
        assert set(statuses) <= {200, 201, 409, 503}, statuses
        outage = max(_works_since(load, promoted) - promoted for load in loads)
        figures = f"{sum(statuses.values())} requests, {statuses[503]} of them 503"
        print(f"{figures}, back after {outage:.2f} s")  # noqa: T201 - to be read with `-s`
        kept = portal.sql("SELECT student_id, course_id FROM access_requests")
        for load in loads:
            own = {course for student, course in kept if student == load.client.user_id}
            assert load.acknowledged <= own
        assert portal.call(sync.validate).ok
        repaired = "SELECT id FROM sync_runs WHERE started_at > :at AND status = 'finished'"
        assert comes(lambda: portal.sql(repaired, at=moment))  # the worker is back, too
        assert "unhandled error" not in portal.said()


def _works_since(load: Load, moment: float) -> float:
    """Return when a client had a change taken after that moment; 0 if it hasn't yet."""
    return next((at for at, status in load.seen if at > moment and status == 201), 0)
