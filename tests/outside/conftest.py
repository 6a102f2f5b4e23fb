"""Running portals, started once per engine and test process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from lms.db import db
from lms.models import Role
from tests.databases import Postgresql, Server, Sqlite
from tests.invariants import assert_invariants
from tests.outside.client import Client, newcomer
from tests.server import Portal, serving

_numbers = count(1)

Add = Callable[..., Client]


@pytest.fixture(scope="session")
def portals(sqlite: Sqlite, postgresql: Postgresql) -> Iterator[Callable[[str], Portal]]:
    """Portals by engine, started when first asked for; ended before what lends them databases."""
    servers: dict[str, Server] = {"sqlite": sqlite, "postgresql": postgresql}
    running: dict[str, Portal] = {}
    with ExitStack() as stack:

        def on(engine: str) -> Portal:
            if engine not in running:
                url = stack.enter_context(servers[engine].migrated())
                running[engine] = stack.enter_context(serving(url))
            return running[engine]

        yield on


@pytest.fixture(params=["sqlite", "postgresql"])
def portal(request: pytest.FixtureRequest, portals: Callable[[str], Portal]) -> Iterator[Portal]:
    """The running portal on each engine; afterwards every invariant holds, and nothing crashed."""
    portal = portals(request.param)
    yield portal
    with portal.app.app_context():
        assert_invariants(db.session())
        db.session.remove()
    assert "Traceback" not in portal.said()


@pytest.fixture
def add(portal: Portal) -> Add:
    """Open an account that nobody else has, and return its signed-in client."""

    def added(role: Role = "student", *, name: str = "Sam Student") -> Client:
        return newcomer(portal, f"person{next(_numbers)}@example.org", role=role, name=name)

    return added


@pytest.fixture
def student(add: Add) -> Client:
    return add()


@pytest.fixture
def admin(add: Add) -> Client:
    return add("admin", name="Ada Admin")
