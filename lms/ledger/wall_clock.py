"""SQL of what clocks show at a time, by a table of when they change: see `clock_changes`."""

from typing import Any

from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_AHEAD = (
    "COALESCE((SELECT clock.ahead_seconds FROM {} clock WHERE clock.begins_at <= {}"
    " ORDER BY clock.begins_at DESC LIMIT 1), 0)"
)


def on_postgresql(
    element: FunctionElement[Any], compiler: SQLCompiler, table: str, **options: Any
) -> str:
    """Return the SQL of a time without a zone: what the clocks show."""
    time = compiler.process(element.clauses, **options)
    return f"(({time} AT TIME ZONE 'UTC') + {_AHEAD.format(table, time)} * interval '1 second')"


def on_sqlite(
    element: FunctionElement[Any], compiler: SQLCompiler, table: str, **options: Any
) -> str:
    """Return what SQLite's functions of dates take: a time in UTC, and by how much to change it."""
    time = compiler.process(element.clauses, **options)
    # Without fractions of a second, which `date` would round; restored dumps name offsets.
    second = (
        f"CASE WHEN length({time}) IN (19, 26) AND substr({time}, 11, 1) = ' '"
        f" AND substr({time}, 20, 1) IN ('', '.') THEN substr({time}, 1, 19)"
        f" ELSE datetime({time}) END"
    )
    ahead = _AHEAD.format(table, f"{second} || '.000000'")
    return f"{second}, {ahead} || ' seconds'"
