"""Databases to move to, on the engine of the test and on the other."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from lms.db import db
from lms.demo.load import load
from tests import databases


@pytest.fixture
def empty(server: databases.Server) -> Iterator[str]:
    """The address of a database without any table, on the same engine."""
    with server.empty() as url:
        yield url


@pytest.fixture
def blank(other: databases.Server) -> Iterator[str]:
    """The address of a database without any table, on the other engine."""
    with other.empty() as url:
        yield url


@pytest.fixture
def elsewhere(other: databases.Server) -> Iterator[str]:
    """The address of a migrated one: to migrate a blank one takes longer than most such tests."""
    with other.migrated() as url:
        yield url


@pytest.fixture
def other(request: pytest.FixtureRequest, server: databases.Server) -> databases.Server:
    """The engine that is not the test's."""
    name = "postgresql" if isinstance(server, databases.Sqlite) else "sqlite"
    lender: databases.Server = request.getfixturevalue(name)
    return lender


@pytest.fixture
def demo_school(server: databases.Server) -> Iterator[Flask]:
    """The portal's context in a school with every kind of row."""
    with server.filled(_demo_school) as (url, _):
        app = databases.portal(url)
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()


def _demo_school(_app: Flask) -> None:
    with tempfile.TemporaryDirectory(prefix="lms-demo-") as folder:
        load(lambda _done: None, stripe=Path(folder))
