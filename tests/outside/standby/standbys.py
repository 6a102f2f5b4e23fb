"""A primary with a standby, a portal that reads it, and what it says."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
from flask import Flask
from sqlalchemy import Connection, make_url, text

from lms import accounts, create_app, enrollment
from lms.db import let_go
from tests import databases, postgres
from tests.builders import a_public_course, a_student
from tests.patience import comes
from tests.web.browser import PASSWORD, Browser

ANALYTICS = "/api/admin/analytics"
BOOKS = "/api/admin/payments/books"
PAGE = "/admin/analytics"
Servers = tuple[str, str]


@contextmanager
def two_servers() -> Iterator[Servers]:
    """Lend the addresses of a migrated primary, and of a standby for which it doesn't wait."""
    with postgres.server() as server:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE lms")
            connection.execute("ALTER SYSTEM SET synchronous_commit = 'local'")
            connection.execute("SELECT pg_reload_conf()")
        primary = make_url(server).set(database="lms").render_as_string(hide_password=False)
        databases.migrate(primary)
        with postgres.standby(primary) as follower:
            yield primary, follower


@contextmanager
def a_portal(primary: str, follower: str) -> Iterator[Flask]:
    app = create_app(databases.settings(primary) | {"DATABASE_READ_URL": follower})
    yield app
    with app.app_context():
        let_go()


def an_admin_of(portal: Flask) -> Browser:
    email = f"ada{datetime.now(UTC).timestamp()}@example.org"
    with portal.app_context():
        accounts.create_account(email=email, name="Ada", password=PASSWORD, role="admin")
    browser = Browser(portal)
    browser.sign_in(email)
    return browser


@contextmanager
def standing_still(follower: str) -> Iterator[None]:
    """Have the standby repeat nothing more, once it has repeated all there is."""
    with psycopg.connect(follower, autocommit=True) as server:
        server.execute("SELECT pg_wal_replay_pause()")
        paused = "SELECT pg_get_wal_replay_pause_state()"
        assert comes(lambda: server.execute(paused).fetchone() == ("paused",))
        yield
        server.execute("SELECT pg_wal_replay_resume()")


def caught_up(servers: Servers) -> bool:
    with psycopg.connect(servers[0]) as primary, psycopg.connect(servers[1]) as follower:
        [(written,)] = primary.execute("SELECT pg_current_wal_flush_lsn()::text").fetchall()
        there = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        return comes(lambda: follower.execute(there, [written]).fetchone() == (True,))


def enroll_somebody(portal: Flask) -> None:
    with portal.app_context():
        enrollment.enroll_directly(a_student(), a_public_course())


def enrollments(admin: Browser) -> tuple[int, str | None]:
    """Return the figure, and as of when it is; None if it comes from the primary."""
    answer = admin.get(ANALYTICS)
    assert answer.status_code == 200
    return answer.get_json()["enrollments"], answer.headers.get("As-Of")


def figure_of_the_standby(admin: Browser) -> int:
    assert comes(lambda: enrollments(admin)[1])
    return enrollments(admin)[0]


def count_enrollments(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT count(*) FROM enrollments")) or 0)
