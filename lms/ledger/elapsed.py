"""The whole seconds between two times, on both databases."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class seconds_between(FunctionElement[int]):  # noqa: N801 - called like any SQL function
    """The whole seconds from the first time to the second; none if it was not later.

    NULL where one of them is no time.
    """

    name = "seconds_between"
    type = BigInteger()
    inherit_cache = True


@compiles(seconds_between, "postgresql")
def _on_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    # The difference to an infinite time is an error.
    return (
        f"(CASE WHEN isfinite({start}) AND isfinite({end}) THEN"
        f" greatest(0, trunc(EXTRACT(EPOCH FROM {end} - {start})))::bigint END)"
    )


@compiles(seconds_between, "sqlite")
def _on_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    # Julian days are not exact: two that are an hour apart may be 3,599.99999 seconds apart.
    seconds = " - ".join(f"strftime('%s', substr({time}, 1, 19))" for time in (end, start))
    less = " < ".join(f"rtrim(substr({time}, 20), '.0')" for time in (end, start))
    return f"max(0, {seconds} - ({less}))"
