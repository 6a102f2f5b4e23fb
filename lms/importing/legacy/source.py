"""The old database: opened for reading only, at one moment of its life."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Text,
    cast,
    create_engine,
    func,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from lms.importing.legacy.address import Address, NoOldSchool
from lms.importing.legacy.catalog import Found, tables
from lms.importing.legacy.names import Matching, OldTable
from lms.importing.legacy.values import Row, decoded, is_set
from lms.postgresql import identity

PATIENCE_SECONDS = 5
"""How long another program may hold the old file locked."""
BATCH = 1_000
_OWN = "This is the portal's own database. Enter the address of the earlier system's."
_ARCHIVE = b"PGDMP"
_ZIP = b"PK\x03\x04"
_OF_DUMPS = ("CREATE TABLE", "INSERT INTO", "SQL DUMP")


@dataclass(frozen=True)
class OldSchool:
    """An old database that is open."""

    address: str
    """Without the password."""
    connection: Connection
    tables: list[OldTable]
    unread: list[str] = field(default_factory=list)
    """Tables and columns that the portal does not read."""

    def columns(self, name: str) -> frozenset[str]:
        """Return which of our columns a table has."""
        return frozenset(
            column for old in self.tables if old.name == name for column in old.columns
        )

    def batches(self, old: OldTable) -> Iterator[list[Row]]:
        """Read a table bit by bit, in the order of its ids where it has any."""
        actual = [name for names in old.columns.values() for name in names]
        clause = old.found.clause
        statement = select(*(_plain(self.connection, clause.c[name]) for name in actual))
        if "id" in old.columns:
            statement = statement.order_by(*(clause.c[name] for name in old.columns["id"]))
        result = self.connection.execution_options(stream_results=True, yield_per=BATCH).execute(
            statement
        )
        ours = _ours(old.columns)
        for rows in result.partitions(BATCH):
            yield [ours(row) for row in rows]

    def different(self, old: OldTable, *columns: str, most: int) -> Iterator[Row]:
        """Read what different values a table has in these of our columns, up to so many."""
        wanted = {name: old.columns[name] for name in columns if name in old.columns}
        actual = [name for names in wanted.values() for name in names]
        if not actual:
            return
        chosen = [_plain(self.connection, old.found.clause.c[name]) for name in actual]
        statement = select(*chosen).distinct().limit(most)
        yield from map(_ours(wanted), self.connection.execute(statement))


@contextmanager
def opened(where: Address, portal: Engine, matching: Matching) -> Iterator[OldSchool]:
    """Open the old database; raises NoOldSchool in words."""
    is_file = where.url.drivername == "sqlite"
    own = _identity_of(portal)
    engine = _sqlite(where, portal) if is_file else _postgresql(where)
    try:
        with engine.connect() as connection:
            if is_file:
                _driver(connection).execute("BEGIN")  # one moment, whatever is written meanwhile
            else:
                _settle(connection, where.schema)
                if own is not None and identity(connection) == own:
                    raise NoOldSchool(_OWN)
            found = matching.match(_in_reach(tables(connection), where.schema), connection)
            yield OldSchool(where.shown, connection, found.tables, found.unread)
    except DBAPIError as error:
        raise NoOldSchool(f"The earlier system's database can't be read: {_cause(error)}") from None
    finally:
        engine.dispose()


def _in_reach(found: list[Found], schema: str | None) -> list[Found]:
    return [each for each in found if schema is None or each.schema == schema]


def _sqlite(where: Address, portal: Engine) -> Engine:
    path = Path(str(where.url.database))
    if not path.exists():
        hint = ""
        if not path.is_absolute():
            hint = (
                f" Relative paths start at {Path.cwd()}; Prisma's start at the folder of its"
                " schema.prisma, so give the full path."
            )
        raise NoOldSchool(f"The file {path} doesn't exist.{hint}")
    if not path.is_file():
        raise NoOldSchool(f"{path} isn't a file.")
    if portal.url.drivername == "sqlite" and portal.url.database:
        own = Path(portal.url.database)
        if own.exists() and own.samefile(path):
            raise NoOldSchool(_OWN)
    if other := another_kind(path):
        raise NoOldSchool(f"{path} can't be read: {other}")
    return create_engine("sqlite://", creator=partial(_connect, path), poolclass=NullPool)


def another_kind(path: Path) -> str:
    """Return what a file is that people take for a database, and what to do; blank if nothing."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(_ARCHIVE):
        return (
            "it is a pg_dump archive. Restore it into an empty database with pg_restore, and"
            " give that database's address."
        )
    if head.startswith(_ZIP):
        return (
            "it is a ZIP or an Excel file. Unpack a ZIP file first. To import a list of people,"
            " import it as a roster instead."
        )
    words = head.decode("latin-1").upper()
    if "SQLITE FORMAT 3" not in words and any(sign in words for sign in _OF_DUMPS):
        return (
            "it is a dump of SQL statements. Load it into an empty database first, for instance"
            f" with: sqlite3 old.db < {path.name}"
        )
    return ""


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
        connection.execute("PRAGMA trusted_schema=OFF")  # whoever wrote it may mean harm
        connection.execute("SELECT name FROM sqlite_master").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _postgresql(where: Address) -> Engine:
    # No prepared statements, no options at the start: poolers refuse both.
    return create_engine(
        where.url,
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
        connect_args={"prepare_threshold": None, **_patience(where)},
    )


def _patience(where: Address) -> dict[str, int]:
    return {} if "connect_timeout" in where.url.query else {"connect_timeout": 5}


def _settle(connection: Connection, schema: str | None) -> None:
    """Read times and dates in one form, whatever the server prefers, for this transaction."""
    settings = {"timezone": "UTC", "datestyle": "ISO", "bytea_output": "hex"}
    connection.execute(select(*(func.set_config(*each, True) for each in settings.items())))
    if schema is not None:
        path = select(func.set_config("search_path", func.quote_ident(schema), True))
        connection.execute(path)


def _identity_of(portal: Engine) -> Any:
    if portal.dialect.name != "postgresql":
        return None
    with portal.connect() as connection:
        return identity(connection)


def _plain(connection: Connection, held: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column in a form that no driver chokes on: infinite dates, say."""
    return held if connection.dialect.name == "sqlite" else cast(held, Text)


def _ours(columns: Mapping[str, Sequence[str]]) -> Callable[[Sequence[Any]], Row]:
    """Return what puts rows, of these columns in their order, under our names.

    Of two spellings side by side it takes the first that says something; of several marks, such as
    `banned` and `suspended`, the first that is set.
    """
    places: list[tuple[str, int, int]] = []
    end = 0
    for name, held in columns.items():
        places.append((name, end, end + len(held)))
        end += len(held)
    if all(last == first + 1 for _, first, last in places):
        names = list(columns)
        return lambda row: dict(zip(names, row, strict=True))
    return lambda row: {
        name: row[first] if last == first + 1 else _first(name, list(row[first:last]))
        for name, first, last in places
    }


def _first(ours: str, found: list[Any]) -> Any:
    if len(found) > 1 and ours in MARKS and (marked := [each for each in found if is_set(each)]):
        return marked[0]
    return next((each for each in found if each is not None), None)


MARKS = frozenset(
    (
        *("deleted_at", "closed_at", "ended_at", "archived_at", "refunded_at", "is_admin"),
        *("approved_at", "rejected_at"),
    )
)
"""Columns of which any may say that something is over; one that says nothing does not undo it."""


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _cause(error: DBAPIError) -> str:
    found = " ".join(str(error.orig).split())
    if "database is locked" in found:
        return "another program has locked it. Stop that program and try again."
    if "not a database" in found:
        return "it isn't an SQLite database."
    return found
