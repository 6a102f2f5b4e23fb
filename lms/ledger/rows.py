"""Many rows as a table of a statement: one parameter, however many there are."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Integer,
    Subquery,
    cast,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from lms.db import Base

Pair = tuple[int, int]
"""A student and a course."""
PAIR: dict[str, TypeEngine[Any]] = {"student_id": Integer(), "course_id": Integer()}
"""The columns of a table of pairs."""


def as_table(
    session: Session, rows: Iterable[Sequence[Any]], **columns: TypeEngine[Any]
) -> Subquery:
    """Return the rows as a table with these columns, and with `place`, by which they can be sorted.

    As JSON, which both databases read: VALUES would be compiled anew for each number of rows.
    """
    dialect = session.get_bind().dialect
    stored = [
        json.dumps if isinstance(kind, JSON) else kind.dialect_impl(dialect).bind_processor(dialect)
        for kind in columns.values()
    ]
    sent = [
        [store(value) if store else value for store, value in zip(stored, row, strict=True)]
        for row in rows
    ]
    as_json = literal(json.dumps(sent, default=datetime.isoformat))
    values: list[ColumnElement[Any]]
    if dialect.name == "sqlite":
        each = func.json_each(as_json).table_valued("key", "value")
        values = [
            func.json_extract(each.c.value, f"$[{index}]", type_=kind)
            for index, kind in enumerate(columns.values())
        ]
    else:
        each = (
            func.json_array_elements(cast(as_json, JSON))
            .table_valued("value", with_ordinality="key")
            .render_derived()
        )
        values = [
            cast(each.c.value.op("->>")(index), kind) for index, kind in enumerate(columns.values())
        ]
    labeled = [value.label(name) for name, value in zip(columns, values, strict=True)]
    return select(each.c.key.label("place"), *labeled).subquery()


def of_pairs(session: Session, model: type[Base], pairs: Iterable[Pair]) -> ColumnElement[bool]:
    """Return the condition that a row is about one of the pairs."""
    table = model.__table__
    student = table.c.user_id if "user_id" in table.c else table.c.student_id
    wanted = as_table(session, pairs, **PAIR)
    return tuple_(student, table.c.course_id).in_(select(wanted.c.student_id, wanted.c.course_id))
