"""What is not stored as it should be: statuses, e-mail addresses, numbers."""

from typing import Any, get_args

from sqlalchemy import ColumnElement, Select, String, case, cast, exists, func, literal, or_
from sqlalchemy.orm import aliased

from lms.db import wrong_type
from lms.models import AccessRequest, Chapter, Course, CourseStatus, Payment, User
from lms.models.payment_status import STATUSES
from lms.queries.integrity.finding import BLANKS, Column, Scope, find, one_of
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
    expected = one_of(Payment.status, tuple(STATUSES), "needs_review")
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


def wrong_type_of_user(scope: Scope) -> Select[Any]:
    choices = (User.emails_decisions, User.emails_purchases, User.emails_requests)
    return _wrong_type(scope, User.id, User.id, None, User.is_active, User.version, *choices)


def wrong_type_of_course(scope: Scope) -> Select[Any]:
    values = (Course.capacity, Course.is_public, Course.is_default_unlocked)
    return _wrong_type(scope, Course.id, None, Course.id, *values)


def wrong_type_of_price(scope: Scope) -> Select[Any]:
    return _wrong_type(
        *(scope, Course.id, None, Course.id, Course.price_cents),
        attention="Set the price of the course. Until then it has the highest: none is guessed.",
    )


def wrong_type_of_chapter(scope: Scope) -> Select[Any]:
    return _wrong_type(scope, Chapter.id, None, Chapter.course_id, Chapter.position)


def wrong_type_of_payment(scope: Scope) -> Select[Any]:
    return _wrong_type(
        *(scope, Payment.id, Payment.user_id, Payment.course_id),
        *(Payment.amount_cents, Payment.refunded_cents),
        attention="Set the amount that Stripe tells, in the database: none is guessed.",
    )


def _wrong_type(
    scope: Scope,
    row_id: Column,
    student: Column | None,
    course: Column | None,
    *values: Column,
    attention: str | None = None,
) -> Select[Any]:
    first: ColumnElement[str] = case(
        *((wrong_type(value), cast(value, String)) for value in values)
    )
    return find(
        *(scope, row_id, student, course),
        expected="a whole number",
        actual=first,
        attention=None if attention is None else literal(attention),
    ).where(or_(*(wrong_type(value) for value in values)))


def _also_has_it() -> ColumnElement[str | None]:
    other = aliased(User)
    normalized = func.lower(func.trim(User.email, BLANKS))
    taken = exists().where(
        func.lower(func.trim(other.email, BLANKS)) == normalized, other.id != User.id
    )
    return case((taken, "Another account has this address: change or delete one of them."))
