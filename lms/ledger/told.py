"""What the audit trail tells, as SQL: times as Python's `isoformat` writes them, and details."""

from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class isoformat(FunctionElement[str]):  # noqa: N801 - used like a function of SQL
    """A time in UTC, with the fraction of its second where there is one."""

    name = "isoformat"
    type = String()
    inherit_cache = True


@compiles(isoformat, "sqlite")
def _of_text(element: isoformat, compiler: SQLCompiler, **options: Any) -> str:
    time = compiler.process(element.clauses, **options)
    fraction = f"CASE WHEN substr({time}, 20) = '.000000' THEN '' ELSE substr({time}, 20) END"
    return f"replace(substr({time}, 1, 19), ' ', 'T') || {fraction} || '+00:00'"


@compiles(isoformat, "postgresql")
def _of_time(element: isoformat, compiler: SQLCompiler, **options: Any) -> str:
    # The session's zone is UTC.
    time = compiler.process(element.clauses, **options)
    whole, fraction = """'YYYY-MM-DD"T"HH24:MI:SS'""", """'YYYY-MM-DD"T"HH24:MI:SS.US'"""
    is_whole = f"date_trunc('second', {time}) = {time}"
    return f"to_char({time}, CASE WHEN {is_whole} THEN {whole} ELSE {fraction} END) || '+00:00'"


class as_json(FunctionElement[Any]):  # noqa: N801 - used like a function of SQL
    """Text that is JSON, as a value of it."""

    name = "as_json"
    type = JSON()
    inherit_cache = True


@compiles(as_json, "sqlite")
def _text(element: as_json, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(as_json, "postgresql")
def _cast(element: as_json, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS JSON)"
