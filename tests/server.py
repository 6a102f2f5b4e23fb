"""The real portal in processes of its own: `flask serve` with two workers, as a school runs it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.error import URLError
from urllib.request import urlopen

from flask import Flask
from sqlalchemy import Row, text

from lms.db import db, writer
from tests import databases
from tests.forked_flask import run
from tests.forks import Fork
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
FORKED = "PYTEST_VERSION" in os.environ
"""Tests need no new interpreter for each portal, as benchmarks do."""


class Portal:
    """A running portal, and its database from the inside: for verbs that arrange, and raw SQL."""

    def __init__(
        self, database_url: str, log: IO[bytes], settings: dict[str, str], code: Path = ROOT
    ) -> None:
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # From the inside, the server itself is as good as a pooler.
        self.app: Flask = databases.portal(settings.get("DATABASE_DIRECT_URL", database_url))
        self.code = code
        self._log = log
        self._settings = settings
        self._process: subprocess.Popen[bytes] | Fork | None = None

    def start(self) -> None:
        """Start it and wait until it answers; on the same port as before."""
        given = databases.settings(self.database_url)
        environment = {
            key: str(given[key]) for key in ("DATABASE_URL", "SECRET_KEY", "LMS_ENV", "LMS_FILES")
        }
        served = {"HOST": "127.0.0.1", "PORT": str(self.port), "WORKERS": str(WORKERS)}
        quick = {"DEMO": "0", "LMS_CHEAP_HASHES": "1", "LMS_LOGIN_LIMIT": "100000 per minute"}
        self._process = self._started(os.environ | environment | served | quick | self._settings)
        self._wait_until_healthy()

    def stop(self) -> None:
        """Stop it as Ctrl-C does, with all that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE)
        finally:
            _end_group(process.pid)
            process.wait(PATIENCE)

    @property
    def pid(self) -> int:
        """The process that started all others."""
        assert self._process is not None
        return self._process.pid

    def call(self, what: Callable[..., Any], *args: Any, **values: Any) -> Any:
        """Call a verb, a query or a builder, as something that happens elsewhere meanwhile."""
        with self.app.app_context():
            return what(*args, **values)

    def sql(self, *statements: str, **values: object) -> list[Row[*tuple[Any, ...]]]:
        """Run raw statements in one transaction; return the rows of the last."""
        rows: list[Row[*tuple[Any, ...]]] = []
        with self.app.app_context(), writer(db.engine).begin() as connection:
            for statement in statements:
                result = connection.execute(text(statement), values)
                rows = list(result) if result.returns_rows else []
        return rows

    def said(self) -> str:
        """Return all that the server has printed; a traceback in it is a bug."""
        return Path(self._log.name).read_text(errors="replace")

    def _started(self, environment: dict[str, str]) -> subprocess.Popen[bytes] | Fork:
        """Start it in a group of its own: what it leaves behind can be ended."""
        if FORKED and self.code == ROOT:
            return Fork(run, str(self.code), environment, self._log.name, "serve")
        return subprocess.Popen(
            [sys.executable, "-m", "flask", "serve"],
            cwd=self.code,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def _wait_until_healthy(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                with urlopen(f"{self.url}/healthz", timeout=PATIENCE) as answer:  # noqa: S310 - our own
                    if answer.status == 200:
                        return
            except (URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        self.stop()
        raise AssertionError(f"the portal does not start:\n{self.said()}")


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that still run."""
    with suppress(OSError):
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    return []


def runs(pid: int) -> bool:
    """Return whether a process runs; one that has ended and waits to be asked how, does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def free_port() -> int:
    """Return a port that nobody has."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(database_url: str, **settings: str) -> Iterator[Portal]:
    """Lend a running portal on a migrated database; nothing it started outlives the block."""
    with serving_from(ROOT, database_url, **settings) as portal:
        yield portal


@contextmanager
def flawless(server: databases.Server, **settings: str) -> Iterator[Portal]:
    """Do so on a database of its own; nothing in it may have failed unforeseen."""
    with server.migrated() as url, serving(url, **settings) as portal:
        yield portal
        assert "Traceback" not in portal.said()


@contextmanager
def serving_from(code: Path, database_url: str, **settings: str) -> Iterator[Portal]:
    """Do so with the code in a folder, which may be of another release."""
    with tempfile.NamedTemporaryFile(prefix="lms-portal-", suffix=".log") as log:
        portal = Portal(database_url, log, settings, code)
        try:
            portal.start()
            yield portal
        finally:
            portal.stop()
            with portal.app.app_context():
                db.engine.dispose()


def _end_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return  # everything ended by itself
