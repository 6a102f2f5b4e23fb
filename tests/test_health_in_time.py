"""Health is told in time in every state: also while the database hangs, or a lock is held."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from lms import accounts
from lms.db import WAIT_SECONDS
from tests import postgres
from tests.databases import Postgresql, Sqlite
from tests.patience import PATIENCE, comes
from tests.server import WORKERS, Portal, serving
from tests.standstill import family, stopped

PASSWORD = "correct horse 9"
IN_TIME = 5
"""Seconds that a busy machine may take for what is done in a tenth of one; a database that has
stopped takes longer than any test."""
_PAGES = 30
"""More than all threads of all workers."""


def health(portal: Portal, who: requests.Session | None = None) -> tuple[int, dict[str, Any]]:
    """Return the health, which is there in time."""
    answer = (who or requests).get(f"{portal.url}/api/sync/health", timeout=IN_TIME)
    return answer.status_code, answer.json()


def is_ok(portal: Portal) -> bool:
    return health(portal) == (200, {"status": "ok"})


def is_alive(portal: Portal) -> bool:
    answer = requests.get(f"{portal.url}/healthz", timeout=IN_TIME)
    return bool(answer.json() == {"status": "ok"})


def an_admin_of(portal: Portal) -> requests.Session:
    """Return the browser of an admin who has signed in."""
    email = "ada@example.org"
    portal.call(accounts.create_account, email=email, name="Ada", password=PASSWORD, role="admin")
    browser = requests.Session()
    token = browser.get(f"{portal.url}/api/session", timeout=PATIENCE).json()["csrfToken"]
    fields = {"email": email, "password": PASSWORD, "csrf_token": token}
    browser.post(f"{portal.url}/login", data=fields, timeout=PATIENCE)
    return browser


@pytest.fixture
def stoppable(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A migrated database on a server that no other test uses, and the server's process."""
    with postgres.server() as url:
        monkeypatch.setenv("TEST_POSTGRES_URL", url)
        with closing(Postgresql("stoppable")) as server, server.migrated() as database:
            folder = url.partition("host=")[2].partition("&")[0]
            lock = Path(folder, ".s.PGSQL.5432.lock").read_text().splitlines()
            yield database, int(lock[0])


def test_a_database_that_hangs_is_failing_and_said_so_in_time(
    stoppable: tuple[str, int],
) -> None:
    url, server = stoppable
    with serving(url) as portal:
        admin = an_admin_of(portal)
        assert comes(lambda: is_ok(portal))
        assert "violations" in health(portal, admin)[1]
        with stopped(family(server)):
            crowd = [threading.Thread(target=_open, args=(admin, portal)) for _ in range(_PAGES)]
            for visitor in crowd:
                visitor.start()
            assert is_alive(portal)
            assert comes(lambda: health(portal) == (503, {"status": "failing"}))
            # Each worker has to have waited long enough by itself.
            assert comes(
                lambda: all(
                    health(portal, who)[1] == {"status": "failing"}
                    for _ in range(3 * WORKERS)
                    for who in (admin, None)
                )
            )
            assert is_alive(portal)
        assert comes(lambda: is_ok(portal))
        for visitor in crowd:
            visitor.join()


def _open(browser: requests.Session, portal: Portal) -> None:
    with suppress(requests.RequestException):
        cookies = browser.cookies.get_dict()
        requests.get(f"{portal.url}/admin/students", cookies=cookies, timeout=PATIENCE)


def test_a_lock_that_is_held_is_told_in_time_and_in_the_end_failing(sqlite: Sqlite) -> None:
    with sqlite.migrated() as url, serving(url, LMS_AUTO_FIX_SECONDS="3600") as portal:
        admin = an_admin_of(portal)
        assert comes(lambda: is_ok(portal))
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as other:
            other.isolation_level = None
            other.execute("BEGIN IMMEDIATE")
            told: set[str] = set()

            def is_failing() -> bool:
                status, found = health(portal, admin)
                told.update(found["problems"])
                return status == 503

            assert comes(is_failing)
            assert "The database can't be written to. Tell whoever runs the portal." in told
            assert any("has been waiting for" in problem for problem in told)
            assert not any("hasn't answered" in problem for problem in told), told
            other.execute("ROLLBACK")
        assert comes(lambda: is_ok(portal))
        assert WAIT_SECONDS < PATIENCE
