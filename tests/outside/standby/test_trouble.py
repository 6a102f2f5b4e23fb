"""A standby that ends reads, hangs, dies, is promoted or follows another: nobody sees it."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from lms import lag, standby, sync
from lms.db import db
from tests import postgres
from tests.outside.standby.standbys import (
    PAGE,
    Servers,
    a_portal,
    an_admin_of,
    caught_up,
    enroll_somebody,
    enrollments,
    figure_of_the_standby,
    two_servers,
)
from tests.patience import PATIENCE, comes


def test_a_read_that_the_standby_ends_is_made_again_on_the_primary(
    servers: Servers, portal: Flask
) -> None:
    """Vacuum removes what the read still sees: the standby ends the read, with SQLSTATE 40001."""
    enroll_somebody(portal)
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
        assert comes(lambda: standby.read(standby.is_read).value)
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


def test_one_that_is_promoted_or_dies_costs_no_500(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "REST_SECONDS", 0.0)
    with two_servers() as servers, a_portal(*servers) as portal:
        admin = an_admin_of(portal)
        before = figure_of_the_standby(admin)
        with psycopg.connect(servers[1], autocommit=True) as server:
            server.execute("SELECT pg_promote()")
        enroll_somebody(portal)
        assert enrollments(admin) == (before + 1, None)
        postgres.crash(servers[1])
        for _ in range(3):
            assert enrollments(admin) == (before + 1, None)
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
        with a_portal(promoted, follower) as portal:
            assert enrollments(an_admin_of(portal)) == (0, None)


def test_one_that_hangs_holds_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    with two_servers() as servers, a_portal(*servers) as portal:
        admin = an_admin_of(portal)
        figure_of_the_standby(admin)
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
            assert [enrollments(admin)[1] for _ in range(3)] == [None] * 3
            assert time.monotonic() - began < PATIENCE / 3
        finally:
            for number in stopped:
                os.kill(number, signal.SIGCONT)
        assert comes(lambda: enrollments(admin)[1])
