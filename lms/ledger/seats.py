"""Who is not enrolled yet, and which of them get a seat."""

from collections import defaultdict
from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, case, exists, func, select
from sqlalchemy.orm import Session

from lms.ledger.rows import PAIR, PAIRS, Pair, as_table
from lms.models import AccessRequest, Course, Enrollment, is_pending
from lms.statements import run


class Newcomer(NamedTuple):
    """One who is not enrolled yet."""

    has_seat: bool
    has_request: bool
    is_limited: bool
    """The course has only so many seats."""


def newcomers(session: Session, pairs: Collection[Pair]) -> dict[Pair, Newcomer]:
    """Return which of the pairs are not enrolled yet; in this order, they take the free seats."""
    if not pairs:
        return {}
    rows = run(session, _arriving(), pairs=dict.fromkeys(pairs))
    arriving: dict[Pair, Newcomer] = {}
    seated: dict[int, int] = defaultdict(int)
    for student, course, seats, has_request in rows:
        has_seat = seats is None or seated[course] < seats
        seated[course] += has_seat
        arriving[student, course] = Newcomer(has_seat, has_request, seats is not None)
    return arriving


@cache
def _arriving() -> Select[*tuple[Any, ...]]:
    wanted = as_table(PAIRS, **PAIR)
    is_enrolled = exists().where(
        Enrollment.user_id == wanted.c.student_id, Enrollment.course_id == wanted.c.course_id
    )
    is_waiting = exists().where(
        AccessRequest.student_id == wanted.c.student_id,
        AccessRequest.course_id == wanted.c.course_id,
        is_pending(),
    )
    taken = select(func.count()).where(Enrollment.course_id == Course.id).scalar_subquery()
    free = case((Course.capacity.is_not(None), Course.capacity - taken))  # else nobody counts
    return (
        select(wanted.c.student_id, wanted.c.course_id, free, is_waiting)
        .join(Course, Course.id == wanted.c.course_id)
        .where(~is_enrolled)
        .order_by(wanted.c.place)
    )
