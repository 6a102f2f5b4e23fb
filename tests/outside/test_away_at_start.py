"""A process that dies while the database is away is back with it; no other ends meanwhile."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import requests
from sqlalchemy import make_url

from lms.processes import _TOO_SOON_SECONDS
from tests import databases, postgres
from tests.patience import PATIENCE, comes
from tests.server import Portal, children, serving


def test_a_worker_that_starts_while_the_database_is_away_waits_for_it(
    postgresql: databases.Postgresql,
) -> None:
    with postgresql.migrated() as url, serving(url, LMS_AUTO_FIX_SECONDS="1") as portal:
        assert comes(lambda: _workers_that_repaired(portal) == 1)
        time.sleep(_TOO_SOON_SECONDS)  # what dies right after the first start ends all
        [worker] = (pid for pid in children(portal.pid) if not children(pid))
        with _away(url):
            assert comes(lambda: "the queue: the database is away" in portal.said()), portal.said()
            os.kill(worker, signal.SIGKILL)
            assert comes(lambda: "the start: the database is away" in portal.said()), portal.said()
            answer = requests.get(f"{portal.url}/login", timeout=PATIENCE)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert comes(lambda: _workers_that_repaired(portal) == 2)
        assert "Traceback" not in portal.said()


@contextmanager
def _away(url: str) -> Iterator[None]:
    """Have the server of a database let nobody in."""
    name = make_url(url).database
    with psycopg.connect(postgres.url(), autocommit=True) as server:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


def _workers_that_repaired(portal: Portal) -> int:
    [(number,)] = portal.sql("SELECT count(DISTINCT owner) FROM sync_runs")
    return int(number)
