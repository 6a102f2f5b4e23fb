"""What a run changed: rows before and after, whichever verb changed them.

Comparing the rows before and after also catches what keys and triggers of the database did.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    String,
    Table,
    Text,
    cast,
    insert,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from lms.db import Base, UtcDateTime
from lms.ledger.rows import Pair
from lms.models import SyncChange

ROSTER = "roster"
"""The kind of what a roster changed: no check finds it, so nothing would repair it again."""

Row = dict[str, Any]
Key = tuple[str, int]

# Parents first: rows are inserted in this order and deleted in the other.
_RANK = {
    name: rank
    for rank, name in enumerate(
        (
            "users",
            "courses",
            "chapters",
            "payments",
            "enrollments",
            "student_progress",
            "decisions",
            "access_sources",
            "access_requests",
            "offers",
            "certificates",
            "notices",
        )
    )
}


_KEPT = {
    "users": (
        *("id", "email", "created_at", "is_active"),
        *("emails_decisions", "emails_purchases", "emails_messages", "emails_requests"),
    )
}
"""Of people only what a repair may change: no password is copied, no counter compared."""


@dataclass(frozen=True)
class Change:
    """One row before and after; None where it did not exist."""

    table: str
    row_id: int
    before: Row | None
    after: Row | None

    @property
    def row(self) -> Row:
        """The row as it is, or was."""
        return self.after or self.before or {}

    @property
    def pair(self) -> Pair | None:
        """The student and course that the row is about, if it is about both."""
        return pair_of(self.row)


def pair_of(row: Row) -> Pair | None:
    """Return the student and course of a row, if it has both."""
    student_id = row.get("user_id") or row.get("student_id")
    course_id = row.get("course_id")
    return (student_id, course_id) if student_id and course_id else None


def table_of(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - narrows the type
    return table


def snapshot(session: Session, table: Table, where: ColumnElement[bool]) -> dict[Any, Row]:
    """Return rows as plain values that survive JSON, by primary key; no type may choke on them."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    columns = [
        _plain(column, is_sqlite=is_sqlite).label(column.name)
        for column in table.columns
        if column.name in _KEPT.get(table.name, table.columns)
    ]
    keys = [column.name for column in table.primary_key]
    rows = [dict(row) for row in session.execute(select(*columns).where(where)).mappings()]
    return {tuple(row[key] for key in keys): row for row in rows}


def stored(session: Session, column: Column[Any], value: Any) -> ColumnElement[Any]:
    """Return the SQL of a snapshot's value, to restore it."""
    if value is None or session.get_bind().dialect.name == "sqlite":
        return literal(value)
    if isinstance(column.type, UtcDateTime):
        return cast(literal(value, Text), DateTime(timezone=True))
    return literal(value, column.type)


def differences(table: Table, before: dict[Any, Row], after: dict[Any, Row]) -> list[Change]:
    """Return what has changed between two snapshots."""
    return [
        Change(table.name, key[0], before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    ]


def write_down(session: Session, run_id: int, kind: str, changes: list[Change]) -> None:
    """Keep the changes in an order that undo can walk backwards without breaking a reference."""
    if changes:
        session.execute(
            insert(SyncChange),
            [
                {
                    "run_id": run_id,
                    "kind": kind,
                    "table_name": change.table,
                    "row_id": change.row_id,
                    "before": change.before,
                    "after": change.after,
                }
                for change in sorted(changes, key=_order)
            ],
        )


def _order(change: Change) -> tuple[int, int, int]:
    rank = _RANK.get(change.table, len(_RANK))
    if change.after is None:
        return (0, -rank, change.row_id)
    return (1 if change.before else 2, rank, change.row_id)


def _plain(column: Column[Any], *, is_sqlite: bool) -> ColumnElement[Any]:
    if is_sqlite:
        kind = String() if isinstance(column.type, UtcDateTime | Boolean) else NullType()
        return type_coerce(column, kind)
    return cast(column, Text) if isinstance(column.type, UtcDateTime) else column
