"""The old database: opened for reading only, its tables and columns found under either spelling."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Text,
    cast,
    column,
    create_engine,
    func,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from lms.importing.legacy.values import Row, decoded
from lms.refusals import Refusal

PATIENCE_SECONDS = 5
"""How long another program may hold the old file locked."""
BATCH = 1_000
Spellings = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Of each table and column that is read, how it may be spelled, in small letters alone."""

_OWN_TABLES = frozenset(("alembicversion", "sqlitesequence"))


class NoOldSchool(Refusal):
    """Nothing at this address can be imported; the message says why."""


@dataclass(frozen=True)
class OldTable:
    """A table of the old database, and how its columns map to ours."""

    name: str
    actual: str
    columns: dict[str, list[str]]
    rows: int


@dataclass(frozen=True)
class OldSchool:
    """An old database that is open."""

    address: str
    """Without the password."""
    connection: Connection
    tables: list[OldTable]
    unread: list[str] = field(default_factory=list)
    """Tables and columns that the portal has no place for."""

    def columns(self, name: str) -> frozenset[str]:
        """Return which of our columns a table has."""
        return frozenset(
            column for old in self.tables if old.name == name for column in old.columns
        )

    def batches(self, old: OldTable) -> Iterator[list[Row]]:
        """Read a table bit by bit, in the order of its ids where it has any."""
        actual = [name for names in old.columns.values() for name in names]
        statement = select(*(_plain(self.connection, name) for name in actual)).select_from(
            table(old.actual)
        )
        if "id" in old.columns:
            statement = statement.order_by(*(column(name) for name in old.columns["id"]))
        result = self.connection.execution_options(stream_results=True, yield_per=BATCH).execute(
            statement
        )
        for rows in result.partitions(BATCH):
            yield [_ours(old, dict(zip(actual, row, strict=True))) for row in rows]


@contextmanager
def opened(address: str, portal: Engine, spellings: Spellings) -> Iterator[OldSchool]:
    """Open the old database at one moment of its life; raises NoOldSchool in words."""
    url = _checked(address)
    own = _identity_of(portal)
    engine = _sqlite(url, portal.url) if url.drivername == "sqlite" else _postgresql(url)
    try:
        with engine.connect() as connection:
            if url.drivername == "sqlite":
                _driver(connection).execute("BEGIN")  # one moment, whatever is written meanwhile
            elif own is not None and _identity(connection) == own:
                raise NoOldSchool(_OWN)
            tables, unread = _tables(connection, spellings)
            yield OldSchool(url.render_as_string(hide_password=True), connection, tables, unread)
    except DBAPIError as error:
        raise NoOldSchool(f"The old database can't be read: {_cause(error)}") from None
    finally:
        engine.dispose()


_OWN = "This is the portal's own database. Enter the address of the old one."


def _checked(address: str) -> URL:
    try:
        url = make_url(address)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        raise NoOldSchool(
            "This isn't a database address. Use one such as sqlite:///old.db or"
            " postgresql://user:password@host/database."
        ) from None
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise NoOldSchool(
            f"Only SQLite and PostgreSQL can be read, not {backend}."
            " Load the old database into one of them first."
        )
    if not url.database or url.database == ":memory:":
        raise NoOldSchool("Enter the file of the old database, such as sqlite:///old.db.")
    return url.set(drivername="sqlite")


def _sqlite(url: URL, portal: URL) -> Engine:
    path = Path(str(url.database))
    if not path.exists():
        raise NoOldSchool(f"The file {path} doesn't exist.")
    if not path.is_file():
        raise NoOldSchool(f"{path} isn't a file.")
    if portal.drivername == "sqlite" and portal.database:
        own = Path(portal.database)
        if own.exists() and own.samefile(path):
            raise NoOldSchool(_OWN)
    return create_engine("sqlite://", creator=partial(_connect, path), poolclass=NullPool)


def _connect(path: Path) -> sqlite3.Connection:
    """Connect without ever writing or waiting long."""
    location = f"file:{quote(str(path.resolve()))}?mode=ro"
    try:
        return _proven(location)
    except sqlite3.OperationalError as error:
        # In a folder that we may not write to, SQLite cannot open a journal. Where there is none,
        # there is nothing in it that the file lacks.
        has_journal = path.with_name(f"{path.name}-wal").exists()
        if has_journal or "unable to open" not in str(error):
            raise
        return _proven(f"{location}&immutable=1")


def _proven(location: str) -> sqlite3.Connection:
    connection = sqlite3.connect(location, uri=True, timeout=PATIENCE_SECONDS)
    connection.isolation_level = None
    connection.text_factory = decoded
    try:
        connection.execute("SELECT name FROM sqlite_master").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _postgresql(url: URL) -> Engine:
    # Without LISTEN or writes; times and dates in one form, whatever the server prefers.
    query = {key: value for key, value in url.query.items() if key != "options"}
    own_options = str(url.query.get("options", ""))
    settings = "-c timezone=UTC -c datestyle=ISO -c bytea_output=hex"
    return create_engine(
        url.set(query=query),
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
        connect_args={"connect_timeout": 5, "options": f"{own_options} {settings}".strip()},
    )


def _identity_of(portal: Engine) -> Any:
    if portal.dialect.name != "postgresql":
        return None
    with portal.connect() as connection:
        return _identity(connection)


def _identity(connection: Connection) -> Any:
    """Return what a server says of itself: one database has many addresses."""
    return tuple(
        connection.execute(
            select(func.pg_postmaster_start_time(), func.current_database(), func.current_schema())
        ).one()
    )


def _tables(connection: Connection, spellings: Spellings) -> tuple[list[OldTable], list[str]]:
    inspector = inspect(connection)
    ours = {_spelled(name): name for name in spellings}
    tables, unread = [], []
    for actual in sorted(inspector.get_table_names()):
        name = ours.get(_spelled(actual))
        if name is None:
            if _spelled(actual) not in _OWN_TABLES:
                unread.append(actual)
            continue
        present = [found["name"] for found in inspector.get_columns(actual)]
        columns = _columns(spellings[name], present)
        used = {found for names in columns.values() for found in names}
        unread += [f"{actual}.{found}" for found in present if found not in used]
        if columns:
            rows = connection.scalar(select(func.count()).select_from(table(actual))) or 0
            tables.append(OldTable(name, actual, columns, rows))
    order = list(spellings)
    tables.sort(key=lambda found: order.index(found.name))
    if not tables:
        raise NoOldSchool(
            f"This isn't a school's database: it has none of the tables {', '.join(spellings)},"
            " in either spelling."
        )
    return tables, unread


def _columns(spellings: Mapping[str, tuple[str, ...]], present: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for ours, names in spellings.items():
        matching = [
            actual for spelling in names for actual in present if _spelled(actual) == spelling
        ]
        if matching:
            found[ours] = matching
    return found


def _spelled(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _plain(connection: Connection, name: str) -> Any:
    """Return a column in a form that no driver chokes on: infinite dates, say."""
    if connection.dialect.name == "sqlite":
        return column(name)
    return cast(column(name), Text).label(name)


def _ours(old: OldTable, row: Row) -> Row:
    """Return a row under our names; of two spellings side by side the first that says something."""
    return {
        ours: next((row[name] for name in names if row[name] is not None), None)
        for ours, names in old.columns.items()
    }


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _cause(error: DBAPIError) -> str:
    found = " ".join(str(error.orig).split())
    if "database is locked" in found:
        return "another program has locked it. Stop that program and try again."
    if "not a database" in found:
        return "it isn't a SQLite database."
    return found
