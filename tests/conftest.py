"""What every test shares: an app on SQLite and on PostgreSQL, raw SQL, a closed network."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Row, text

from lms import config as settings
from lms.db import db, writer
from tests import databases, postgres

Sql = Callable[..., list[Row[Any]]]

_FOLDER = "TEST_DATABASES_FOLDER"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a clone there takes 16 ms, on a disk 370
_ROOM = 2 * 1024**3


def pytest_configure() -> None:
    """Choose, before xdist starts its workers, where all databases of this session will be."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        fast = _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free > _ROOM
        # Outside of root's home and of pytest's private folders: PostgreSQL runs as another user.
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="lms-", dir=_IN_MEMORY if fast else None)
        Path(os.environ[_FOLDER]).chmod(0o755)
    for key in settings._PARSERS:
        os.environ.pop(key, None)


def pytest_unconfigure() -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        folder = Path(os.environ[_FOLDER])
        postgres.stop(folder / "postgresql")
        shutil.rmtree(folder)


@pytest.fixture(scope="session", autouse=True)
def _closed_network() -> Iterator[None]:
    """Let tests reach nothing but this machine."""
    connect = socket.socket.connect

    def refuse_others(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise PermissionError(f"a test wanted to reach {address[0]}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse_others)
        yield


@pytest.fixture(scope="session")
def sqlite(worker_id: str) -> databases.Sqlite:
    return databases.Sqlite(Path(os.environ[_FOLDER]) / f"sqlite_{worker_id}")


@pytest.fixture(scope="session")
def postgresql(worker_id: str) -> databases.Postgresql:
    return databases.Postgresql(postgres.start(Path(os.environ[_FOLDER]) / "postgresql"), worker_id)


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> databases.Server:
    """Each database engine in turn; whatever uses it runs on both."""
    server: databases.Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def database_url(server: databases.Server) -> Iterator[str]:
    """The address of a database of this test's own, with all tables and no rows."""
    with server.migrated() as url:
        yield url


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    """The portal on a database of its own."""
    app = databases.portal(database_url)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """The portal's context, for tests that call verbs and queries.

    Not for tests that send requests: a request would borrow this context, and its signed-in user.
    """
    with app.app_context():
        yield app


@pytest.fixture
def sql(app: Flask) -> Sql:
    """Run raw statements in one transaction, past every verb and guard; rows of the last."""

    def run(*statements: str, **values: object) -> list[Row[Any]]:
        rows: list[Row[Any]] = []
        with app.app_context(), writer(db.engine).begin() as connection:
            for statement in statements:
                result = connection.execute(text(statement), values)
                rows = list(result) if result.returns_rows else []
        return rows

    return run
