"""The portal under load while it and its database are killed at random moments, or stand still.

Every acknowledged change is there in the end, and none twice; clients see answers, no errors.
"""

import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import psycopg
import pytest
import requests

from lms import sync
from lms.db import db
from tests import databases, postgres
from tests.faults.loads import Learner, Seen, assert_kept
from tests.faults.profile import NIGHTLY
from tests.invariants import assert_invariants
from tests.outside.client import newcomer
from tests.patience import comes
from tests.server import Portal, children, serving
from tests.standstill import family, stopped

KILLS = 500 if NIGHTLY else 6
LEARNERS = 3
STANDSTILL = 30 if NIGHTLY else 3
"""Seconds."""
_TOO_SOON = 4
"""Seconds: the portal gives up where its web server dies sooner after the portal's own start, as
that does where workers die one after the other.
"""


@pytest.fixture
def durable(postgresql_server: str) -> Iterator[str]:
    """A migrated database of a PostgreSQL that loses nothing when it is killed."""
    with psycopg.connect(postgresql_server, autocommit=True) as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.execute(f"ALTER SYSTEM SET {setting} = on".encode())
        server.execute("SELECT pg_reload_conf()")
    lent = databases.Postgresql("kills")
    try:
        with lent.migrated() as url:
            lent.close()  # it would not survive; the next use connects again
            yield url
    finally:
        lent.close()


@pytest.fixture
def postgresql_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of its own, since it is killed."""
    with postgres.server() as url:
        monkeypatch.setenv("TEST_POSTGRES_URL", url)
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def portal(request: pytest.FixtureRequest) -> Iterator[Portal]:
    if request.param == "postgresql":
        with serving(request.getfixturevalue("durable")) as portal:
            yield portal
        return
    sqlite: databases.Sqlite = request.getfixturevalue("sqlite")
    with sqlite.migrated() as url, serving(url) as portal:
        yield portal


@pytest.mark.timeout(7200 if NIGHTLY else 600)
def test_what_was_acknowledged_is_there_once_whatever_was_killed(portal: Portal) -> None:
    with _learning(portal) as (seen, is_over):
        killed = _kill_often(portal, is_over)
    told = f"{killed} killed; {dict(seen.statuses)}, {seen.lost} without an answer"
    sys.stdout.write(f"{told}; the longest wait was {seen.longest:.1f} s\n")  # seen with -s
    assert sum(seen.statuses.values()) > KILLS


@pytest.mark.timeout(600)
def test_a_database_that_stands_still_loses_nothing(durable: str) -> None:
    with psycopg.connect(durable) as asking:
        found = asking.execute("SHOW data_directory").fetchone()
    assert found is not None
    first = Path(found[0], "postmaster.pid").read_text().split()[0]
    with serving(durable) as portal, _learning(portal) as (seen, _):
        assert comes(lambda: seen.statuses.total() > 10 * LEARNERS)
        with stopped(family(int(first))):
            time.sleep(STANDSTILL)
            before = seen.statuses.total()
        assert comes(lambda: seen.statuses.total() > before + 10 * LEARNERS)
    sys.stdout.write(f"{dict(seen.statuses)}; the longest wait was {seen.longest:.1f} s\n")


@contextmanager
def _learning(portal: Portal) -> Iterator[tuple[Seen, Callable[[], bool]]]:
    """Have learners change things meanwhile; in the end, all that they were told is there, once.

    Lends what they have seen, and whether one of them has come to an end, which is too early.
    """
    seen, stop = Seen(), Event()
    admin = newcomer(portal, "admin@example.org", role="admin")
    learners = [Learner(portal, number, admin, seen) for number in range(LEARNERS)]
    with ThreadPoolExecutor(LEARNERS) as threads:
        lives = [threads.submit(learner.live, stop) for learner in learners]
        try:
            yield seen, lambda: any(life.done() for life in lives)
        finally:
            stop.set()
        for life in lives:
            life.result()
    for learner in learners:
        assert_kept(portal, learner)
    with portal.app.app_context():
        assert sync.validate().total == 0
        assert_invariants(db.session())
        db.session.remove()


def _kill_often(portal: Portal, is_over: Callable[[], bool]) -> dict[str, int]:
    """Kill something again and again; return what, and how often."""
    chance = random.Random(portal.port if NIGHTLY else 1)  # noqa: S311 - no secret
    killed = dict.fromkeys(("worker", "process", "portal", "database"), 0)
    started = time.monotonic()
    for number in range(KILLS):
        time.sleep(chance.uniform(0.1, 1))
        what = _choice(portal, chance, number)
        if what in {"process", "worker"}:
            time.sleep(max(0, started + _TOO_SOON - time.monotonic()))
        if is_over():
            break
        if what == "database":
            _kill_database(portal.database_url)
        elif what == "portal":
            _kill_portal(portal)
        else:
            _kill_one_of(portal, what, chance)
        if what == "portal":
            started = time.monotonic()
        killed[what] += 1
    assert comes(lambda: _serves(portal))
    return killed


def _choice(portal: Portal, chance: random.Random, number: int) -> str:
    """Choose what is killed next: mostly a web worker; of few each kind in turn."""
    kinds = ["worker", "process", "portal"]
    if portal.database_url.startswith("postgresql"):
        kinds.append("database")
    return chance.choice([*kinds, *["worker"] * 6]) if NIGHTLY else kinds[number % len(kinds)]


def _kill_one_of(portal: Portal, what: str, chance: random.Random) -> None:
    """Kill a web worker, or one of those that the first process has started."""
    found = children(portal.pid)
    if what == "worker":
        found = [each for child in found for each in children(child)]
    if found:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(found), signal.SIGKILL)


def _kill_portal(portal: Portal) -> None:
    """Kill every process at once, as a power cut would, and start it again."""
    os.killpg(portal.pid, signal.SIGKILL)
    portal.stop()
    assert comes(lambda: _is_free(portal.port))  # who is killed takes a moment to let go of it
    portal.start()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _kill_database(url: str) -> None:
    """Kill one of the database's processes, upon which it ends all others and recovers."""
    with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        connection.execute("SELECT 1")


def _serves(portal: Portal) -> bool:
    try:
        return requests.get(f"{portal.url}/login", timeout=1).ok
    except requests.RequestException:
        return False
