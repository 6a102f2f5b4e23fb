"""What every check is made of: its scope and the columns of a finding.

Bad rows come from restored dumps, where constraints, keys and triggers were absent. So a check
reads plain columns, joins nothing that a duplicate could multiply, and compares status in lower
case.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    SQLColumnExpression,
    String,
    bindparam,
    cast,
    false,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import Null
from sqlalchemy.sql.functions import FunctionElement

from lms.db import Base
from lms.ledger.changes import table_of
from lms.models import Chapter, ChapterCompletion, Course, User

Column = SQLColumnExpression[Any]


@dataclass(frozen=True)
class Scope:
    """Which rows to check: the whole school, one student, one course, or given rows."""

    student_id: int | None = None
    course_id: int | None = None
    rows: tuple[int, ...] | None = None
    after: int | None = None
    """Only rows with a higher id, to go through many of them bit by bit."""

    def only(self, rows: list[int]) -> "Scope":
        """Return the same scope narrowed to these rows of the check's own table."""
        return replace(self, rows=tuple(rows), after=None)

    @property
    def values(self) -> dict[str, object]:
        """The parameters of a statement of this scope."""
        given = {name: getattr(self, name) for name in ("student_id", "course_id", "after")}
        given["rows"] = None if self.rows is None else list(self.rows)
        return {f"scope_{name}": value for name, value in given.items() if value is not None}

    @property
    def shape(self) -> "Scope":
        """The same scope with other values: statements of one shape are built once."""
        return Scope(
            student_id=None if self.student_id is None else 0,
            course_id=None if self.course_id is None else 0,
            rows=None if self.rows is None else (),
            after=None if self.after is None else 0,
        )


WHOLE_SCHOOL = Scope()


def find(
    model: type[Base],
    *,
    expected: Column | str,
    actual: Column | str,
    attention: Column | str | None = None,
    course_id: Column | None = None,
) -> Select[Any]:
    """Return the start of a check: the columns of a finding, of all rows of a table.

    `attention` says why a person has to decide; NULL where the repair is certain.
    """
    student, course = subject(model)
    if course_id is not None:
        course = course_id
    return select(
        key_of(model).label("row_id"),
        student.label("student_id"),
        course.label("course_id"),
        _text(expected).label("expected"),
        _text(actual).label("actual"),
        cast(null() if attention is None else attention, String).label("attention"),
    )


def key_of(model: type[Base]) -> Any:
    """Return the number by which a finding names a row: its id, or whose it is."""
    return next(iter(table_of(model).primary_key))


def subject(model: Any) -> tuple[Any, Any]:
    """Return the student and the course that a row is about; NULL where it is about none."""
    if model is User:
        return User.id, null()
    if model is Course:
        return null(), Course.id
    if model is ChapterCompletion:
        chapter = Chapter.id == ChapterCompletion.chapter_id
        return model.student_id, select(Chapter.course_id).where(chapter).scalar_subquery()
    columns = table_of(model).columns
    student = next((name for name in ("user_id", "student_id") if name in columns), None)
    return (
        getattr(model, student) if student else null(),
        model.course_id if "course_id" in columns else null(),
    )


def within(check: Select[Any], shape: Scope) -> Select[Any]:
    """Return a check narrowed to a scope, whose values are parameters."""
    columns, limits = check.selected_columns, shape.values
    for name in ("student_id", "course_id"):
        if f"scope_{name}" in limits:
            column: Any = columns[name]
            is_about = not isinstance(column.element, Null)
            check = check.where(column == _given(f"scope_{name}") if is_about else false())
    if "scope_rows" in limits:
        check = check.where(columns.row_id.in_(_given("scope_rows", expanding=True)))
    if "scope_after" in limits:
        check = check.where(columns.row_id > _given("scope_after"))
    return check


class place(FunctionElement[int]):  # noqa: N801 - used like a function of SQL
    """Where the row with an id stands, even in a copied table that has lost its ids."""

    name = "place"
    type = Integer()
    inherit_cache = True


@compiles(place)
def _by_id(element: place, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(place, "sqlite")
def _by_rowid(element: place, compiler: SQLCompiler, **options: Any) -> str:
    table, _, _ = compiler.process(element.clauses, **options).rpartition(".")
    return f"{table}.rowid"


def _given(name: str, *, expanding: bool = False) -> BindParameter[Any]:
    return bindparam(name, type_=Integer, expanding=expanding)


def _text(value: Column | str) -> ColumnElement[str]:
    if isinstance(value, str):
        return literal(value, String)
    return func.coalesce(cast(value, String), "nothing")
