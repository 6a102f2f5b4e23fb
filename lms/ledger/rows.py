"""Pairs of a student and a course as a table of a statement."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Integer, bindparam, select, tuple_
from sqlalchemy.types import TypeEngine

from lms.db import Base
from lms.rows import Rows, as_table

__all__ = ["PAIR", "PAIRS", "Pair", "Rows", "as_table", "of_pairs"]

Pair = tuple[int, int]
"""A student and a course."""
PAIR: dict[str, TypeEngine[Any]] = {"student_id": Integer(), "course_id": Integer()}
"""The columns of a table of pairs."""
PAIRS: BindParameter[Any] = bindparam("pairs", type_=Rows())
"""The pairs of a statement that is built once."""


def of_pairs(model: type[Base], pairs: Iterable[Pair] | BindParameter[Any]) -> ColumnElement[bool]:
    """Return the condition that a row is about one of the pairs."""
    table = model.__table__
    student = table.c.user_id if "user_id" in table.c else table.c.student_id
    wanted = as_table(pairs, **PAIR)
    return tuple_(student, table.c.course_id).in_(select(wanted.c.student_id, wanted.c.course_id))
