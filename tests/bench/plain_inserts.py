"""The floor of an import: the same rows by plain bulk inserts, in one transaction.

Into tables of the same columns, primary keys and indexes, without triggers, CHECKs, defaults and
foreign keys: what no import can do without, and nothing else.
"""

import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Connection,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
    create_engine,
    make_url,
    select,
)
from sqlalchemy.pool import NullPool

from lms.db import Base

_BATCH = 10_000


def plain_inserts(portal: str, empty: str) -> float:
    """Write the rows of a portal into an empty database, and return the seconds of writing alone.

    They are read before, batch by batch, as the driver gets them; only `executemany` counts, and
    the COMMIT.
    """
    source, target = (create_engine(_address(url), poolclass=NullPool) for url in (portal, empty))
    seconds = 0.0
    with source.connect() as reading, target.connect() as writing:
        if writing.dialect.name == "sqlite":
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                writing.exec_driver_sql(f"PRAGMA {pragma}")
        writing.commit()
        for table in _plain_tables():
            table.create(writing)
            for rows in _rows(reading, table):
                seconds += _inserted(writing, table, rows)
        began = time.perf_counter()
        writing.commit()
        seconds += time.perf_counter() - began
    return seconds


def _plain_tables() -> list[Table]:
    metadata = MetaData()
    tables = []
    for table in Base.metadata.sorted_tables:
        columns = [_bare(column) for column in table.columns]
        unique = [
            UniqueConstraint(*(column.name for column in rule.columns))
            for rule in table.constraints
            if isinstance(rule, UniqueConstraint)
        ]
        plain = Table(table.name, metadata, *columns, *unique)
        for index in table.indexes:
            _like(index, plain)
        tables.append(plain)
    return tables


def _bare(column: Any) -> Any:
    plain = column._copy()
    plain.foreign_keys.clear()
    plain.constraints.clear()
    plain.server_default = plain.default = plain.index = plain.unique = None
    return plain


def _like(index: Index, table: Table) -> None:
    names = [str(getattr(column, "name", "")) for column in index.expressions]
    if all(name in table.c for name in names):
        Index(index.name, *(table.c[name] for name in names))


def _rows(reading: Connection, table: Table) -> Iterator[list[Any]]:
    streamed = reading.execution_options(stream_results=True, yield_per=_BATCH)
    for rows in streamed.execute(select(*table.columns)).partitions(_BATCH):
        yield list(rows)


def _inserted(writing: Connection, table: Table, rows: list[Any]) -> float:
    """Insert rows by the driver's own executemany; what SQLAlchemy would add doesn't count."""
    compiled = table.insert().compile(dialect=writing.dialect)
    names = list(compiled.params)
    processors: dict[str, Any] = dict(compiled._bind_processors)
    ready = [
        tuple(
            processors[name](value) if name in processors else value
            for name, value in zip(names, row, strict=True)
        )
        for row in rows
    ]
    marks = "?" if writing.dialect.name == "sqlite" else "%s"
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f'INSERT INTO "{table.name}" ({columns}) VALUES ({", ".join([marks] * len(names))})'
    cursor = writing.connection.cursor()
    began = time.perf_counter()
    cursor.executemany(statement, ready)
    seconds = time.perf_counter() - began
    cursor.close()
    return seconds


def _address(url: str) -> str:
    address = make_url(url)
    if address.drivername == "sqlite":
        return url
    plain = address.set(drivername="postgresql+psycopg")
    return plain.render_as_string(hide_password=False)
