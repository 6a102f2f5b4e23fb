"""Alembic's environment: runs migrations on the application's own database."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Engine

from lms import models  # noqa: F401 - registers the tables for autogenerate
from lms.db import UtcDateTime, db, writer


def main() -> None:
    """Migrate in one transaction per database."""
    engine: Engine = writer(db.engine)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            _migrate_sqlite(connection)
        else:
            # Several workers may start at once: one migrates, the others wait and find it done.
            connection.exec_driver_sql("SELECT pg_advisory_lock(7233001)")
            connection.commit()
            try:
                _migrate(connection)
            finally:
                connection.rollback()
                connection.exec_driver_sql("SELECT pg_advisory_unlock(7233001)")
                connection.commit()


def _migrate_sqlite(connection: Connection) -> None:
    # Batch mode rebuilds tables: with foreign keys on, dropping the old one deletes what refers
    # to it. The pragma works only outside a transaction, hence on the driver's connection.
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - narrows the type
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        _migrate(connection)
        broken = driver.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"the migration left broken references: {broken[:5]}")
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
        render_item=_render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


def _render_item(kind: str, item: object, context: AutogenContext) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UtcDateTime):
        context.imports.add("from lms.db import UtcDateTime")
        return "UtcDateTime()"
    return False


main()
