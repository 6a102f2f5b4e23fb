"""Defaults of columns: the code leaves out what the database is to fill in."""

from functools import cache
from typing import Any

from sqlalchemy import Column

from lms.db import Base


@cache
def with_default() -> tuple[Column[Any], ...]:
    """Return the columns that the database fills in, but for ids, which have counters."""
    return tuple(
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.server_default is not None
    )


def default_called(column: str) -> str:
    """Return what people read for the default of a column."""
    return f"the default of {column}"
