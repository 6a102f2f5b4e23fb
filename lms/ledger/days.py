"""The day on which a time is counted: by the clocks of the school, as `clock_changes` has them."""

from typing import Any

from sqlalchemy import Date
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_AHEAD = (
    "COALESCE((SELECT clock.ahead_seconds FROM clock_changes clock WHERE clock.begins_at <= {}"
    " ORDER BY clock.begins_at DESC LIMIT 1), 0)"
)


class school_day(FunctionElement[Any]):  # noqa: N801 - called like any SQL function
    """The day of a time, as the triggers of the sums know it; NULL where it is no time."""

    name = "school_day"
    type = Date()
    inherit_cache = True


@compiles(school_day, "postgresql")
def _on_postgresql(element: school_day, compiler: SQLCompiler, **options: Any) -> str:
    time = compiler.process(element.clauses, **options)
    return f"(({time} AT TIME ZONE 'UTC') + {_AHEAD.format(time)} * interval '1 second')::date"


@compiles(school_day, "sqlite")
def _on_sqlite(element: school_day, compiler: SQLCompiler, **options: Any) -> str:
    time = compiler.process(element.clauses, **options)
    # Without fractions of a second, which `date` would round; restored dumps name offsets.
    second = (
        f"CASE WHEN length({time}) IN (19, 26) AND substr({time}, 11, 1) = ' '"
        f" AND substr({time}, 20, 1) IN ('', '.') THEN substr({time}, 1, 19)"
        f" ELSE datetime({time}) END"
    )
    ahead = _AHEAD.format(f"{second} || '.000000'")
    return f"date({second}, {ahead} || ' seconds')"
