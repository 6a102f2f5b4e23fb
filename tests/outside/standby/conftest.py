"""A primary and its standby for each file of tests, and a portal that reads it."""

from collections.abc import Iterator

import pytest
from flask import Flask

from lms import lag
from tests.outside.standby.standbys import (
    Servers,
    a_portal,
    an_admin_of,
    two_servers,
)
from tests.patience import PATIENCE
from tests.web.browser import Browser


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with two_servers() as addresses:
        yield addresses


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "ANSWER_SECONDS", PATIENCE)


@pytest.fixture
def portal(servers: Servers) -> Iterator[Flask]:
    with a_portal(*servers) as app:
        yield app


@pytest.fixture
def admin(portal: Flask) -> Browser:
    return an_admin_of(portal)
