"""Many rows as a table of a statement: one parameter, however many there are."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Dialect,
    Integer,
    TableValuedAlias,
    Text,
    column,
    literal,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from lms.db import UtcDateTime

_TIME = UtcDateTime()


class Rows(TypeDecorator[Iterable[Sequence[Any]]]):
    """Rows of numbers, texts, times and JSON, as a parameter.

    As JSON, which both databases read: VALUES would be compiled anew for each number of rows.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        def stored(time: datetime) -> str:
            text = _TIME.process_bind_param(time, dialect)
            return text if isinstance(text, str) else str(text.isoformat())

        rows = [[json.dumps(v) if isinstance(v, dict) else v for v in row] for row in value]
        return json.dumps(rows, default=stored)


def as_table(
    rows: Iterable[Sequence[Any]] | BindParameter[Any], **columns: TypeEngine[Any]
) -> TableValuedAlias:
    """Return the rows as a table with these columns, and with `place`, by which they can be sorted.

    A statement that is built once takes a parameter of the type `Rows` instead.
    """
    sent = rows if isinstance(rows, BindParameter) else literal(list(rows), Rows())
    named = [column(name, kind) for name, kind in columns.items()]
    return _each_row(sent, *named).table_valued(column("place", Integer()), *named)


class _each_row(FunctionElement[Any]):  # noqa: N801 - used like a function of SQL
    """The rows of the first argument, with the columns that are the others."""

    name = "each_row"
    inherit_cache = True


@compiles(_each_row, "sqlite")
def _on_sqlite(element: _each_row, compiler: SQLCompiler, **options: Any) -> str:
    value, each = "json_extract(value, '$[{}]')", "json_each({})"
    return _selected(element, compiler, options, place="key", value=value, each=each)


@compiles(_each_row, "postgresql")
def _on_postgresql(element: _each_row, compiler: SQLCompiler, **options: Any) -> str:
    value = "CAST(value ->> {} AS {})"
    each = "json_array_elements(CAST({} AS JSON)) WITH ORDINALITY"
    return _selected(element, compiler, options, place="ordinality", value=value, each=each)


def _selected(
    element: _each_row,
    compiler: SQLCompiler,
    options: dict[str, Any],
    *,
    place: str,
    value: str,
    each: str,
) -> str:
    rows, *columns = element.clauses
    types = compiler.dialect.type_compiler_instance
    chosen = [f"{place} AS place"] + [
        f"{value.format(index, types.process(named.type))} AS {compiler.process(named)}"
        for index, named in enumerate(columns)
    ]
    table = each.format(compiler.process(rows, **options))
    return f"(SELECT {', '.join(chosen)} FROM {table})"  # noqa: S608 - our own names  # nosec B608
