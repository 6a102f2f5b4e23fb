"""INSERT with ON CONFLICT on both databases: the way to write without check-then-insert."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from lms.db import Base


def insert(model: type[Base] | Table) -> postgresql.Insert | Any:
    """Return an INSERT that knows ON CONFLICT: PostgreSQL's, which is compiled for SQLite, too."""
    return postgresql.insert(model)


def insert_many(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert many rows, leaving out those that are there already."""
    statement = insert(table).on_conflict_do_nothing()
    if rows and session.get_bind().dialect.name == "postgresql":
        # With RETURNING, SQLAlchemy sends a thousand rows a statement instead of one.
        statement = statement.returning(next(iter(table.primary_key)))
    if rows:
        session.execute(statement, list(rows))


def insert_numbered(
    session: Session, model: type[Base], rows: Sequence[dict[str, Any]]
) -> list[int]:
    """Insert rows and return their ids, in their order."""
    # A table, not a model: the ORM's bookkeeping would take most of the time of a large import.
    columns = model.metadata.tables[model.__tablename__].c
    statement = insert(columns.id.table).returning(columns.id, sort_by_parameter_order=True)
    return list(session.scalars(statement, list(rows)))
