"""The fill itself, without the triggers and indexes that act row by row; they return at its end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

from lms.db import writer
from lms.migrations.counts import sums as counts
from lms.migrations.counts.declared import price_parts
from tests.bench.school import learning, money, pairs, people, record
from tests.bench.school.size import Size
from tests.bench.school.spelling import SPAN, SPELLINGS


def fill(engine: Engine, size: Size) -> None:
    """Fill an empty, migrated database; what it enforces holds again afterwards."""
    with writer(engine, checks_references=False).begin() as connection:
        with _unenforced(connection):
            for statement in _statements(connection.dialect.name, size):
                connection.execute(text(statement))
        connection.execute(text("DROP TABLE pairs"))
        recount(connection)


def recount(connection: Connection) -> None:
    """Compute what triggers and verbs would have kept beside the rows."""
    dialect = connection.dialect.name
    for statement in (*counts.fill(dialect), *counts.fill(dialect, price_parts())):
        connection.execute(text(statement))


def _statements(dialect: str, size: Size) -> Iterator[str]:
    sql, now = SPELLINGS[dialect], int(time.time())
    began = now - SPAN
    yield from people.statements(size, sql, began, now)
    yield from pairs.pairs(size, began, SPAN - 86_400)  # the last chapters end before now
    yield from learning.statements(sql)
    yield from money.statements(size, sql, now)
    yield from record.statements(size, sql, now)
    if dialect == "postgresql":
        yield from _sequences()


def _sequences() -> Iterator[str]:
    """Let the next ids follow those that were given by number."""
    for table in ("users", "courses", "chapters", "enrollments", "student_progress"):
        yield f"SELECT setval('{table}_id_seq', max(id)) FROM {table}"
    for table in ("access_sources", "decisions", "access_requests", "payments"):
        yield f"SELECT setval('{table}_id_seq', max(id)) FROM {table}"


@contextmanager
def _unenforced(connection: Connection) -> Iterator[None]:
    """Take what acts on each row away meanwhile."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield
        connection.exec_driver_sql("SET LOCAL session_replication_role = origin")
        return
    connection.exec_driver_sql("PRAGMA cache_size = -1000000")
    connection.exec_driver_sql("PRAGMA temp_store = MEMORY")
    parts = connection.exec_driver_sql(
        "SELECT type, name, sql FROM sqlite_master"
        " WHERE type IN ('trigger', 'index') AND sql IS NOT NULL ORDER BY type"
    ).all()
    for part in parts:
        connection.exec_driver_sql(f'DROP {part.type} "{part.name}"')
    yield
    for part in parts:
        connection.exec_driver_sql(part.sql)
