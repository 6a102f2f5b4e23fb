"""Students who have paid for a course, or ordered it, without getting access yet."""

from functools import cache
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    SQLColumnExpression,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from lms.models import Course, Enrollment, Payment, User, may_learn
from lms.models.columns import constants
from lms.models.payments import is_unreviewed
from lms.refusals import PaymentInReview
from lms.statements import COURSE, STUDENT, run

Unsettled = Literal["needs_review", "undeliverable"]
_MOST = 500
"""Of a course that has no limit any more, in one transaction."""


class Payer(NamedTuple):
    """A student who is waiting for the seat they paid for."""

    payment_id: int
    student_id: int
    is_enrolled: bool
    """Whether another source has given them the seat."""


def payers_without_access(session: Session, course_id: int) -> list[Payer]:
    """Return the students who have paid and are waiting for a seat, oldest payment first."""
    return [Payer(*row) for row in run(session, _waiting(), course=course_id)]


@cache
def _waiting() -> Select[*tuple[Any, ...]]:
    return (
        select(Payment.id, Payment.user_id, _is_enrolled())
        .join(User, User.id == Payment.user_id)
        .where(Payment.course_id == COURSE, *_waits())
        .order_by(func.coalesce(Payment.paid_at, Payment.created_at), Payment.id)
        .limit(_MOST)
    )


def courses_paid_for(has_seat: ColumnElement[bool]) -> Select[int | None]:
    """Select the courses that have a seat for a student who is waiting after paying."""
    return (
        select(Payment.course_id)
        .join(User, User.id == Payment.user_id)
        .join(Course, Course.id == Payment.course_id)
        .where(*_waits(), or_(has_seat, _is_enrolled()))
    )


def unsettled(session: Session, student_id: int, course_id: int) -> Unsettled | None:
    """Return how money stands that a student has paid for a course without getting access.

    What waits for a seat counts before what an admin has to decide about.
    """
    status: Unsettled | None = run(
        session, _unsettled(), student=student_id, course=course_id
    ).scalar()
    return status


def why_not_again(session: Session, student_id: int, course_id: int) -> str:
    """Return why a student should not pay for a course again; blank if they can."""
    return why_unsettled(unsettled(session, student_id, course_id))


def why_unsettled(status: Unsettled | None) -> str:
    """Return why a student should not pay again, by their unsettled payment; blank without one."""
    if status is None:
        return ""
    return PaymentInReview.for_seat if status == "undeliverable" else PaymentInReview.detail


@cache
def _unsettled() -> Select[str | None]:
    return select(func.max(Payment.status)).where(*_is_unsettled(STUDENT, COURSE))


def unsettled_status(
    student_id: SQLColumnExpression[int], course_id: SQLColumnExpression[int]
) -> ScalarSelect[Any]:
    """Select what `unsettled` returns, for each row of a statement about pairs."""
    of_pair = select(func.max(Payment.status)).where(*_is_unsettled(student_id, course_id))
    return of_pair.correlate_except(Payment).scalar_subquery()


def is_processing(session: Session, student_id: int, course_id: int) -> bool:
    """Return whether a student has ordered a payment for a course that the bank is still at."""
    found = run(session, _processing(), student=student_id, course=course_id)
    return found.first() is not None


@cache
def _processing() -> Select[int]:
    [processing] = constants("processing")
    return select(Payment.id).where(
        Payment.user_id == STUDENT, Payment.course_id == COURSE, Payment.status == processing
    )


def is_paid_for(
    student_id: SQLColumnExpression[int], course_id: SQLColumnExpression[int]
) -> ColumnElement[bool]:
    """Return whether a student has paid for a course without getting access."""
    return exists().where(*_is_unsettled(student_id, course_id)).correlate_except(Payment)


def _is_unsettled(
    student_id: SQLColumnExpression[int], course_id: SQLColumnExpression[int]
) -> tuple[ColumnElement[bool], ...]:
    return (
        Payment.user_id == student_id,
        Payment.course_id == course_id,
        Payment.status.in_(constants(*get_args(Unsettled))),
        is_unreviewed(),
    )


def _waits() -> tuple[ColumnElement[bool], ...]:
    [undeliverable] = constants("undeliverable")
    return Payment.status == undeliverable, is_unreviewed(), may_learn(), User.is_active.is_(True)


def _is_enrolled() -> ColumnElement[bool]:
    return exists().where(
        Enrollment.user_id == Payment.user_id, Enrollment.course_id == Payment.course_id
    )
