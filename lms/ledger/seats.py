"""Who is not enrolled yet, and which of them get a seat."""

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import Session

from lms.ledger.rows import PAIR, Pair, as_table
from lms.models import AccessRequest, Course, Enrollment


class Newcomer(NamedTuple):
    """One who is not enrolled yet."""

    seats: int | None
    """How many are free in the course; None where it has no limit."""
    has_request: bool


def newcomers(session: Session, pairs: Collection[Pair]) -> dict[Pair, Newcomer]:
    """Return which of the pairs are not enrolled yet, in the order given."""
    if not pairs:
        return {}
    wanted = as_table(session, dict.fromkeys(pairs), **PAIR)
    is_enrolled = exists().where(
        Enrollment.user_id == wanted.c.student_id, Enrollment.course_id == wanted.c.course_id
    )
    is_waiting = exists().where(
        AccessRequest.student_id == wanted.c.student_id,
        AccessRequest.course_id == wanted.c.course_id,
        AccessRequest.status == "pending",
    )
    taken = select(func.count()).where(Enrollment.course_id == Course.id).scalar_subquery()
    free = case((Course.capacity.is_not(None), Course.capacity - taken))  # else nobody counts
    rows = session.execute(
        select(wanted.c.student_id, wanted.c.course_id, free, is_waiting)
        .join(Course, Course.id == wanted.c.course_id)
        .where(~is_enrolled)
        .order_by(wanted.c.place)
    )
    return {(row[0], row[1]): Newcomer(*row[2:]) for row in rows}


def seated(arriving: dict[Pair, Newcomer]) -> dict[Pair, Newcomer]:
    """Return the newcomers who get a seat, in list order."""
    before: dict[int, int] = defaultdict(int)
    having_one = {}
    for pair, newcomer in arriving.items():
        if newcomer.seats is None or before[pair[1]] < newcomer.seats:
            having_one[pair] = newcomer
            before[pair[1]] += 1
    return having_one
