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


def insert_many(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert many rows, leaving out those that are there already."""
    table = _table(model)
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
    table = _table(model)
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(session.scalars(statement, list(rows)))


def _table(model: type[Base]) -> Table:
    # Not the model: the ORM's bookkeeping would take most of the time of a large import.
    return model.metadata.tables[model.__tablename__]
