"""Web workers whose server was killed: nobody is left to end them, should they not do so."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import requests
from sqlalchemy import make_url

from lms.processes import _TOO_SOON_SECONDS, GRACE_SECONDS
from tests import databases
from tests.builders import a_course
from tests.outside.client import Client, newcomer
from tests.patience import PATIENCE, comes
from tests.server import Portal, children, runs, serving


def test_workers_end_with_their_server_whatever_they_wait_for(
    postgresql: databases.Postgresql,
) -> None:
    with postgresql.migrated() as url, serving(url) as portal:
        student = newcomer(portal, "sam@example.org")
        course = portal.call(a_course, "Algebra")
        time.sleep(_TOO_SOON_SECONDS)  # what dies right after the first start ends all
        [server] = filter(children, children(portal.pid))
        workers = children(server)
        with _locked(portal, "users"), ThreadPoolExecutor() as threads:
            request = threads.submit(_ask, student, course)
            assert comes(lambda: _waiting(portal) == 1)
            os.kill(server, signal.SIGKILL)
            killed = time.monotonic()
            assert comes(lambda: not any(map(runs, workers)))
            assert time.monotonic() - killed < GRACE_SECONDS  # the lock is still there
            assert isinstance(request.exception(PATIENCE), requests.ConnectionError)
        assert comes(lambda: _serves(portal) and _waiting(portal) == 0)
        assert student.call("POST", "/api/student/requests", {"courseId": course}).ok


def _ask(student: Client, course: int) -> requests.Response:
    return student.call("POST", "/api/student/requests", {"courseId": course})


@contextmanager
def _locked(portal: Portal, table: str) -> Iterator[None]:
    """Hold each row of a table, as a change does that takes long."""
    with psycopg.connect(_server(portal)) as holder:
        holder.execute(f"SELECT 1 FROM {table} FOR UPDATE".encode())
        yield
        holder.rollback()


def _waiting(portal: Portal) -> int:
    """Return how many changes wait for a lock."""
    with psycopg.connect(_server(portal)) as asking:
        found = asking.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    assert found is not None
    return int(found[0])


def _server(portal: Portal) -> str:
    return make_url(portal.database_url).set(drivername="postgresql").render_as_string(False)


def _serves(portal: Portal) -> bool:
    try:
        return requests.get(f"{portal.url}/healthz", timeout=PATIENCE).ok
    except requests.RequestException:
        return False
