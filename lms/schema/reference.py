"""The schema as it should be: all migrations, run in an empty place of their own.

A process runs them once: they don't change while it lives.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import flask_migrate
from flask import Flask
from sqlalchemy import Connection, StaticPool, create_engine, event
from sqlalchemy.engine import Engine

from lms.database_address import checked, written_out
from lms.db import db, init_app, writer
from lms.revisions import init_revisions

Entry = dict[str, Any]


@contextmanager
def sqlite_reference() -> Iterator[Connection]:
    """Yield a connection to a new SQLite database with the complete schema."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.deserialize(_sqlite_image())
        yield connection
    engine.dispose()


@cache
def _sqlite_image() -> bytes:
    with tempfile.TemporaryDirectory(prefix="lms-reference-") as folder:
        path = Path(folder) / "reference.db"
        app = bare_app(f"sqlite:///{path}")
        with app.app_context():
            flask_migrate.upgrade()
            db.engine.dispose()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")  # in memory there is no other file
            return connection.serialize()


@contextmanager
def postgresql_reference(engine: Engine) -> Iterator[str]:
    """Yield the name of a new schema in the same database with the complete schema."""
    name = f"lms_reference_{uuid4().hex[:12]}"
    _execute(engine, f"CREATE SCHEMA {name}")
    try:
        app = bare_app(written_out(engine.url))
        with app.app_context():

            @event.listens_for(db.engine, "connect")
            def look_there(connection: Any, _record: object) -> None:
                connection.execute(f"SET search_path TO {name}")
                connection.commit()

            flask_migrate.upgrade()
            db.engine.dispose()
        yield name
    finally:
        _execute(engine, f"DROP SCHEMA {name} CASCADE")


def bare_app(url: str) -> Flask:
    """Return an app that is nothing but a database and its migrations."""
    app = Flask("reference")
    app.config["DATABASE_URL"] = written_out(checked(url))
    init_app(app)
    init_revisions(app, db)
    return app


def _execute(engine: Engine, statement: str) -> None:
    with writer(engine).begin() as connection:
        connection.exec_driver_sql(statement)
