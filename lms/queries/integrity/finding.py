"""What every check is made of: its scope, the columns of a finding, and shared conditions.

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
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from lms.models import (
    VISIBLE_STATUSES,
    AccessSource,
    AccessWaiver,
    Course,
    Enrollment,
    Payment,
    StudentProgress,
    User,
)

Column = SQLColumnExpression[Any]
BLANKS = " \t\r\n"


@dataclass(frozen=True)
class Scope:
    """Which rows to look at: the whole school, one student, one course, or given rows."""

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


def find(
    scope: Scope,
    row_id: Column,
    student_id: Column | None,
    course_id: Column | None,
    *,
    expected: Column | str,
    actual: Column | str,
    attention: Column | None = None,
) -> Select[Any]:
    """Return the start of a check: the columns of a finding, of the rows in scope.

    `attention` says why a person has to decide; NULL where the repair is certain.
    """
    statement: Select[Any] = select(  # type: ignore[assignment]  # columns of any type
        row_id.label("row_id"),
        (null() if student_id is None else student_id).label("student_id"),
        (null() if course_id is None else course_id).label("course_id"),
        _text(expected).label("expected"),
        _text(actual).label("actual"),
        cast(null() if attention is None else attention, String).label("attention"),
    )
    limits = scope.values
    for name, column in (("scope_student_id", student_id), ("scope_course_id", course_id)):
        if name in limits:
            statement = statement.where(false() if column is None else column == _given(name))
    if "scope_rows" in limits:
        statement = statement.where(row_id.in_(_given("scope_rows", expanding=True)))
    if "scope_after" in limits:
        statement = statement.where(row_id > _given("scope_after"))
    return statement


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


def word(column: Column) -> ColumnElement[str]:
    """Return a status as it should be stored: lower case, without blanks around it."""
    return func.lower(func.trim(column, BLANKS))


def one_of(column: Column, known: tuple[str, ...], otherwise: str) -> ColumnElement[str]:
    """Return the known word that a status means, whatever its case, or else the safe one."""
    return case((word(column).in_(known), word(column)), else_=otherwise)


def user_exists(user_id: Column) -> ColumnElement[bool]:
    user = aliased(User)
    return exists().where(user.id == user_id).correlate_except(user)


def course_exists(course_id: Column) -> ColumnElement[bool]:
    course = aliased(Course)
    return exists().where(course.id == course_id).correlate_except(course)


def both_exist(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    return user_exists(user_id) & course_exists(course_id)


def is_enrolled(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    enrollment = aliased(Enrollment)
    return (
        exists()
        .where(enrollment.user_id == user_id, enrollment.course_id == course_id)
        .correlate_except(enrollment)
    )


def has_mirror(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    mirror = aliased(StudentProgress)
    return (
        exists()
        .where(mirror.student_id == user_id, mirror.course_id == course_id)
        .correlate_except(mirror)
    )


def has_source(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    source = aliased(AccessSource)
    return (
        exists()
        .where(source.user_id == user_id, source.course_id == course_id)
        .correlate_except(source)
    )


def is_waived(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    """Return whether an admin has ended this access for good."""
    waiver = aliased(AccessWaiver)
    return (
        exists()
        .where(waiver.user_id == user_id, waiver.course_id == course_id)
        .correlate_except(waiver)
    )


def has_payment(
    user_id: Column, course_id: Column, statuses: tuple[str, ...]
) -> ColumnElement[bool]:
    payment = aliased(Payment)
    return (
        exists()
        .where(
            payment.user_id == user_id,
            payment.course_id == course_id,
            word(payment.status).in_(statuses),
            payment.access_ended_at.is_(None),
        )
        .correlate_except(payment)
    )


def is_open_to_all(course: type[Course] = Course) -> ColumnElement[bool]:
    """Return whether a row of courses is one that every student is in."""
    return course.is_default_unlocked & word(course.status).in_(VISIBLE_STATUSES)


def full(course_id: Column) -> ColumnElement[str | None]:
    """Return why a course takes nobody more, or NULL while it has seats."""
    course, enrollment = aliased(Course), aliased(Enrollment)
    taken = (
        select(func.count())
        .where(enrollment.course_id == course_id)
        .correlate_except(enrollment)
        .scalar_subquery()
    )
    no_seat = (
        exists().where(course.id == course_id, course.capacity <= taken).correlate_except(course)
    )
    return case((no_seat, "The course is full: raise its capacity or unenroll somebody."))


def _given(name: str, *, expanding: bool = False) -> BindParameter[Any]:
    return bindparam(name, type_=Integer, expanding=expanding)


def _text(value: Column | str) -> ColumnElement[str]:
    if isinstance(value, str):
        return literal(value, String)
    return func.coalesce(cast(value, String), "nothing")
