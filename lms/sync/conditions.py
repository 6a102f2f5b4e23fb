"""Conditions that several kinds of violation share, on rows that no constraint has held."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, true
from sqlalchemy.orm import QueryableAttribute, aliased

from lms.db import Base
from lms.ledger.seats import seats_used
from lms.models import (
    VISIBLE_STATUSES,
    AccessRequest,
    AccessSource,
    AccessWaiver,
    Course,
    Decision,
    Enrollment,
    Offer,
    Payment,
    StudentProgress,
    User,
    may_learn,
    stands,
)
from lms.models.columns import normalized
from lms.models.payment_status import MAY_GIVE_ACCESS, RETURNED
from lms.sync.finding import Column, place, subject

DECIDED = ("approved", "rejected")


def one_of(column: Column, known: tuple[str, ...], otherwise: str) -> ColumnElement[str]:
    """Return the known word that a status means, whatever its case, or else the safe one."""
    return case((normalized(column).in_(known), normalized(column)), else_=otherwise)


def is_further(
    model: Any,
    *same: QueryableAttribute[Any],
    among: Callable[[Any], ColumnElement[bool]] = lambda _: true(),
) -> ColumnElement[bool]:
    """Return whether an older row, among those that count, has the same in these columns."""
    older = aliased(model)
    return exists().where(
        *(getattr(older, column.key) == column for column in same),
        place(older.id) < place(model.id),
        among(older),
    )


def user_exists(user_id: Column) -> ColumnElement[bool]:
    user = aliased(User)
    return exists().where(user.id == user_id).correlate_except(user)


def course_exists(course_id: Column) -> ColumnElement[bool]:
    course = aliased(Course)
    return exists().where(course.id == course_id).correlate_except(course)


def both_exist(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    return user_exists(user_id) & course_exists(course_id)


def is_enrolled(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    return _has(Enrollment, user_id, course_id)


def has_mirror(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    return _has(StudentProgress, user_id, course_id)


def has_source(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    return _has(AccessSource, user_id, course_id)


def is_waived(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    """Return whether an admin has ended this access for good."""
    return _has(AccessWaiver, user_id, course_id)


def requested(request: type[AccessRequest] = AccessRequest) -> ColumnElement[str]:
    """Return what a request's status means; an unknown one is pending."""
    return one_of(request.status, DECIDED, "pending")


def was_approved(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    """Return whether an approval of a pair is in force, recorded as a decision or not."""
    request = aliased(AccessRequest)
    in_queue = exists().where(
        request.student_id == user_id,
        request.course_id == course_id,
        requested(request) == "approved",
    )
    decided = exists().where(
        Decision.student_id == user_id,
        Decision.course_id == course_id,
        gives_access(),
    )
    return in_queue.correlate_except(request) | decided.correlate_except(Decision)


def gives_access() -> ColumnElement[bool]:
    """Return whether a decision lets its student in: approved, in force, and not by an offer."""
    made_offer = exists().where(Offer.decision_id == Decision.id).correlate_except(Offer)
    return and_(Decision.status == "approved", stands(), ~made_offer)


def has_payment(
    user_id: Column, course_id: Column, statuses: tuple[str, ...]
) -> ColumnElement[bool]:
    payment = aliased(Payment)
    return (
        exists()
        .where(
            payment.user_id == user_id,
            payment.course_id == course_id,
            normalized(payment.status).in_(statuses),
            payment.access_ended_at.is_(None),
        )
        .correlate_except(payment)
    )


def is_open_to_all(course: type[Course] = Course) -> ColumnElement[bool]:
    """Return whether a course enrolls every student."""
    return course.is_default_unlocked & normalized(course.status).in_(VISIBLE_STATUSES)


def is_due_by_default(user_id: Column, course_id: Column) -> ColumnElement[bool]:
    """Return whether a course enrolls this student, like every other."""
    student, course = aliased(User), aliased(Course)
    found = exists().where(
        student.id == user_id, may_learn(student), course.id == course_id, is_open_to_all(course)
    )
    return found.correlate_except(student, course) & ~is_waived(user_id, course_id)


def rests_on_lost_payment() -> ColumnElement[bool]:
    """Return whether an enrollment's only source is a refunded or lost payment.

    Where no source is left to tell, an approval does: the table of sources may be lost.
    """
    pair = subject(Enrollment)
    lost, source, payment = aliased(Payment), aliased(AccessSource), aliased(Payment)
    was_lost = exists().where(
        lost.user_id == Enrollment.user_id,
        lost.course_id == Enrollment.course_id,
        normalized(lost.status).in_(RETURNED),
    )
    by_lost_payment = (source.kind == "payment") & exists().where(
        payment.id == source.reference, normalized(payment.status).in_(RETURNED)
    )
    still_given = exists().where(
        source.user_id == Enrollment.user_id,
        source.course_id == Enrollment.course_id,
        ~by_lost_payment,
    )
    course = aliased(Course)
    open_to_all = exists().where(course.id == Enrollment.course_id, is_open_to_all(course))
    return and_(
        was_lost,
        ~still_given,
        ~(~has_source(*pair) & was_approved(*pair)),
        ~has_payment(*pair, MAY_GIVE_ACCESS),
        ~(open_to_all & ~is_waived(*pair)),
    )


def full(course_id: Column) -> ColumnElement[str | None]:
    """Return why a course is full, or NULL while it has seats."""
    course = aliased(Course)
    no_seat = (
        exists()
        .where(course.id == course_id, course.capacity <= seats_used(course.id))
        .correlate_except(course)
    )
    return case((no_seat, "The course is full: raise its capacity or unenroll students."))


def _has(model: type[Base], user_id: Column, course_id: Column) -> ColumnElement[bool]:
    row = aliased(model)
    student, course = subject(row)
    return exists().where(student == user_id, course == course_id).correlate_except(row)
