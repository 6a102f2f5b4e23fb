"""What every test shares: an app on SQLite and on PostgreSQL, raw SQL, a closed network."""

import gc
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from sqlalchemy import Row, text

from lms import background
from lms import config as settings
from lms.db import db, writer
from tests import buckets, databases, folders, postgres, stores
from tests.faults.profile import NIGHTLY
from tests.faults.racers import Racers, racers
from tests.patience import PATIENCE
from tests.templates import Compiled

Sql = Callable[..., list[Row[*tuple[Any, ...]]]]
_AS_EVER = gc.get_threshold()
_SELDOM = (100 * _AS_EVER[0], *_AS_EVER[1:])


def pytest_configure(config: pytest.Config) -> None:
    """Bring PostgreSQL, and forget the configuration of the person who runs the tests."""
    config.pluginmanager.register(postgres)
    # A busy machine is no failure, and what is found must be found again: `make nightly` wanders.
    hypothesis.settings.register_profile("tests", deadline=None, derandomize=not NIGHTLY)
    hypothesis.settings.load_profile("tests")
    for key in settings.SETTINGS:
        os.environ.pop(key, None)
    Flask.jinja_options = {"bytecode_cache": Compiled()}


def pytest_collection_finish() -> None:
    """Take what is there for good out of the garbage collector's rounds: modules, models, tests.

    The rest it goes through a hundredth as often: little of it is garbage that only it can find.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SELDOM)


def pytest_sessionfinish() -> None:
    """Delete the files of courses: workers of xdist end without saying goodbye."""
    databases.delete_files()


def pytest_xdist_auto_num_workers() -> int:
    """Run two tests per core: half of the time they wait for servers, browsers and locks."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture
def few_in_memory() -> Iterator[None]:
    """Let a test measure memory that is collected as often as a portal's."""
    gc.set_threshold(*_AS_EVER)
    yield
    gc.set_threshold(*_SELDOM)


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


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine have the time it takes for what is to be there soon."""
    monkeypatch.setattr(background, "PATIENCE_SECONDS", PATIENCE)


@pytest.fixture(scope="session")
def sqlite() -> Iterator[databases.Sqlite]:
    with tempfile.TemporaryDirectory(prefix="lms-sqlite-", dir=folders.fastest()) as folder:
        yield databases.Sqlite(Path(folder))


@pytest.fixture(scope="session")
def postgresql(worker_id: str) -> Iterator[databases.Postgresql]:
    with closing(databases.Postgresql(worker_id)) as server:
        yield server


@pytest.fixture(scope="session")
def processes() -> Iterator[Racers]:
    """Worker processes in which verbs meet; starting them takes longer than any race."""
    with racers() as processes:
        yield processes


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
def app(database_url: str) -> Flask:
    """The portal on a database of its own."""
    return databases.portal(database_url)


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
    return raw(app)


def raw(app: Flask) -> Sql:
    """Return what runs raw statements on a portal's database."""

    def run(*statements: str, **values: object) -> list[Row[*tuple[Any, ...]]]:
        rows: list[Row[*tuple[Any, ...]]] = []
        with app.app_context(), writer(db.engine).begin() as connection:
            for statement in statements:
                result = connection.execute(text(statement), values)
                rows = list(result) if result.returns_rows else []
        return rows

    return run


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of a server that speaks S3."""
    with buckets.served() as address:
        yield address


@pytest.fixture
def stored(app: Flask, s3: str) -> Flask:
    """The portal with its files in a bucket of its own."""
    app.config.update(buckets.new(s3))
    return app


@pytest.fixture
def between(stored: Flask) -> Iterator[buckets.Between]:
    """What stands before the storage, and what the portal takes for it."""
    with closing(buckets.Between(stored.config["AWS_ENDPOINT_URL_S3"])) as passing:
        stored.config["AWS_ENDPOINT_URL_S3"] = passing.endpoint
        yield passing


@pytest.fixture(params=["folder", "bucket"])
def home(request: pytest.FixtureRequest, app: Flask) -> stores.Home:
    """Each home of contents in turn; whatever uses it works in both."""
    if request.param == "folder":
        return stores.Folder()
    return stores.Bucket(request.getfixturevalue("stored"))
