"""Databases beside the portal's own: checked for being empty, and brought to the newest schema."""

from collections.abc import Iterator
from contextlib import contextmanager

import flask_migrate
from flask import Flask
from sqlalchemy import Connection, Engine, inspect

from lms.db import db
from lms.moving.database import Database
from lms.moving.rows import TABLES
from lms.refusals import Refusal
from lms.schema.reference import bare_app
from lms.unfinished import is_unfinished

_BEGUN = frozenset(("book_clocks", "clock_changes", "current_counts", "daily_counts", "versions"))
"""What migrations themselves write into, and the worker of a portal that nobody uses yet."""
_MARK = "alembic_version"


class NotEmpty(Refusal):
    """The target holds something already."""


@contextmanager
def migrated(address: str) -> Iterator[Engine]:
    """Yield the engine of a database that is empty or the portal's, at the newest schema."""
    with _beside(address) as (app, engine):
        _upgrade(app)
        yield engine


@contextmanager
def emptied(address: str) -> Iterator[Engine]:
    """Yield the engine of an empty database, migrated; raises NotEmpty, having changed nothing.

    Or of one into which a copy was interrupted, as it is.
    """
    with _beside(address) as (app, engine):
        with engine.connect() as connection:
            is_begun = is_unfinished(connection)
            if not is_begun:
                check_empty(connection)
        if not is_begun:
            _upgrade(app)
        yield engine


def check_empty(connection: Connection) -> None:
    """Raise NotEmpty for a database in which there is anything but an empty portal."""
    present = set(inspect(connection).get_table_names()) - {_MARK}
    if foreign := present - {table.name for table in TABLES}:
        raise NotEmpty(_detail(f"there is a table {min(foreign)}"))
    for table in TABLES:
        if table.name in present - _BEGUN and Database(connection).count(table):
            raise NotEmpty(_detail(f"there are rows in {table.name}"))


def _detail(what: str) -> str:
    return f"The target isn't empty: {what}. Nothing was changed. Create a new database for it."


@contextmanager
def _beside(address: str) -> Iterator[tuple[Flask, Engine]]:
    # The caller stays in the portal's own context, whose settings others ask for.
    app = bare_app(address)
    with app.app_context():
        engine = db.engine
    try:
        yield app, engine
    finally:
        engine.dispose()


def _upgrade(app: Flask) -> None:
    with app.app_context():
        flask_migrate.upgrade()
