"""Very many rows as a temporary table: as a parameter they take longer to read than to write."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Index, Integer, MetaData, Table
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from lms.db import guard_change


def carrier(name: str, *items: Column[Any] | Index) -> Table:
    """Return a temporary table for rows of these columns, and `place` before them."""
    place = Column("place", Integer, primary_key=True, autoincrement=False)
    return Table(f"carried_{name}", MetaData(), place, *items, prefixes=["TEMPORARY"])


def carry(session: Session, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Let a carrier hold these rows and no others, for this transaction.

    Their values are as the driver takes them; times are text in UTC.
    """
    guard_change(session)
    is_sqlite = empty(session, table) == "sqlite"
    cursor: Any = session.connection().connection.cursor()
    names = [column.name for column in table.columns]
    columns = ", ".join(f'"{name}"' for name in names)
    placed = ((place, *row) for place, row in enumerate(rows))
    try:
        if is_sqlite:
            marks = ", ".join("?" * len(names))
            # Our own names.
            into = f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})'  # noqa: S608  # nosec B608
            cursor.executemany(into, placed)
        else:
            with cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
                write: Callable[[Sequence[Any]], None] = copy.write_row
                for row in placed:
                    write(row)
    finally:
        cursor.close()


def empty(session: Session, table: Table) -> str:
    """Let a carrier hold nothing, made if it is not there; return which database holds it."""
    connection = session.connection()
    name = connection.dialect.name
    made = session.info.setdefault("carriers", {})
    if table.name in made:
        connection.exec_driver_sql(
            f'DELETE FROM "{table.name}"' if name == "sqlite" else f'TRUNCATE "{table.name}"'  # noqa: S608  # nosec B608
        )
        return name
    # SQLite's outlives a transaction, as long as its connection.
    connection.execute(DropTable(table, if_exists=True))
    connection.execute(CreateTable(table))
    for index in table.indexes:
        connection.execute(CreateIndex(index))
    made[table.name] = table
    return name


def drop_carriers(session: Session) -> None:
    """Leave nothing of what was carried."""
    for table in session.info.pop("carriers", {}).values():
        session.connection().execute(DropTable(table))
