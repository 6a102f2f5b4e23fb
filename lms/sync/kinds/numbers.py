"""Values of the wrong type, which SQLite's columns take when no trigger forbids them."""

from functools import partial
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Integer,
    Select,
    String,
    case,
    cast,
    func,
    null,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute

from lms.db import Base, wrong_type
from lms.ledger.changes import table_of
from lms.models import Chapter, Course, Payment, User
from lms.models.columns import numbers
from lms.sync.finding import find
from lms.sync.kind import Check, Kind, Phase, Step


def _wrong(
    model: type[Base], *values: InstrumentedAttribute[Any], attention: str | None = None
) -> Select[Any]:
    first: ColumnElement[str] = case(*((wrong_type(each), cast(each, String)) for each in values))
    return find(model, expected="a whole number", actual=first, attention=attention).where(
        or_(*map(wrong_type, values))
    )


def _make_whole(step: Step) -> None:
    table = table_of(step.model)
    if step.model is Course:
        _ask_for_seats(step)
    for column in numbers(table):
        # A price is never guessed, and what refers to nothing is an orphan.
        if column.name != "price_cents" and not column.foreign_keys:
            wrong = table.c.id.in_(step.ids) & wrong_type(column)
            step.rewrite(wrong, **{column.name: _meant(column)})


def _ask_for_seats(step: Step) -> None:
    capacity = table_of(Course).c.capacity
    wrong = select(Course.id, _meant(capacity)).where(
        Course.id.in_(step.ids), wrong_type(Course.capacity)
    )
    meant: dict[int, int | None] = dict(step.session.execute(wrong).all())
    for row in step.found:
        if row.row_id in meant:
            seats = meant[row.row_id]
            now_it = "The course now has no limit" if seats is None else f"It is now {seats}"
            step.needs_attention(
                row,
                f"The capacity was “{row.actual[:80]}”. {now_it}. Set the correct capacity.",
            )


def _meant(column: Column[int]) -> ColumnElement[Any]:
    whole = cast(column, Integer)
    if isinstance(column.type, Boolean):
        return or_(whole != 0, func.lower(cast(column, String)).in_(("t", "true", "yes")))
    if column.nullable:
        return case((func.typeof(column) == "real", whole), else_=null())
    return whole


_OF_USERS = (
    *(User.is_active, User.version),
    *(User.emails_decisions, User.emails_purchases, User.emails_messages, User.emails_requests),
)
_OF_COURSES = (
    *(Course.capacity, Course.is_public),
    *(Course.is_default_unlocked, Course.allows_promotion_codes, Course.requires_approval),
)
_OF_PAYMENTS = (
    *(Payment.amount_cents, Payment.refunded_cents, Payment.agreed_cents, Payment.accepted_cents),
    *(Payment.subtotal_cents, Payment.discount_cents, Payment.tax_cents, Payment.lost_cents),
)

KINDS = (
    Kind(
        "wrong_type",
        "Invalid numbers",
        "A fraction is rounded down, and a yes-or-no value becomes 0 or 1.",
        Phase.VALUES,
        (
            Check(User, partial(_wrong, User, *_OF_USERS), _make_whole),
            Check(Course, partial(_wrong, Course, *_OF_COURSES), _make_whole),
            Check(
                Course,
                partial(
                    _wrong,
                    *(Course, Course.price_cents),
                    attention="Set the price of the course. Until then, it is offered at the"
                    " maximum price.",
                ),
            ),
            Check(Chapter, partial(_wrong, Chapter, Chapter.position), _make_whole),
            Check(
                Payment,
                partial(
                    _wrong,
                    *(Payment, *_OF_PAYMENTS),
                    attention="Have whoever runs the portal correct the amount in the database"
                    " to the one that Stripe shows.",
                ),
            ),
        ),
    ),
)
