"""The different values of a column."""

from functools import cache
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute


@cache
def distinct_values(column: InstrumentedAttribute[str]) -> Select[Any]:
    """Select the values, as `value`, of a column that begins an index.

    Each step of the recursion jumps to the next value there: DISTINCT would read the whole index.
    """
    first = select(column.label("value")).order_by(column).limit(1).subquery()
    found = select(first.c.value).cte(recursive=True)
    following = (
        select(column).where(column > found.c.value).order_by(column).limit(1).scalar_subquery()
    )
    found = found.union_all(select(following).where(found.c.value.is_not(None)))
    return select(found.c.value).where(found.c.value.is_not(None))
