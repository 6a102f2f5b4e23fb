"""SQLite has no ALTER for constraints: a table that lost some is built anew around its rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from lms.db import writer
from lms.refusals import Refusal
from lms.schema.reference import sqlite_reference

_KINDS = ("index", "trigger")
Definitions = dict[str, tuple[str, str]]
"""By name: the table that it belongs to, and its SQL."""


class BrokenReferences(RuntimeError):  # noqa: N818 - a fact
    """Rows refer to others that are not there."""


class UnknownColumns(Refusal):
    """A table holds what the portal does not know, which building it anew would lose."""


def put_back(engine: Engine) -> list[str]:
    """Bring all tables, indexes and triggers back to what migrations make."""
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
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchone():
            raise BrokenReferences(f"{broken[0]} {broken[1]} refers to no row of {broken[2]}")
        return [*tables, *parts]


@contextmanager
def _unreferenced(engine: Engine) -> Iterator[Connection]:
    """Lend a connection on which dropping a table deletes nothing that refers to it."""
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
        _rebuild(connection, name, expected[name][1], _columns(reference, name))
    return altered


def _rebuild(connection: Connection, name: str, definition: str, columns: list[str]) -> None:
    found = _columns(connection, name)
    if set(found) != set(columns):
        different = ", ".join(sorted(set(found) ^ set(columns)))
        raise UnknownColumns(
            f"The table {name} has other columns than the portal's ({different}): run "
            "`flask db upgrade`, or move what is not the portal's elsewhere, then try again."
        )
    listed = ", ".join(f'"{column}"' for column in columns)
    # Ids are never used twice, also those of rows that are gone: the counter moves along.
    counter = "SELECT seq FROM sqlite_sequence WHERE name = ?"
    last_id = connection.exec_driver_sql(counter, (name,)).scalar()
    connection.exec_driver_sql(f'ALTER TABLE "{name}" RENAME TO "lost_{name}"')
    connection.exec_driver_sql(definition)
    rows = f'SELECT {listed} FROM "lost_{name}"'  # noqa: S608 - the names of our own tables
    connection.exec_driver_sql(f'INSERT INTO "{name}" ({listed}) {rows}')
    connection.exec_driver_sql(f'DROP TABLE "lost_{name}"')
    if last_id is not None:
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence VALUES (?, ?)", (name, last_id))


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


def _columns(connection: Connection, name: str) -> list[str]:
    return [row.name for row in connection.exec_driver_sql(f'PRAGMA table_info("{name}")')]
