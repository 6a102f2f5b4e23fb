"""Which connection is believed of a standby, how many there are, and where they may lead."""

import time
from contextlib import ExitStack
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import make_url

from lms import lag, standby
from lms.config import ConfigError
from lms.db import WAIT_SECONDS, behind, db
from lms.postgresql import begin_behind
from tests import postgres
from tests.outside.standby.standbys import (
    Servers,
    a_portal,
    an_admin_of,
    caught_up,
    count_enrollments,
    enroll_somebody,
    enrollments,
    standing_still,
    two_servers,
)
from tests.patience import comes
from tests.pgbouncer import pooler


def test_all_that_was_there_when_a_read_begins_is_in_it(servers: Servers, portal: Flask) -> None:
    """Where the standby is, is told before the snapshot: what it repeats in between is seen."""
    with portal.app_context():
        reads = behind()
        assert reads is not None
        with reads.connect() as connection:
            with standing_still(servers[1]):
                enroll_somebody(portal)
                before = begin_behind(connection).written
            caught_up(servers)
            assert count_enrollments(connection) == count_enrollments(db.session.connection())
            connection.rollback()
            assert begin_behind(connection).written > before


@pytest.mark.parametrize("between", ["nothing", "a pooler"])
def test_each_connection_is_believed_for_itself_where_they_lead_to_two_standbys(
    monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    monkeypatch.setattr(lag, "CATCH_UP_SECONDS", 0.3)
    with ExitStack() as stack:
        primary, one = stack.enter_context(two_servers())
        two = stack.enter_context(postgres.standby(primary))
        hosts = ",".join(str(make_url(each).query["host"]) for each in (one, two))
        both = f"postgresql://postgres@/lms?host={hosts}&port=5432"
        if between == "a pooler":
            both = stack.enter_context(pooler(both))
        else:
            both += ",5432&load_balance_hosts=random"
        portal = stack.enter_context(a_portal(primary, both))
        caught_up((primary, two))
        stack.enter_context(standing_still(two))
        enroll_somebody(portal)
        caught_up((primary, one))
        with portal.app_context():
            reads = behind()
            assert reads is not None
            wanted = count_enrollments(db.session.connection())
            are_current: list[bool] = []
            while len(are_current) < 16 or (len(set(are_current)) == 1 and len(are_current) < 99):
                reads.dispose()
                with reads.connect() as first, reads.connect() as second:
                    first.begin(), second.begin()
                found = standby.read(lambda: count_enrollments(db.session.connection()))
                assert found.value == wanted
                are_current.append(found.as_of is not None)
        assert set(are_current) == {True, False}


def test_no_more_than_five_connections_are_taken_from_a_standby(portal: Flask) -> None:
    with portal.app_context(), ExitStack() as stack:
        reads = behind()
        assert reads is not None
        assert comes(lambda: standby.read(standby.is_read).value)
        for _ in range(5):
            stack.enter_context(reads.connect())
        began = time.monotonic()
        assert not standby.read(standby.is_read).value
        assert time.monotonic() - began < WAIT_SECONDS / 2
        stack.close()
        assert standby.read(standby.is_read).value  # it isn't left alone for having been busy


def test_a_start_needs_no_standby_but_refuses_that_of_another_school(
    servers: Servers, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with a_portal(servers[0], f"postgresql://postgres@/lms?host={tmp_path}") as portal:
        with portal.app_context():
            flask_migrate.upgrade()
        assert "the standby can't be reached" in capfd.readouterr().err
        assert enrollments(an_admin_of(portal))[1] is None
    other = servers[1].replace("/lms?", "/postgres?")
    words = r"^DATABASE_URL and DATABASE_READ_URL lead to different databases$"
    with (
        a_portal(servers[0], other) as portal,
        portal.app_context(),
        pytest.raises(ConfigError, match=words),
    ):
        flask_migrate.upgrade()
    with a_portal(servers[0], other) as portal:  # it was away at the start
        assert enrollments(an_admin_of(portal))[1] is None
