"""The day on which a time is counted: by the clocks of the school, as `clock_changes` has them."""

from typing import Any

from sqlalchemy import Date
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from lms.ledger import wall_clock

_CLOCKS = "clock_changes"


class school_day(FunctionElement[Any]):  # noqa: N801 - called like any SQL function
    """The day of a time, as the triggers of the sums know it; NULL where it is no time."""

    name = "school_day"
    type = Date()
    inherit_cache = True


@compiles(school_day, "postgresql")
def _on_postgresql(element: school_day, compiler: SQLCompiler, **options: Any) -> str:
    return f"{wall_clock.on_postgresql(element, compiler, _CLOCKS, **options)}::date"


@compiles(school_day, "sqlite")
def _on_sqlite(element: school_day, compiler: SQLCompiler, **options: Any) -> str:
    shown = wall_clock.on_sqlite(element, compiler, _CLOCKS, in_triggers=True, **options)
    return f"date({shown})"
