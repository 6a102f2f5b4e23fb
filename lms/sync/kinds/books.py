"""Books that don't have what payments and Stripe say."""

from typing import Any

from sqlalchemy import Select, String, cast, func, literal, null, select

from lms.ledger.fact_rows import lock_facts
from lms.ledger.movements import book, lacking
from lms.models import Payment
from lms.sync.kind import Check, Kind, Phase, Step


def _lacking() -> Select[Any]:
    """Find payments of which the books lack something; it is no reason of anybody's access."""
    lacks = lacking("school").subquery()
    amount = cast(lacks.c.amount_cents, String) + literal(" minor units", String)
    entry = lacks.c.kind + literal(", ", String) + amount
    first = (
        select(lacks.c.payment_id, func.min(entry).label("entry"))
        .group_by(lacks.c.payment_id)
        .subquery()
    )
    row_id: Any = Payment.id
    return select(
        row_id.label("row_id"),
        null().label("student_id"),
        null().label("course_id"),
        literal("every movement of its money in the books", String).label("expected"),
        (literal("not in the books: ", String) + first.c.entry).label("actual"),
        cast(null(), String).label("attention"),
    ).join_from(Payment, first, first.c.payment_id == Payment.id)


def _book(step: Step) -> None:
    book(step.session, step.ids)


KINDS = (
    Kind(
        "books_lack_money",
        "Money missing from the books",
        "It is booked in its month, or in the current one as a correction if that month is closed.",
        Phase.BOOKS,
        (Check(Payment, _lacking, _book, is_derived=True),),
        lock=lock_facts,
    ),
)
