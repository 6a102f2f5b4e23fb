"""Bad rows as a restored dump brings them: past keys, checks, triggers and unique indexes."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
from sqlalchemy.engine import make_url

from lms.migrations.counts.sums import SCHOOL_DAY, fill


class Damage(Protocol):
    """Raw access to a database in which nothing is enforced."""

    no_time: str
    """What a column for times takes and no calendar knows."""

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Execute one statement with `?` for its values and return the rows."""

    def lift(self, *tables: str) -> None:
        """Take the unique constraints and CHECKs of tables away, as a careless restore does."""


@contextmanager
def damaging(url: str) -> Iterator[Damage]:
    """Open a database with its guards switched off; commit at the end.

    A dump brings its sums along, and they fit its rows, unless it is they that are damaged.
    """
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("PRAGMA ignore_check_constraints=ON")
        try:
            triggers = _take_triggers(connection)
            damage = _Sqlite(connection)
            yield damage
            _recount(damage, "sqlite")
            for trigger in triggers:
                connection.execute(trigger)
            connection.commit()
        finally:
            connection.close()
    else:
        address = make_url(url).set(drivername="postgresql")
        with psycopg.connect(address.render_as_string(hide_password=False)) as server:
            server.execute("SET session_replication_role = replica")
            raw = _Postgresql(server)
            yield raw
            _recount(raw, "postgresql")


_CHECK = re.compile(r"\s*CONSTRAINT \S+ CHECK \((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")


class _Sqlite:
    no_time = "garbage"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.is_miscounted = False

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        self.is_miscounted |= "_counts" in statement
        return self._connection.execute(statement, values).fetchall()

    def lift(self, *tables: str) -> None:
        self._connection.execute("PRAGMA legacy_alter_table=ON")
        for table in tables:
            self._rebuild(table)

    def _rebuild(self, table: str) -> None:
        schema = self.run("SELECT sql FROM sqlite_master WHERE name = ?", table)[0][0]
        indexes = self.run(
            "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type = 'index'"
            " AND sql IS NOT NULL AND sql NOT LIKE '%UNIQUE%'",
            table,
        )
        # A column that a later release added stands, with its CHECK, on the line of another.
        lines = [_CHECK.sub("", line).rstrip().rstrip(",") for line in schema.splitlines()]
        kept = [
            line
            for line in lines[1:-1]
            if not re.search(r"CONSTRAINT \S+ UNIQUE", line) and line.strip()
        ]
        self.run(f"ALTER TABLE {table} RENAME TO old_{table}")
        self.run(f"CREATE TABLE {table} (\n" + ",\n".join(kept) + "\n)")
        self.run(f"INSERT INTO {table} SELECT * FROM old_{table}")
        self.run(f"DROP TABLE old_{table}")
        for (index,) in indexes:
            self.run(index)


class _Postgresql:
    no_time = "infinity"

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection
        self.is_miscounted = False

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        self.is_miscounted |= "_counts" in statement
        cursor = self._connection.execute(statement.replace("?", "%s").encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def lift(self, *tables: str) -> None:
        for table in tables:
            for (name,) in self.run(
                "SELECT conname FROM pg_constraint WHERE conrelid = ?::regclass"
                " AND contype IN ('u', 'c')",
                table,
            ):
                self.run(f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE")
            for (name,) in self.run(
                "SELECT indexname FROM pg_indexes WHERE tablename = ?"
                " AND indexdef LIKE 'CREATE UNIQUE%%' AND indexname NOT LIKE 'pk_%%'",
                table,
            ):
                self.run(f"DROP INDEX {name}")


def _recount(damage: "_Sqlite | _Postgresql", dialect: str) -> None:
    if not damage.is_miscounted:
        for statement in (
            "DELETE FROM daily_counts",
            "DELETE FROM current_counts",
            *fill(dialect, days=SCHOOL_DAY),
        ):
            damage.run(statement)


def _take_triggers(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    triggers = found.fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    return [sql for _, sql in triggers]
