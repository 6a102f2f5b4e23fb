"""Writing rows as they are, on either engine."""

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


def lift_ids(connection: Connection, used: Mapping[str, int]) -> None:
    """Let no id be given again that a row of the source has, or had."""
    for table in TABLES:
        if table.name in schema.counted_tables():
            there = connection.scalar(select(func.max(table.c.id))) or 0
            schema.set_last_id(connection, table.name, max(used.get(table.name, 0), there))


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
