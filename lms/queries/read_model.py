"""The shape of what queries return: frozen dataclasses, camelCase where they leave as JSON."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, TypeVar, dataclass_transform

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel
from sqlalchemy import ColumnElement, Connection, CursorResult, Executable, Integer, bindparam
from sqlalchemy.orm import Session, SessionTransaction

from lms.db import db

T = TypeVar("T")
STUDENT = bindparam("student_id", type_=Integer)
COURSE = bindparam("course_id", type_=Integer)
_BATCH = 500
_AS_JSON = ConfigDict(
    alias_generator=to_camel,
    populate_by_name=True,
    json_schema_serialization_defaults_required=True,
)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def read_model(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass whose fields pages read and JSON clients see."""
    model = dataclass(frozen=True, kw_only=True)(cls)
    model.__pydantic_config__ = _AS_JSON  # type: ignore[attr-defined]  # read by pydantic
    return model


def columns(
    shape: type, entity: Any, *, without: tuple[str, ...] = (), **others: Any
) -> list[ColumnElement[Any]]:
    """Return what fills a read model: the entity's columns of the same names, and `others`."""
    names = [field.name for field in fields(shape) if field.name not in without]
    return [others[name].label(name) if name in others else getattr(entity, name) for name in names]


def execute(statement: Executable, **values: Any) -> CursorResult[Any]:
    """Return the rows of a statement, on the connection that reads one moment.

    Building a statement costs five times as much as running it: those of pages are built once, by
    functions that are cached, with parameters such as STUDENT for the values.
    """
    return _connection(db.session()).execute(statement, values)


def _connection(session: Session) -> Connection:
    """Return the connection of the session's transaction, which the session takes long to tell."""
    known: tuple[SessionTransaction | None, Connection] | None = session.info.get("reads_on")
    if known is None or known[0] is not session.get_transaction():
        connection = session.connection()
        session.info["reads_on"] = known = session.get_transaction(), connection
    return known[1]


def read(shape: type[T], statement: Executable, **values: Any) -> list[T]:
    """Return the rows of a statement as read models."""
    found = execute(statement, **values)
    model: Any = shape
    made = _maker(model, tuple(found.keys()))
    return [made(row) for row in found.all()]


def stream(shape: type[T], statement: Executable, **values: Any) -> Iterator[T]:
    """Yield any number of rows of a statement as read models, with few of them in memory."""
    found = _few_at_once(statement, values)
    model: Any = shape
    yield from map(_maker(model, tuple(found.keys())), found)


def stream_rows(statement: Executable, **values: Any) -> Iterator[dict[str, Any]]:
    """Yield any number of rows of a statement by their columns, with few of them in memory."""
    for row in _few_at_once(statement, values):
        yield row._asdict()


def _few_at_once(statement: Executable, values: dict[str, Any]) -> CursorResult[Any]:
    few = {"yield_per": _BATCH}
    return _connection(db.session()).execute(statement, values, execution_options=few)


@cache
def _maker(shape: Any, names: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    """Return what makes a row into a read model.

    `__init__` of a frozen dataclass takes four times as long, as it sets each field past the frost.
    """
    if {field.name for field in fields(shape)} != set(names):
        return lambda row: shape(**dict(zip(names, row, strict=True)))  # which says what is wrong

    def made(row: Iterable[Any]) -> Any:
        one = object.__new__(shape)
        one.__dict__.update(zip(names, row, strict=True))
        return one

    return made
