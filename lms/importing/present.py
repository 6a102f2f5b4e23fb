"""Which of the imported rows already exist in the portal."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from lms.ledger import seats
from lms.ledger.rows import PAIR, PAIRS, as_table
from lms.models import Course

Pair = tuple[int, int]
AT_ONCE = 500
"""How much one statement can name."""
PAIRS_AT_ONCE = 5_000
"""How many pairs are looked up by one statement, which takes them as one parameter."""


def free_seats(session: Session, course_ids: Collection[int]) -> dict[int, int]:
    """Return how many seats the courses have left that limit them."""
    rows = session.execute(
        select(Course.id, seats.free_seats().label("free")).where(
            Course.id.in_(course_ids), Course.capacity.is_not(None)
        )
    )
    return {row.id: max(row.free, 0) for row in rows}


def pairs_present(
    session: Session, first: Any, second: Any, pairs: Collection[Pair], *where: Any
) -> set[Pair]:
    """Return which pairs of ids exist in these two columns."""
    wanted = as_table(PAIRS, **PAIR)
    named = tuple_(first, second).in_(select(wanted.c.student_id, wanted.c.course_id))
    rows = session.execute(select(first, second).where(named, *where), {"pairs": list(pairs)})
    return {(row[0], row[1]) for row in rows}


def parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut a list into parts that one statement can name."""
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
