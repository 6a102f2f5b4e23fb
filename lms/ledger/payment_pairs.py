"""Payments of one student for one course: all but the first that give access say so to the admins.

Which ones do changes with every event of any of them, so the note is made anew for all of a pair
whenever one of its payments changes. It ends the text of what an admin has to review.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import ColumnElement, String, and_, cast, func, literal, or_, select, true, update
from sqlalchemy.orm import Session, aliased

from lms.ledger.projection import Projection
from lms.models import Payment
from lms.models.columns import normalized
from lms.models.payment_status import GIVING_ACCESS

_BEGINNING = "The student also paid for this course with payment "
_ENDING = ". Unless a refund is on its way, refund one of them."
# Earlier releases ended it in other words.
_NOTE = re.compile(
    r"\s*The student also paid for this course with [^.]*\.[^.]*\brefund one\b[^.]*\."
)


def with_notes(results: Mapping[int, Projection]) -> dict[int, Projection]:
    """Return what the payments of a pair have come to, each with the note that it should have."""
    giving = sorted(number for number, result in results.items() if result.gives_access)
    return {
        number: replace(
            result,
            attention=_noted(result.attention, giving[0] if number in giving[1:] else None),
        )
        for number, result in results.items()
    }


def is_noted_wrongly() -> ColumnElement[bool]:
    """Return whether a payment lacks the note that it should have, or has one that is untrue."""
    has_note = Payment.attention.like("%The student also paid for this course with %")
    return or_(
        and_(is_another(), ~Payment.attention.like(literal("%") + _note())),
        and_(has_note, ~is_another()),
    )


def is_another() -> ColumnElement[bool]:
    """Return whether a payment gives access that an earlier one of its student gives too."""
    earliest = func.min(Payment.id).over(partition_by=(Payment.user_id, Payment.course_id))
    giving = select(Payment.id, earliest.label("earliest")).where(
        normalized(Payment.status).in_(GIVING_ACCESS),
        Payment.user_id.is_not(None),
        Payment.course_id.is_not(None),
    )
    found = giving.subquery()
    return Payment.id.in_(select(found.c.id).where(found.c.id > found.c.earliest))


def note_second_payments(session: Session, among: ColumnElement[bool] | None = None) -> None:
    """Make the notes of these payments, or of all, what they should be.

    The caller holds their courses and students, or the whole school.
    """
    chosen = true() if among is None else among
    rows = session.execute(
        select(
            *(Payment.id, Payment.attention),
            is_another().label("is_another"),
            _earliest().label("earliest"),
        )
        .where(chosen, is_noted_wrongly())
        .order_by(Payment.id)
        .with_for_update(of=Payment)
    ).all()
    for row in rows:
        attention = _noted(row.attention, row.earliest if row.is_another else None)
        session.execute(
            update(Payment)
            .where(Payment.id == row.id)
            .values(attention=attention, dismissed_attention=None)
        )


def _noted(attention: str, earlier: int | None) -> str:
    own = _NOTE.sub("", attention)
    note = "" if earlier is None else f"{_BEGINNING}{earlier}{_ENDING}"
    return f"{own} {note}".strip()


def _note() -> ColumnElement[str]:
    note: ColumnElement[str] = literal(_BEGINNING) + cast(_earliest(), String) + literal(_ENDING)
    return note


def _earliest() -> ColumnElement[int]:
    """Return the first payment that gives the access of the payment's student to its course."""
    other = aliased(Payment)
    return (
        select(func.min(other.id))
        .where(
            other.user_id == Payment.user_id,
            other.course_id == Payment.course_id,
            normalized(other.status).in_(GIVING_ACCESS),
        )
        .correlate(Payment)
        .scalar_subquery()
    )
