"""Databases to move to, on the engine of the test and on the other."""

from collections.abc import Iterator

import pytest

from tests import databases


@pytest.fixture
def empty(server: databases.Server) -> Iterator[str]:
    """The address of a database without any table, on the same engine."""
    with server.empty() as url:
        yield url


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, server: databases.Server) -> Iterator[str]:
    """The address of a database without any table, on the other engine."""
    other = "postgresql" if isinstance(server, databases.Sqlite) else "sqlite"
    lender: databases.Server = request.getfixturevalue(other)
    with lender.empty() as url:
        yield url
