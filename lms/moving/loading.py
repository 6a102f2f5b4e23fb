"""Writing rows as they are, on either engine: triggers rest, references are checked at the end."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Insert,
    Table,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy import insert as insert_into

from lms import schema
from lms.moving.rows import TABLES, Row, is_json
from lms.refusals import Refusal


class BrokenReferences(Refusal):
    """A row refers to another that isn't there."""


def empty(connection: Connection) -> None:
    """Delete what migrations have written."""
    for table in reversed(TABLES):
        connection.execute(delete(table))


def insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows with all their columns."""
    if connection.dialect.name == "sqlite":
        names = [column.key for column in table.columns]
        named = [dict(zip(names, row, strict=True)) for row in rows]
        connection.execute(_insert_statement(table), named)
        return
    structured = [place for place, holds in enumerate(is_json(table)) if holds]
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - narrows the type
    with driver.cursor() as cursor, cursor.copy(_copy_statement(table)) as written:
        for row in rows:
            values: list[Any] = list(row)
            for place in structured:
                if values[place] is not None:
                    values[place] = json.dumps(values[place])
            written.write_row(values)


def take_triggers(connection: Connection) -> dict[str, str]:
    """Let the portal's triggers rest: what they would count or refuse has been counted before.

    Return what `restore_triggers` needs.
    """
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


def lift_ids(connection: Connection, used: Mapping[str, int]) -> None:
    """Let no id be given again that a row of the source has, or had."""
    for table in TABLES:
        if table.name in schema.counted_tables():
            there = connection.scalar(select(func.max(table.c.id))) or 0
            schema.set_last_id(connection, table.name, max(used.get(table.name, 0), there))


def check_references(connection: Connection) -> None:
    """Raise BrokenReferences where a row refers to none; PostgreSQL has checked each by now."""
    if connection.dialect.name == "sqlite":
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchone():
            raise BrokenReferences(
                f"A row of {broken[0]} refers to a missing one of {broken[2]}. Run"
                " `flask sync auto-fix` first."
            )
    else:
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")


@cache
def _insert_statement(table: Table) -> Insert:
    """Return an INSERT of whole rows; of a column for JSON, None is NULL and not JSON's null."""
    values = {
        column.key: bindparam(column.key, type_=JSON(none_as_null=True) if holds else column.type)
        for column, holds in zip(table.columns, is_json(table), strict=True)
    }
    return insert_into(table).values(values)


@cache
def _copy_statement(table: Table) -> str:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'COPY "{table.name}" ({columns}) FROM STDIN'
