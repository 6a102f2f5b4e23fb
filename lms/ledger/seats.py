"""Students who aren't enrolled yet: which of them get a seat, and which wait for one."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    SQLColumnExpression,
    Table,
    Update,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from lms.ledger.rows import PAIR, PAIRS, Pair, as_table
from lms.models import AccessRequest, Course, Enrollment, Offer, Payment, holds_seat, is_pending
from lms.models.columns import constants
from lms.statements import COURSE, run


class Newcomer(NamedTuple):
    """A student who isn't enrolled yet."""

    has_seat: bool
    has_request: bool
    has_offer: bool
    has_checkout: bool
    is_limited: bool
    """The course has only so many seats."""


def newcomers(session: Session, pairs: Collection[Pair]) -> dict[Pair, Newcomer]:
    """Return which of the pairs are not enrolled yet; in this order, they take the free seats.

    Whom an offer holds a seat for takes that one.
    """
    if not pairs:
        return {}
    return _seated(run(session, _arriving(), pairs=dict.fromkeys(pairs)))


def remarkable(session: Session, carried: Table) -> dict[Pair, Newcomer]:
    """Return as `newcomers` does who of those carried isn't simply let in.

    Others have a seat for certain, and no request, offer or checkout.
    """
    return _seated(run(session, _remarkable(carried)))


def _seated(rows: Iterable[Any]) -> dict[Pair, Newcomer]:
    arriving: dict[Pair, Newcomer] = {}
    seated: dict[int, int] = defaultdict(int)
    for student, course, seats, has_request, has_offer, has_checkout in rows:
        if seats is None:
            has_seat = True
        elif has_offer:
            has_seat = seats >= 0
        else:
            has_seat = seated[course] < seats
            seated[course] += has_seat
        arriving[student, course] = Newcomer(
            *(has_seat, has_request, has_offer, has_checkout), is_limited=seats is not None
        )
    return arriving


def has_seat(session: Session, student_id: int, course_id: int) -> bool:
    """Return whether a student who is not enrolled can have a seat, or has one held for them."""
    arriving = newcomers(session, [(student_id, course_id)])
    return all(newcomer.has_seat for newcomer in arriving.values())


@cache
def _arriving() -> Select[*tuple[Any, ...]]:
    wanted, _ = _wanted(as_table(PAIRS, **PAIR))
    return wanted


@cache
def _remarkable(carried: Table) -> Select[*tuple[Any, ...]]:
    wanted, is_special = _wanted(carried)
    return wanted.where(is_special)


def _wanted(wanted: FromClause) -> tuple[Select[*tuple[Any, ...]], ColumnElement[bool]]:
    """Select who of these isn't enrolled yet, and say what makes some of them special."""
    is_enrolled = exists().where(
        Enrollment.user_id == wanted.c.student_id, Enrollment.course_id == wanted.c.course_id
    )
    is_waiting = exists().where(
        AccessRequest.student_id == wanted.c.student_id,
        AccessRequest.course_id == wanted.c.course_id,
        is_pending(),
    )
    is_offered = exists().where(
        Offer.student_id == wanted.c.student_id,
        Offer.course_id == wanted.c.course_id,
        holds_seat(),
    )
    [pending] = constants("pending")
    is_buying = exists().where(
        Payment.user_id == wanted.c.student_id,
        Payment.course_id == wanted.c.course_id,
        Payment.status == pending,
    )
    named = (wanted.c.student_id, wanted.c.course_id)
    found = (
        select(*named, free_seats(), is_waiting, is_offered, is_buying)
        .join(Course, Course.id == wanted.c.course_id)
        .where(~is_enrolled)
        .order_by(wanted.c.place)
    )
    return found, or_(Course.capacity.is_not(None), is_waiting, is_offered, is_buying)


def seats_used(course_id: SQLColumnExpression[int]) -> ColumnElement[int]:
    """Return the SQL of how many seats are taken, or held by offers."""
    enrollment, offer = aliased(Enrollment), aliased(Offer)
    taken = select(func.count()).where(enrollment.course_id == course_id)
    held = select(func.count()).where(offer.course_id == course_id, holds_seat(offer))
    return (
        taken.correlate_except(enrollment).scalar_subquery()
        + held.correlate_except(offer).scalar_subquery()
    )


def free_seats() -> ColumnElement[int | None]:
    """Return the SQL for how many seats of a course are free; NULL where there is no limit."""
    return case((Course.capacity.is_not(None), Course.capacity - seats_used(Course.id)))


def seats_left(session: Session, course_id: int) -> int | None:
    """Return how many seats of a course are free; None where there are no end of them."""
    left: int | None = run(session, _left(), course=course_id).scalar()
    return left


@cache
def _left() -> Select[int | None]:
    return select(free_seats()).where(Course.id == COURSE)


def line_up(session: Session, course_ids: Collection[int], *, even_if_free: bool = False) -> None:
    """Let all requests of those courses that are full wait for a seat, in their order."""
    run(session, _lining_up(even_if_free), courses=sorted(set(course_ids)))


@cache
def _lining_up(even_if_free: bool) -> Update:
    offer = aliased(Offer)
    # Who let the seat pass that was theirs to buy has had their turn, and may ask again.
    has_passed = exists().where(
        offer.student_id == AccessRequest.student_id,
        offer.course_id == AccessRequest.course_id,
        offer.decision_id.is_(None),
        offer.created_at >= AccessRequest.created_at,
    )
    courses = select(Course.id).where(
        Course.id.in_(bindparam("courses", type_=Integer, expanding=True))
    )
    return (
        update(AccessRequest)
        .where(
            AccessRequest.course_id.in_(
                courses if even_if_free else courses.where(free_seats() <= 0)
            ),
            is_pending(),
            ~AccessRequest.awaits_seat,
            ~has_passed.correlate(AccessRequest),
        )
        .values(awaits_seat=True, seat_since=None)
    )
