"""Words that are not stored as they should be: statuses and e-mail addresses."""

from typing import Any, get_args

from sqlalchemy import ColumnElement, Select, case, exists, func, literal
from sqlalchemy.orm import aliased

from lms.models import AccessRequest, Course, CourseStatus, Payment, PaymentStatus, User
from lms.queries.integrity.finding import BLANKS, Scope, find, one_of
from lms.queries.integrity.requests import meaning


def course_status_not_normalized(scope: Scope) -> Select[Any]:
    expected = one_of(Course.status, get_args(CourseStatus), "draft")
    return find(scope, Course.id, None, Course.id, expected=expected, actual=Course.status).where(
        Course.status.is_distinct_from(expected)
    )


def request_status_not_normalized(scope: Scope) -> Select[Any]:
    return find(
        scope,
        AccessRequest.id,
        AccessRequest.student_id,
        AccessRequest.course_id,
        expected=meaning(),
        actual=AccessRequest.status,
    ).where(AccessRequest.status.is_distinct_from(meaning()))


def payment_status_not_normalized(scope: Scope) -> Select[Any]:
    expected = one_of(Payment.status, get_args(PaymentStatus), "needs_review")
    return find(
        scope,
        Payment.id,
        Payment.user_id,
        Payment.course_id,
        expected=expected,
        actual=Payment.status,
    ).where(Payment.status.is_distinct_from(expected))


def email_not_normalized(scope: Scope) -> Select[Any]:
    expected = func.lower(func.trim(User.email, BLANKS))
    return find(
        scope,
        User.id,
        User.id,
        None,
        expected=expected,
        actual=User.email,
        attention=_also_has_it(),
    ).where(User.email.is_distinct_from(expected))


def duplicate_email(scope: Scope) -> Select[Any]:
    """Find further accounts with one address; whose learning is whose, a person decides."""
    older = aliased(User)
    return find(
        scope,
        User.id,
        User.id,
        None,
        expected="one account per e-mail address",
        actual=User.email,
        attention=literal("Change or delete one of the accounts with this address."),
    ).where(exists().where(older.email == User.email, older.id < User.id))


def _also_has_it() -> ColumnElement[str | None]:
    other = aliased(User)
    normalized = func.lower(func.trim(User.email, BLANKS))
    taken = exists().where(
        func.lower(func.trim(other.email, BLANKS)) == normalized, other.id != User.id
    )
    return case((taken, "Another account has this address: change or delete one of them."))
