"""SQLite has no ALTER for constraints: a table that lost some is rebuilt around its rows."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from lms.db import db, writer
from lms.refusals import Refusal
from lms.schema import counters
from lms.schema.derived import forget
from lms.schema.reference import sqlite_reference

_KINDS = ("index", "trigger")
_UNIQUE_ID = (
    "CASE WHEN id IS NOT NULL AND row_number() OVER (PARTITION BY id ORDER BY rowid) = 1 THEN id"
    " ELSE coalesce(max(id) OVER (), 0) + row_number() OVER (ORDER BY rowid) END"
)
"""The first to have an id keeps it; any other, and one that has none, gets a new one."""
_KEYS = """
    SELECT t.name AS table_name, c.name, c.pk
    FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"""
Definitions = dict[str, tuple[str, str]]
"""By name: the table that it belongs to, and its SQL."""


class BrokenReferences(RuntimeError):  # noqa: N818 - a fact
    """Rows refer to others that are not there."""


class UnknownColumns(Refusal):
    """A table has columns unknown to the portal, which rebuilding it would lose."""


def restore(engine: Engine) -> list[str]:
    """Restore all tables, indexes and triggers to what the migrations create."""
    with (
        sqlite_reference() as reference,
        _unreferenced(engine) as connection,
        connection.begin(),
    ):
        others = [
            _definitions(kind, connection).items() - _definitions(kind, reference).items()
            for kind in _KINDS
        ]
        tables = _rebuild_tables(connection, reference)
        parts = [name for kind in _KINDS for name in _make_again(kind, connection, reference)]
        for kind, known in zip(_KINDS, others, strict=True):
            _keep(kind, dict(known), connection)
        forget(connection, parts)
        lifted = [counters.called(table) for table in counters.lift(connection)]
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchone():
            raise BrokenReferences(f"{broken[0]} {broken[1]} has no matching row in {broken[2]}")
        return [*tables, *parts, *lifted]


def restore_ids(engine: Engine) -> list[str]:
    """Give the rows of tables that lost their primary key ids again, and lift counters of ids.

    A copy by CREATE TABLE .. AS SELECT has none, and nobody can repair a row that has no name. Of
    the other rules none comes back yet, since the rows that break them are still there.
    """
    with engine.connect() as connection:
        if not (_without_ids(connection) or counters.lost(connection)):
            return []
    with (
        sqlite_reference() as reference,
        _unreferenced(engine) as connection,
        connection.begin(),
    ):
        known = {kind: _definitions(kind, connection) for kind in _KINDS}
        lost = _without_ids(connection)
        for name in lost:
            columns = _columns(reference, name)
            bare = ", ".join(f'"{column.name}" {_bare(column)}' for column in columns)
            values = {column.name: f'"{column.name}"' for column in columns} | {"id": _UNIQUE_ID}
            _rebuild(connection, name, f'CREATE TABLE "{name}" ({bare})', values)
        for kind in _KINDS:
            _keep(kind, known[kind], connection)
        return lost + [counters.called(table) for table in counters.lift(connection)]


@contextmanager
def _unreferenced(engine: Engine) -> Iterator[Connection]:
    """Yield a connection on which dropping a table deletes nothing that refers to it."""
    with writer(engine, checks_references=False).connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA legacy_alter_table=ON")  # others go on naming the table as it was
        try:
            yield connection
        finally:
            connection.invalidate()


def _rebuild_tables(connection: Connection, reference: Connection) -> list[str]:
    expected, actual = _definitions("table", reference), _definitions("table", connection)
    altered = [
        name
        for name in expected
        if name in actual and _words(expected[name]) != _words(actual[name])
    ]
    for name in altered:
        values = {column.name: _filled(column) for column in _columns(reference, name)}
        _rebuild(connection, name, expected[name][1], values)
    return altered


def _rebuild(connection: Connection, name: str, definition: str, values: dict[str, str]) -> None:
    """Rebuild a table around its rows; `values` has the SQL of each column."""
    found = {column.name for column in _columns(connection, name)}
    if found != set(values):
        different = ", ".join(sorted(found ^ set(values)))
        raise UnknownColumns(
            f"The columns of the table {name} differ from the portal's ({different}). Run "
            "`flask db upgrade`, or move that table elsewhere, then try again."
        )
    listed = ", ".join(f'"{column}"' for column in values)
    last_id = _last_id(connection, name)
    connection.exec_driver_sql(f'ALTER TABLE "{name}" RENAME TO "lost_{name}"')
    connection.exec_driver_sql(definition)
    rows = f'SELECT {", ".join(values.values())} FROM "lost_{name}"'  # noqa: S608 - our own names
    connection.exec_driver_sql(f'INSERT INTO "{name}" ({listed}) {rows}')
    connection.exec_driver_sql(f'DROP TABLE "lost_{name}"')
    if last_id := max(last_id, _last_id(connection, name)):
        counters.set_last_id(connection, name, last_id)


def _last_id(connection: Connection, name: str) -> int:
    """Return the highest id ever given: none is used twice, also those of rows that are gone."""
    counter = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?"
    return int(connection.exec_driver_sql(counter, (name,)).scalar_one())


def _make_again(kind: str, connection: Connection, reference: Connection) -> list[str]:
    """Create what is missing or different of one kind."""
    expected, actual = _definitions(kind, reference), _definitions(kind, connection)
    altered = [
        name for name in expected if _words(expected[name]) != _words(actual.get(name, ("", "")))
    ]
    for name in altered:
        connection.exec_driver_sql(f'DROP {kind} IF EXISTS "{name}"')
        connection.exec_driver_sql(expected[name][1])
    return altered


def _keep(kind: str, known: Definitions, connection: Connection) -> None:
    """Give a table that was built anew what is not the portal's: indexes and triggers of others."""
    actual = _definitions(kind, connection)
    for name, (_, sql) in known.items():
        if name not in actual:
            connection.exec_driver_sql(sql)


def _definitions(kind: str, connection: Connection) -> Definitions:
    rows = connection.exec_driver_sql(
        "SELECT name, tbl_name, sql FROM sqlite_master"
        " WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%'",
        (kind,),
    )
    return {row.name: (row.tbl_name, row.sql) for row in rows}


def _words(definition: tuple[str, str]) -> list[str]:
    """Return what a definition says, however it is laid out."""
    return definition[1].replace('"', "").split()


def _columns(connection: Connection, name: str) -> list[Any]:
    return list(connection.exec_driver_sql(f'PRAGMA table_info("{name}")'))


def _without_ids(connection: Connection) -> list[str]:
    """Return which tables of ours have all their columns, and an id that is no key."""
    keys: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.exec_driver_sql(_KEYS):
        keys[row.table_name][row.name] = row.pk
    return [
        table.name
        for table in db.metadata.sorted_tables
        if "id" in table.columns
        and keys[table.name].keys() == set(table.columns.keys())
        and not any(keys[table.name].values())
    ]


def _bare(column: Any) -> str:
    """Return a column's definition without what a row might break."""
    if column.name == "id":
        return "INTEGER PRIMARY KEY AUTOINCREMENT"
    default = "" if column.dflt_value is None else f" DEFAULT {column.dflt_value}"
    return f"{column.type}{default}"


def _filled(column: Any) -> str:
    """Return a column's value, or its default where there is none and has to be one."""
    name = f'"{column.name}"'
    is_filled = column.notnull and column.dflt_value is not None
    return f"coalesce({name}, {column.dflt_value})" if is_filled else name
