"""Who is not enrolled yet, and which of them get a seat."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from lms.ledger.rows import Pair, pairs_table
from lms.models import AccessRequest, Course, Enrollment


class Newcomer(NamedTuple):
    """One who is not enrolled yet."""

    seats: int | None
    """How many the course has in all."""
    has_request: bool


def newcomers(session: Session, pairs: Collection[Pair]) -> dict[Pair, Newcomer]:
    """Return which of the pairs are not enrolled yet, in the order given."""
    if not pairs:
        return {}
    wanted = pairs_table(session, dict.fromkeys(pairs))
    is_enrolled = exists().where(
        Enrollment.user_id == wanted.c.student_id, Enrollment.course_id == wanted.c.course_id
    )
    is_waiting = exists().where(
        AccessRequest.student_id == wanted.c.student_id,
        AccessRequest.course_id == wanted.c.course_id,
        AccessRequest.status == "pending",
    )
    rows = session.execute(
        select(wanted.c.student_id, wanted.c.course_id, Course.capacity, is_waiting)
        .join(Course, Course.id == wanted.c.course_id)
        .where(~is_enrolled)
        .order_by(wanted.c.place)
    )
    return {(row[0], row[1]): Newcomer(*row[2:]) for row in rows}


def seated(session: Session, arriving: dict[Pair, Newcomer]) -> dict[Pair, Newcomer]:
    """Return the newcomers who get a seat, in list order."""
    seats = {pair[1]: new.seats for pair, new in arriving.items() if new.seats is not None}
    if not seats:
        return arriving
    taken = session.execute(
        select(Enrollment.course_id, func.count())
        .where(Enrollment.course_id.in_(seats))
        .group_by(Enrollment.course_id)
    )
    for course_id, number in taken:
        seats[course_id] -= number
    having_one = {}
    for pair, newcomer in arriving.items():
        if pair[1] in seats:
            seats[pair[1]] -= 1
        if seats.get(pair[1], 0) >= 0:
            having_one[pair] = newcomer
    return having_one
