"""What a source of access rests on: a decision, a payment, or a rule of the course."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import aliased

from lms.models import AccessWaiver, Course, Decision, Payment, stands

RESTING = ("default", "approval", "payment")
"""The kinds of sources that end with what they rest on; the others are somebody's doing."""


def is_in_force(
    pair: tuple[Any, Any],
    kind: Any,
    reference: Any,
    *,
    carries: Callable[[type[Payment]], ColumnElement[bool]],
) -> ColumnElement[bool]:
    """Return whether what a source of one of these kinds rests on is in force.

    `carries` says whether a payment still gives access.
    """
    student, course = pair
    opened, waiver = aliased(Course), aliased(AccessWaiver)
    decision, payment = aliased(Decision), aliased(Payment)
    # A course that is hidden or archived keeps those it had let in.
    is_open = exists().where(opened.id == course, opened.is_default_unlocked)
    is_waived = exists().where(waiver.user_id == student, waiver.course_id == course)
    is_approved = exists().where(
        decision.id == reference,
        decision.student_id == student,
        decision.course_id == course,
        decision.status == "approved",
        stands(decision),
    )
    is_paid = exists().where(
        payment.id == reference,
        payment.user_id == student,
        payment.course_id == course,
        carries(payment),
    )
    return or_(
        and_(
            kind == "default",
            is_open.correlate_except(opened),
            ~is_waived.correlate_except(waiver),
        ),
        and_(kind == "approval", is_approved.correlate_except(decision)),
        and_(kind == "payment", is_paid.correlate_except(payment)),
    )
