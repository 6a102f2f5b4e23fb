"""Alembic's environment: runs migrations on the application's own database."""

import re
from collections.abc import Sequence
from typing import Any, Literal

import click
import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Engine, Row, event

from lms import (
    deployment,
    models,  # noqa: F401 - registers the tables for autogenerate
)
from lms.config import ConfigError
from lms.db import UtcDateTime, db, direct, writer
from lms.unfinished import refuse_unfinished


def main() -> None:
    """Migrate in one transaction per database."""
    deployment.check()
    engine: Engine = writer(direct())
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            _migrate_sqlite(connection)
        else:
            _migrate(connection)


def _migrate_sqlite(connection: Connection) -> None:
    # Batch mode rebuilds tables: with foreign keys on, dropping the old one deletes what refers
    # to it; and renaming the new one fails while triggers elsewhere name the table.
    # The pragmas work only outside a transaction, hence on the driver's connection.
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - narrows the type
    # Of several that start at once one migrates, or fills the school; the others wait for it.
    driver.execute(f"PRAGMA busy_timeout={_PATIENCE_MILLISECONDS}")
    driver.execute("PRAGMA foreign_keys=OFF")
    driver.execute("PRAGMA legacy_alter_table=ON")
    try:
        _migrate(connection)
    finally:
        # Where nothing was to migrate, the transaction of looking that up is still open, and inside
        # one the pragma is ignored without a word: never let this connection go back to the pool.
        connection.invalidate()


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=False,
        transactional_ddl=True,  # Alembic assumes that SQLite has none; our BEGIN gives it
        render_item=_render_item,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            _take_turn(connection)
        refuse_unfinished(connection)
        _refuse_newer()
        if connection.dialect.name == "sqlite":
            before = _heads()
            # A restored school, broken as it may be, must start: only then can it be repaired.
            is_current = before == set(context.get_head_revisions() or ())
            broken = set() if is_current else _broken_references(connection)
            triggers = connection.execute(_TRIGGERS).all()
            dropped = _dropped_triggers(connection)
            context.run_migrations()
            _restore_triggers(connection, [each for each in triggers if each.name not in dropped])
            if _heads() != before:
                _refuse_newly_broken(connection, broken)
        else:
            context.run_migrations()


def _take_turn(connection: Connection) -> None:
    """Let one migrate of several that start at once; the others wait, and find it done.

    The lock ends with the transaction that migrates, whatever becomes of its connection.
    """
    if connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_LOCK})").scalar():
        return
    click.echo("Another start is migrating the database: waiting for it", err=True)
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_PATIENCE_MILLISECONDS}")
    try:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_TIMEOUT:
            raise
        raise ConfigError(
            f"Another start has been migrating for {_PATIENCE_MILLISECONDS // 60_000} minutes. See"
            " what it waits for, then try again"
        ) from None
    connection.exec_driver_sql("SET LOCAL lock_timeout = DEFAULT")


_LOCK = 7233001
_LOCK_TIMEOUT = "55P03"
_PATIENCE_MILLISECONDS = 600_000
_Broken = set[tuple[str, int]]
_TRIGGERS = sa.text("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")


def _refuse_newer() -> None:
    """Stop where the database is of a release that this code doesn't know."""
    known = {each.revision for each in context.script.walk_revisions()}
    if unknown := sorted(_heads() - known):
        raise ConfigError(
            f"The database is of a newer release (migration {', '.join(unknown)}) than this code."
            " Start that release, or restore a backup that this one made."
        )


def _heads() -> set[str]:
    return set(context.get_context().get_current_heads())


def _dropped_triggers(connection: Connection) -> set[str]:
    """Return a set that comes to hold the triggers that migrations drop on purpose."""
    dropped: set[str] = set()

    @event.listens_for(connection, "before_cursor_execute")
    def note(_connection: Connection, _cursor: object, statement: str, *_: Any) -> None:
        if found := re.match(r"DROP TRIGGER (?:IF EXISTS )?(\w+)", statement):
            dropped.add(found[1])

    return dropped


def _restore_triggers(connection: Connection, before: Sequence[Row[str, str, str]]) -> None:
    # A rebuilt table comes without the triggers of the one that it replaces.
    tables = sa.inspect(connection).get_table_names()
    present = {name for name, _, _ in connection.execute(_TRIGGERS)}
    for name, table, sql in before:
        if table in tables and name not in present:
            connection.exec_driver_sql(sql)


def _refuse_newly_broken(connection: Connection, before: _Broken | None) -> None:
    after = _broken_references(connection)
    if before is not None and (broken := sorted((after or set()) - before)[:5]):
        raise RuntimeError(f"the migration left broken references: {broken}")


def _broken_references(connection: Connection) -> _Broken | None:
    """Return the rows that refer to nothing; None where lost unique indexes prevent the check."""
    try:
        return {(row[0], row[1]) for row in connection.exec_driver_sql("PRAGMA foreign_key_check")}
    except sa.exc.OperationalError:
        return None


def _render_item(kind: str, item: object, context: AutogenContext) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UtcDateTime):
        context.imports.add("from lms.db import UtcDateTime")
        return "UtcDateTime()"
    return False


main()
