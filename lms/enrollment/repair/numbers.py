"""Values of the wrong type, which SQLite's columns take when no trigger forbids them."""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Integer,
    String,
    case,
    cast,
    func,
    null,
    or_,
    select,
    update,
)

from lms.db import wrong_type
from lms.enrollment.repair.changes import table_of
from lms.enrollment.repair.repair import Repair, Step
from lms.models import Chapter, Course, User
from lms.models.columns import numbers


def _make_whole(step: Step) -> None:
    table = table_of(step.model)
    if step.model is Course:
        _ask_for_seats(step)
    for column in numbers(table):
        # A price is never guessed, and what refers to nothing is an orphan.
        if column.name != "price_cents" and not column.foreign_keys:
            step.run(
                update(table)
                .where(table.c.id.in_(step.ids), wrong_type(column))
                .values({column.name: _meant(column)})
            )


def _ask_for_seats(step: Step) -> None:
    wrong = select(Course.id).where(Course.id.in_(step.ids), wrong_type(Course.capacity))
    ids = set(step.session.scalars(wrong))
    for row in step.found:
        if row.row_id in ids:
            step.ask(
                row,
                f"The number of seats was '{row.actual[:80]}': a fraction is now rounded down, "
                "and what is no number means no limit. Set the right one.",
            )


def _meant(column: Column[int]) -> ColumnElement[Any]:
    whole = cast(column, Integer)
    if isinstance(column.type, Boolean):
        return or_(whole != 0, func.lower(cast(column, String)).in_(("t", "true", "yes")))
    if column.nullable:
        return case((func.typeof(column) == "real", whole), else_=null())
    return whole


REPAIRS = {
    ("wrong_type", model.__tablename__): Repair(_make_whole) for model in (Chapter, Course, User)
}
