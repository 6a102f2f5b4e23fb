"""Figures and exports from a standby that lags, stands still, ends reads, dies and is promoted."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
import pytest
from flask import Flask
from sqlalchemy import Connection, make_url, text

from lms import accounts, create_app, enrollment, lag, standby, sync
from lms.config import ConfigError
from lms.db import WAIT_SECONDS, behind, db, let_go, now, writer
from lms.ledger.months import Month
from lms.payments import close_month
from lms.postgresql import begin_behind
from lms.sync.latest import validate_for_repair
from tests import databases, postgres
from tests.builders import a_public_course, a_student
from tests.outside.client import newcomer
from tests.patience import PATIENCE, comes
from tests.pgbouncer import pooler
from tests.server import serving
from tests.statements import sent_to
from tests.web.browser import PASSWORD, Browser

ANALYTICS = "/api/admin/analytics"
BOOKS = "/api/admin/payments/books"
PAGE = "/admin/analytics"
Servers = tuple[str, str]


@contextmanager
def two_servers() -> Iterator[Servers]:
    """Lend the addresses of a migrated primary, and of a standby for which it doesn't wait."""
    with postgres.server() as server:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE lms")
            connection.execute("ALTER SYSTEM SET synchronous_commit = 'local'")
            connection.execute("SELECT pg_reload_conf()")
        primary = make_url(server).set(database="lms").render_as_string(hide_password=False)
        databases.migrate(primary)
        with postgres.standby(primary) as follower:
            yield primary, follower


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with two_servers() as addresses:
        yield addresses


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "ANSWER_SECONDS", PATIENCE)


@contextmanager
def _portal(primary: str, follower: str) -> Iterator[Flask]:
    app = create_app(databases.settings(primary) | {"DATABASE_READ_URL": follower})
    yield app
    with app.app_context():
        let_go()


@pytest.fixture
def portal(servers: Servers) -> Iterator[Flask]:
    with _portal(*servers) as app:
        yield app


@pytest.fixture
def admin(portal: Flask) -> Browser:
    return _admin(portal)


def _admin(portal: Flask) -> Browser:
    email = f"ada{datetime.now(UTC).timestamp()}@example.org"
    with portal.app_context():
        accounts.create_account(email=email, name="Ada", password=PASSWORD, role="admin")
    browser = Browser(portal)
    browser.sign_in(email)
    return browser


@contextmanager
def standing_still(follower: str) -> Iterator[None]:
    """Have the standby repeat nothing more, once it has repeated all there is."""
    with psycopg.connect(follower, autocommit=True) as server:
        server.execute("SELECT pg_wal_replay_pause()")
        paused = "SELECT pg_get_wal_replay_pause_state()"
        assert comes(lambda: server.execute(paused).fetchone() == ("paused",))
        yield
        server.execute("SELECT pg_wal_replay_resume()")


def caught_up(servers: Servers) -> bool:
    with psycopg.connect(servers[0]) as primary, psycopg.connect(servers[1]) as follower:
        [(written,)] = primary.execute("SELECT pg_current_wal_flush_lsn()::text").fetchall()
        there = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        return comes(lambda: follower.execute(there, [written]).fetchone() == (True,))


def _enroll(portal: Flask) -> None:
    with portal.app_context():
        enrollment.enroll_directly(a_student(), a_public_course())


def _enrollments(admin: Browser) -> tuple[int, str | None]:
    """Return the figure, and as of when it is; None if it comes from the primary."""
    answer = admin.get(ANALYTICS)
    assert answer.status_code == 200
    return answer.get_json()["enrollments"], answer.headers.get("As-Of")


def test_figures_are_those_of_the_standby_and_say_so(
    servers: Servers, portal: Flask, admin: Browser
) -> None:
    _enroll(portal)
    caught_up(servers)
    before = comes_from_standby(admin)
    with standing_still(servers[1]):
        _enroll(portal)
        number, as_of = _enrollments(admin)
        assert number == before
        assert as_of is not None
        moment = datetime.fromisoformat(as_of)
        assert timedelta(0) <= now() - moment < lag.MOST_BEHIND
        assert f">{moment:%H:%M:%S}</time> UTC" in admin.get(PAGE).text
    assert comes(lambda: _enrollments(admin)[0] == before + 1)


def comes_from_standby(admin: Browser) -> int:
    assert comes(lambda: _enrollments(admin)[1])
    return _enrollments(admin)[0]


def test_one_that_is_far_behind_is_not_read(
    servers: Servers, portal: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = comes_from_standby(admin)
    monkeypatch.setattr(lag, "MOST_BEHIND", timedelta(0))
    with standing_still(servers[1]):
        _enroll(portal)
        assert _enrollments(admin) == (before + 1, None)
        assert 'id="as-of"' in (page := admin.get(PAGE).text)
        assert "As of <time datetime" not in page


def test_one_without_news_is_as_good_as_the_primary(
    servers: Servers, portal: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "MOST_BEHIND", timedelta(0))
    _enroll(portal)
    began = now().replace(microsecond=0)
    assert comes(lambda: _enrollments(admin)[1])
    with psycopg.connect(servers[0], autocommit=True) as server:
        server.execute("SELECT pg_switch_wal()")  # where the two count differently
    caught_up(servers)
    assert datetime.fromisoformat(_enrollments(admin)[1] or "") >= began


@pytest.mark.parametrize("address", [ANALYTICS, BOOKS])
def test_where_an_answer_may_come_from_the_standby_is_described(
    admin: Browser, address: str
) -> None:
    described = admin.get("/api/openapi.json").get_json()["paths"]
    assert comes(lambda: "As-Of" in admin.get(address).headers)
    assert "As-Of" in described[address]["get"]["responses"]["200"]["headers"]
    having = {path for path, calls in described.items() if "As-Of" in json.dumps(calls)}
    assert having == {ANALYTICS, BOOKS}


@pytest.mark.parametrize("address", [ANALYTICS, PAGE])
def test_no_304_keeps_an_old_figure(
    servers: Servers, portal: Flask, admin: Browser, address: str
) -> None:
    _enroll(portal)
    comes_from_standby(admin)

    def poll(tag: str = "") -> Any:
        return admin.get(address, headers={"X-Live": "1", "If-None-Match": tag})

    with standing_still(servers[1]):
        current = poll().headers["ETag"]
        assert poll(current).status_code == 304
        _enroll(portal)
        for _ in range(2):
            old = poll(current)
            assert ("ETag" in old.headers, "As-Of" in old.headers) == (False, True)
            assert old.status_code == 200
    caught_up(servers)
    new = poll()
    assert poll(new.headers["ETag"]).status_code == 304
    assert new.data != old.data


def test_exports_and_books_have_all_that_was_there_before(
    servers: Servers, portal: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "CATCH_UP_SECONDS", 0.1)
    month = Month.of(now()).previous.previous
    with standing_still(servers[1]):
        _enroll(portal)
        with portal.app_context():
            a_student("Zoe Latest")
            close_month(month, by=None)
        export = admin.get("/admin/students.csv")
        assert ("Zoe Latest" in export.text, "As-Of" in export.headers) == (True, False)
        assert "These books never change" in admin.get(f"/admin/payments/books?month={month}").text
        books = admin.get(f"/api/admin/payments/books?month={month}")
        assert (books.get_json()["isClosed"], "As-Of" in books.headers) == (True, False)
    monkeypatch.setattr(lag, "CATCH_UP_SECONDS", PATIENCE)
    export = admin.get("/admin/students.csv")
    assert ("Zoe Latest" in export.text, "As-Of" in export.headers) == (True, True)
    assert "As-Of" in admin.get(f"/api/admin/payments/books?month={month}").headers
    assert ">As of <time" in admin.get(f"/admin/payments/books?month={month}").text


def test_a_validation_knows_all_that_was_there_before_and_repairs_ask_the_primary(
    servers: Servers, portal: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "CATCH_UP_SECONDS", 0.1)
    with portal.app_context():
        reads = behind()
        assert reads is not None
        with standing_still(servers[1]):
            _enroll(portal)
            with writer(db.engine).begin() as connection:
                connection.execute(text("UPDATE courses SET status = status"))
            with sent_to(reads) as sent:
                assert sync.validate_anew().ok
            assert not [each for each in sent if "progress" in str(each)]
        monkeypatch.setattr(lag, "CATCH_UP_SECONDS", PATIENCE)
        with sent_to(reads) as sent:
            assert sync.validate_anew().ok
            checks = len(sent)
            assert checks > len(sync.validate().checks)
            validate_for_repair(sync.WHOLE_SCHOOL)
            assert len(sent) == checks


def test_a_read_that_the_standby_ends_is_made_again_on_the_primary(
    servers: Servers, portal: Flask
) -> None:
    """Vacuum removes what the read still sees: the standby ends the read, with SQLSTATE 40001."""
    _enroll(portal)
    asked: list[bool] = []

    def read() -> int:
        asked.append(standby.is_read())
        number = db.session.scalar(text("SELECT count(*) FROM users"))
        if standby.is_read():
            _vacuum(servers)
            number = db.session.scalar(text("SELECT count(*) FROM users"))
        assert isinstance(number, int)
        return number

    with portal.app_context(), _ending_reads_at_once(servers[1]):
        found = standby.read(read)
    assert asked == [True, False]
    assert (found.value > 0, found.as_of) == (True, None)


@contextmanager
def _ending_reads_at_once(follower: str) -> Iterator[None]:
    with psycopg.connect(follower, autocommit=True) as server:
        server.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
        server.execute("SELECT pg_reload_conf()")
        yield
        server.execute("ALTER SYSTEM RESET max_standby_streaming_delay")
        server.execute("SELECT pg_reload_conf()")


def _vacuum(servers: Servers) -> None:
    with psycopg.connect(servers[0], autocommit=True) as server:
        server.execute("CREATE TABLE removed AS SELECT generate_series(1, 1000) AS id")
        server.execute("DELETE FROM removed")
        server.execute("VACUUM removed")
        server.execute("DROP TABLE removed")
    caught_up(servers)


def test_all_that_was_there_when_a_read_begins_is_in_it(servers: Servers, portal: Flask) -> None:
    """Where the standby is, is told before the snapshot: what it repeats in between is seen."""
    with portal.app_context():
        reads = behind()
        assert reads is not None
        with reads.connect() as connection:
            with standing_still(servers[1]):
                _enroll(portal)
                before = begin_behind(connection).written
            caught_up(servers)
            assert _count(connection) == _count(db.session.connection())
            connection.rollback()
            assert begin_behind(connection).written > before


@pytest.mark.parametrize("between", ["nothing", "a pooler"])
def test_each_connection_is_believed_for_itself_where_they_lead_to_two_standbys(
    monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    monkeypatch.setattr(lag, "CATCH_UP_SECONDS", 0.3)
    with ExitStack() as stack:
        primary, one = stack.enter_context(two_servers())
        two = stack.enter_context(postgres.standby(primary))
        hosts = ",".join(str(make_url(each).query["host"]) for each in (one, two))
        both = f"postgresql://postgres@/lms?host={hosts}&port=5432"
        if between == "a pooler":
            both = stack.enter_context(pooler(both))
        else:
            both += ",5432&load_balance_hosts=random"
        portal = stack.enter_context(_portal(primary, both))
        caught_up((primary, two))
        stack.enter_context(standing_still(two))
        _enroll(portal)
        caught_up((primary, one))
        with portal.app_context():
            reads = behind()
            assert reads is not None
            wanted = _count(db.session.connection())
            are_current: list[bool] = []
            while len(are_current) < 16 or (len(set(are_current)) == 1 and len(are_current) < 99):
                reads.dispose()
                with reads.connect() as first, reads.connect() as second:
                    first.begin(), second.begin()
                found = standby.read(lambda: _count(db.session.connection()))
                assert found.value == wanted
                are_current.append(found.as_of is not None)
        assert set(are_current) == {True, False}


def _count(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT count(*) FROM enrollments")) or 0)


def test_no_more_than_five_connections_are_taken_from_a_standby(portal: Flask) -> None:
    with portal.app_context(), ExitStack() as stack:
        reads = behind()
        assert reads is not None
        assert comes(lambda: standby.read(standby.is_read).value)
        for _ in range(5):
            stack.enter_context(reads.connect())
        began = time.monotonic()
        assert not standby.read(standby.is_read).value
        assert time.monotonic() - began < WAIT_SECONDS / 2
        stack.close()
        assert standby.read(standby.is_read).value  # it isn't left alone for having been busy


def test_nothing_is_decided_where_a_standby_is_read(portal: Flask) -> None:
    with portal.app_context():
        assert comes(lambda: standby.read(standby.is_read).value)
        with pytest.raises(RuntimeError, match="called where a standby is read"):
            standby.read(lambda: a_student("Nobody"))


def test_one_that_is_promoted_or_dies_costs_no_500(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "REST_SECONDS", 0.0)
    with two_servers() as servers, _portal(*servers) as portal:
        admin = _admin(portal)
        before = comes_from_standby(admin)
        with psycopg.connect(servers[1], autocommit=True) as server:
            server.execute("SELECT pg_promote()")
        _enroll(portal)
        assert _enrollments(admin) == (before + 1, None)
        postgres.crash(servers[1])
        for _ in range(3):
            assert _enrollments(admin) == (before + 1, None)
            assert admin.get(PAGE).status_code == 200
        assert admin.get("/admin/students.csv").status_code == 200
        with portal.app_context():
            assert sync.validate_anew().ok


def test_one_that_follows_another_primary_is_not_read() -> None:
    with two_servers() as (primary, follower), postgres.standby(primary) as promoted:
        with psycopg.connect(promoted, autocommit=True) as server:
            server.execute("SELECT pg_promote()")
        with psycopg.connect(primary, autocommit=True) as server:  # far ahead, but elsewhere
            server.execute("CREATE TABLE apart AS SELECT generate_series(1, 100000)")
        caught_up((primary, follower))
        with _portal(promoted, follower) as portal:
            assert _enrollments(_admin(portal)) == (0, None)


def test_one_that_hangs_holds_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    with two_servers() as servers, _portal(*servers) as portal:
        admin = _admin(portal)
        comes_from_standby(admin)
        monkeypatch.setattr(lag, "ANSWER_SECONDS", 0.5)
        with psycopg.connect(servers[1]) as server:
            [(folder,)] = server.execute("SHOW data_directory").fetchall()
            found = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            processes = server.execute(found).fetchall()
        first = (Path(folder) / "postmaster.pid").read_text().split()[0]
        stopped = [int(first), *(number for (number,) in processes)]
        try:
            for number in stopped:
                os.kill(number, signal.SIGSTOP)
            began = time.monotonic()
            assert [_enrollments(admin)[1] for _ in range(3)] == [None] * 3
            assert time.monotonic() - began < PATIENCE / 3
        finally:
            for number in stopped:
                os.kill(number, signal.SIGCONT)
        assert comes(lambda: _enrollments(admin)[1])


def test_a_start_needs_no_standby_but_refuses_that_of_another_school(
    servers: Servers, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with _portal(servers[0], f"postgresql://postgres@/lms?host={tmp_path}") as portal:
        with portal.app_context():
            flask_migrate.upgrade()
        assert "the standby can't be reached" in capfd.readouterr().err
        assert _enrollments(_admin(portal))[1] is None
    other = servers[1].replace("/lms?", "/postgres?")
    words = r"^DATABASE_URL and DATABASE_READ_URL lead to different databases$"
    with (
        _portal(servers[0], other) as portal,
        portal.app_context(),
        pytest.raises(ConfigError, match=words),
    ):
        flask_migrate.upgrade()
    with _portal(servers[0], other) as portal:  # it was away at the start
        assert _enrollments(_admin(portal))[1] is None


def test_the_running_portal_shows_what_the_standby_has_and_then_what_is_new() -> None:
    with (
        two_servers() as servers,
        serving(servers[0], DATABASE_READ_URL=servers[1]) as portal,
    ):
        admin = newcomer(portal, "admin@example.org", role="admin")

        def poll(tag: str) -> Any:
            return admin.get(PAGE, **{"X-Live": "1", "If-None-Match": tag})

        assert comes(lambda: "As-Of" in admin.get(PAGE).headers)
        with standing_still(servers[1]):
            portal.call(lambda: enrollment.enroll_directly(a_student(), a_public_course()))
            old = poll("")
            assert ("ETag" in old.headers, "As-Of" in old.headers) in {(False, True), (True, False)}
        caught_up(servers)
        assert comes(lambda: poll(poll("").headers["ETag"]).status_code == 304)
        assert "unhandled error" not in portal.said()
