"""Column types that many tables share."""

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    SQLColumnExpression,
    String,
    Table,
    func,
    literal_column,
)
from sqlalchemy.orm import mapped_column

from lms.db import UtcDateTime

LONGEST_NAME = 120
LONGEST_EMAIL = 254
LONGEST_TITLE = 200

AUTOINCREMENT: dict[str, Any] = {"sqlite_autoincrement": True}
"""SQLite otherwise reuses deleted ids: a stale 'approve 17' would hit another student's request."""

Id = Annotated[int, mapped_column(Integer, primary_key=True)]
UserId = Annotated[int, mapped_column(ForeignKey("users.id", ondelete="CASCADE"))]
CourseId = Annotated[int, mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))]
ChapterId = Annotated[int, mapped_column(ForeignKey("chapters.id", ondelete="CASCADE"))]
PersonName = Annotated[str, mapped_column(String(LONGEST_NAME))]
Email = Annotated[str, mapped_column(String(LONGEST_EMAIL))]
Title = Annotated[str, mapped_column(String(LONGEST_TITLE))]
Time = Annotated[datetime, mapped_column(UtcDateTime)]
CreatedAt = Annotated[datetime, mapped_column(UtcDateTime, server_default=func.current_timestamp())]


def one_of(column: str, *values: str) -> CheckConstraint:
    """Return the CHECK that a column holds one of the values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def an_address() -> tuple[CheckConstraint, CheckConstraint]:
    """Return the CHECKs of a column `email` that is compared with others."""
    return (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("email <> ''", name="email_given"),
    )


def between(column: str, low: int, high: int) -> CheckConstraint:
    """Return the CHECK that a column lies between two numbers, both included."""
    return CheckConstraint(f"{column} BETWEEN {low} AND {high}", name=column)


def partial_index(
    name: str, *columns: str, where: ColumnElement[bool], unique: bool = False
) -> Index:
    """Return an index of those rows alone that a condition finds: reading it meets no others."""
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


def constants(*values: str) -> list[ColumnElement[str]]:
    """Return words of the code as parts of a statement, not as its parameters.

    By a parameter no database recognizes the partial index that it asks for; and a list of them
    SQLAlchemy writes into the statement anew each time.
    """
    return [literal_column("'" + value.replace("'", "''") + "'", String) for value in values]


def normalized(column: SQLColumnExpression[Any]) -> ColumnElement[str]:
    """Return the SQL of a status or address as it should be stored: lower case, without blanks."""
    return func.lower(func.trim(column, " \t\r\n"))


def numbers(table: Table) -> list[Column[Any]]:
    """Return which columns of a table hold whole numbers or truth values, beside its own id.

    Sums are held to the rows that they are of, whatever is in them.
    """
    return [
        column
        for column in table.columns
        if not table.info.get("is_derived")
        if isinstance(column.type, Integer | Boolean) and column.name != "id"
    ]
