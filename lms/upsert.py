"""INSERT with ON CONFLICT on both databases: the way to write without check-then-insert."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, String, Table, Text, bindparam, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from lms.carrying import carrier, carry
from lms.db import Base
from lms.rows import Rows, as_table
from lms.statements import run


def insert(model: type[Base] | Table) -> postgresql.Insert | Any:
    """Return an INSERT that knows ON CONFLICT: PostgreSQL's, which is compiled for SQLite, too."""
    return postgresql.insert(model)


def insert_many(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert many rows, leaving out those that are there already."""
    if rows:
        names = tuple(rows[0])
        run(session, _inserting(_table(model), names), new=_values(names, rows))


def insert_carried(
    session: Session,
    model: type[Base],
    names: tuple[str, ...],
    rows: Iterable[Sequence[Any]],
    **same: Any,
) -> None:
    """Insert very many rows, leaving out those that are there already.

    Their values stand as in `names` and as the driver takes them; those in `same` hold for all.
    """
    table = _table(model)
    carry(session, _carrier(table, names), rows)
    values = {f"same_{name}": value for name, value in same.items()}
    run(session, _inserting_carried(table, names, tuple(same)), **values)


def insert_numbered(
    session: Session, model: type[Base], rows: Sequence[dict[str, Any]]
) -> list[int]:
    """Insert rows and return their ids, in their order."""
    if not rows:
        return []
    names = tuple(rows[0])
    # They are numbered in the order in which they come; RETURNING keeps none.
    return sorted(
        run(session, _numbering(_table(model), names), new=_values(names, rows)).scalars()
    )


def _table(model: type[Base]) -> Table:
    # Not the model: the ORM's bookkeeping would take most of the time of a large import.
    return model.metadata.tables[model.__tablename__]


def _values(names: tuple[str, ...], rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


@cache
def _inserting(table: Table, names: tuple[str, ...]) -> Any:
    return insert(table).from_select(names, _given(table, names)).on_conflict_do_nothing()


@cache
def _carrier(table: Table, names: tuple[str, ...]) -> Table:
    return carrier(table.name, *(Column(name, _kind(table.c[name])) for name in names))


@cache
def _inserting_carried(table: Table, names: tuple[str, ...], same: tuple[str, ...]) -> Any:
    carried = _carrier(table, names)
    values = {name: carried.c[name] for name in names}
    alike = {name: bindparam(f"same_{name}", type_=table.c[name].type) for name in same}
    given = (
        select(*values.values(), *alike.values())
        .where(carried.c.place.is_not(None))  # else SQLite takes ON CONFLICT for that of a join
        .order_by(carried.c.place)
    )
    return insert(table).from_select([*values, *alike], given).on_conflict_do_nothing()


@cache
def _numbering(table: Table, names: tuple[str, ...]) -> Any:
    return insert(table).from_select(names, _given(table, names)).returning(table.c.id)


def _given(table: Table, names: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    """Select the rows given: one parameter, since VALUES would have one for each value of each."""
    given = as_table(
        bindparam("new", type_=Rows()), **{name: _kind(table.c[name]) for name in names}
    )
    return (
        select(*(given.c[name] for name in names))
        .where(given.c.place.is_not(None))  # else SQLite takes ON CONFLICT for that of a join
        .order_by(given.c.place)
    )


def _kind(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """Return the type of a column; of text without its length, to which a CAST would cut it."""
    return Text() if isinstance(column.type, String) else column.type
