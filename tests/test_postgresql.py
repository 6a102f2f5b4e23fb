"""Connections to PostgreSQL: what they are made with, and what an error on one of them means."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError, NotSupportedError
from sqlalchemy.orm import Session

from lms import create_app
from lms.db import db
from lms.models import User
from lms.transaction import transactional
from tests import databases
from tests.builders import a_student
from tests.databases import Postgresql


@pytest.fixture
def url(postgresql: Postgresql) -> Iterator[str]:
    with postgresql.migrated() as url:
        yield url


@pytest.fixture
def portal(url: str) -> Iterator[Flask]:
    """The portal in its context."""
    app = create_app(databases.settings(url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_a_server_that_says_nothing_counts_as_gone_within_seconds(portal: Flask) -> None:
    given = _parameters()
    assert int(given["tcp_user_timeout"]) == 10_000
    silent = int(given["keepalives_idle"]), int(given["keepalives_interval"])
    assert sum(silent) * int(given["keepalives_count"]) < 60


def test_what_the_address_says_of_its_connections_stands(url: str) -> None:
    own = {"tcp_user_timeout": "3000", "keepalives_idle": "4", "connect_timeout": "7"}
    asked = "&".join(f"{key}={value}" for key, value in own.items())
    app = create_app(databases.settings(f"{url}&{asked}"))
    with app.app_context():
        assert _parameters().items() >= own.items()
        db.engine.dispose()


def test_what_the_server_does_not_support_is_a_fault_of_ours(portal: Flask) -> None:
    attempts = []

    @transactional
    def lock(session: Session) -> None:
        attempts.append(1)
        session.execute(text("SELECT id FROM users UNION SELECT id FROM courses FOR UPDATE"))

    with pytest.raises(NotSupportedError) as refused:
        lock()
    assert refused.value.orig is not None
    assert getattr(refused.value.orig, "sqlstate", "") == "0A000"
    assert not refused.value.connection_invalidated
    assert len(attempts) == 1


def test_a_refused_row_with_the_words_of_a_pooler_is_a_refused_row(portal: Flask) -> None:
    @transactional
    def change(session: Session) -> None:
        session.execute(update(User).values(role="teacher"))

    a_student(name="unsupported startup parameter: options")
    with pytest.raises(IntegrityError, match="unsupported startup parameter"):
        change()


def _parameters() -> dict[str, str]:
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        return dict(driver.info.get_parameters())
