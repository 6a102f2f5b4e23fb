"""What rests in a target while it is filled, and how it acts again at the end.

Triggers: what they would count or refuse has been counted before. Indexes and, on PostgreSQL,
references: over all rows at once they cost a fraction of what they cost row by row. What is unique
stays so throughout. Each is a statement that makes it again as it was.
"""

import re
from collections.abc import Mapping

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from lms import schema
from lms.moving.rows import TABLES
from lms.refusals import Refusal

_INDEXES_OF_SQLITE = """
    SELECT name, name, sql FROM sqlite_master
    WHERE type = 'index' AND sql LIKE 'CREATE INDEX %' ORDER BY rowid"""
_INDEXES_OF_POSTGRESQL = """
    SELECT i.relname, i.relname, pg_get_indexdef(i.oid) FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid
    WHERE i.relnamespace = to_regnamespace(current_schema()) AND NOT x.indisunique
    ORDER BY i.relname"""
_REFERENCES = """
    SELECT c.conname, t.relname, pg_get_constraintdef(c.oid) FROM pg_constraint c
    JOIN pg_class t ON t.oid = c.conrelid
    WHERE c.connamespace = to_regnamespace(current_schema()) AND c.contype = 'f'
    ORDER BY t.relname, c.conname"""
_MEANT = re.compile(r'^ALTER TABLE "([^"]*)" .* REFERENCES "?([^"(]*)"?\(')


class BrokenReferences(Refusal):
    """A row refers to another that isn't there."""


def take_triggers(connection: Connection) -> dict[str, str]:
    """Let the portal's triggers rest; return what `restore_triggers` needs."""
    if connection.dialect.name == "sqlite":
        return schema.take_triggers(connection)
    for table in TABLES:
        connection.exec_driver_sql(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER')
    return {}


def restore_triggers(connection: Connection, taken: Mapping[str, str]) -> None:
    """Let them act again."""
    schema.restore_triggers(connection, taken)
    if connection.dialect.name == "postgresql":
        for table in TABLES:
            connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER')


def take_indexes(connection: Connection) -> dict[str, str]:
    """Drop indexes that are not unique, and references; return the statements that make them."""
    is_sqlite = connection.dialect.name == "sqlite"
    indexes = connection.exec_driver_sql(
        _INDEXES_OF_SQLITE if is_sqlite else _INDEXES_OF_POSTGRESQL
    ).all()
    # SQLite's references rest by a PRAGMA of the connection.
    references = [] if is_sqlite else connection.exec_driver_sql(_REFERENCES).all()
    taken = {}
    for name, table, definition in references:
        connection.exec_driver_sql(f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"')
        again = f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition}'
        taken[f"{table}.{name}"] = again
    for name, _, definition in indexes:
        connection.exec_driver_sql(f'DROP INDEX "{name}"')
        taken[name] = definition
    return taken


def restore_indexes(connection: Connection, taken: Mapping[str, str]) -> None:
    """Make them again; raise BrokenReferences where a row refers to none."""
    for statement in taken.values():
        try:
            connection.exec_driver_sql(statement.replace("%", "%%"))
        except IntegrityError:
            if not (meant := _MEANT.match(statement)):
                raise
            raise broken(*meant.groups()) from None


def check_references(connection: Connection) -> None:
    """Raise BrokenReferences where a row refers to none; PostgreSQL sees it at the end."""
    if connection.dialect.name == "sqlite":
        if found := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchone():
            raise broken(found[0], found[2])
    else:
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")


def broken(table: str, other: str) -> BrokenReferences:
    """Return what to say of a row that refers to none."""
    return BrokenReferences(
        f"A row of {table} refers to a missing one of {other}. Run `flask sync auto-fix` first."
    )
