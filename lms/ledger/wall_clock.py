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
    element: FunctionElement[Any],
    compiler: SQLCompiler,
    table: str,
    *,
    in_triggers: bool,
    **options: Any,
) -> str:
    """Return what SQLite's functions of dates take: a time in UTC, and by how much to change it.

    All that `UtcDateTime` reads is read, but in triggers: other programs that write have SQLite's
    own functions alone.
    """
    time = compiler.process(element.clauses, **options)
    shown = _SECOND_IN_TRIGGERS.format(time=time) if in_triggers else second(time)
    ahead = _AHEAD.format(table, f"{shown} || '.000000'")
    return f"{shown}, {ahead} || ' seconds'"


def second(time: str) -> str:
    """Return SQLite's SQL of the second of a time, in our spelling; NULL for no time."""
    return _SECOND.format(time=time)


# Without fractions of a second, which `date` would round; restored dumps name offsets.
_SECOND_IN_TRIGGERS = (
    "CASE WHEN length({time}) IN (19, 26) AND substr({time}, 11, 1) = ' '"
    " AND substr({time}, 20, 1) IN ('', '.') THEN substr({time}, 1, 19)"
    " ELSE datetime({time}) END"
)
_DIGIT = "[0-9]"
# An offset may make another form just as long as ours: it is not part of the seconds.
_SECOND = (
    "CASE WHEN length({time}) IN (19, 26) AND substr({time}, 11, 9) GLOB ' ??:??:??'"
    f" AND (length({{time}}) = 19 OR substr({{time}}, 20) GLOB '.{6 * _DIGIT}')"
    " THEN substr({time}, 1, 19) ELSE substr(utc_time({time}), 1, 19) END"
)
