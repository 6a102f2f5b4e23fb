"""A big school on each engine in turn."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from flask import Flask

from lms import create_app
from lms.db import db, writer
from tests import folders, postgres
from tests.bench.school import fill
from tests.databases import Postgresql, Server, Sqlite, settings


@contextmanager
def schools(enrollments: int) -> Iterator[Iterator[tuple[str, Flask]]]:
    """Lend an address and a portal in its context, on SQLite and then on PostgreSQL."""
    with (
        tempfile.TemporaryDirectory(prefix="lms-bench-", dir=folders.fastest()) as folder,
        postgres.server() as url,
    ):
        os.environ["TEST_POSTGRES_URL"] = url
        servers: tuple[Server, ...] = (Sqlite(Path(folder)), Postgresql("bench"))
        # One at a time: each is dropped when the next is asked for.
        yield (school for server in servers for school in _school(server, enrollments))


def _school(server: Server, enrollments: int) -> Iterator[tuple[str, Flask]]:
    with server.migrated() as url:
        app = create_app(settings(url))
        with app.app_context():
            with writer(db.engine, checks_references=False).begin() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA cache_size = -2000000")
                fill(connection, enrollments)
            db.engine.dispose()
            if db.engine.dialect.name == "postgresql":
                with psycopg.connect(url, autocommit=True) as cleaner:
                    cleaner.execute("VACUUM ANALYZE")
            yield url, app
            db.session.remove()
            db.engine.dispose()
