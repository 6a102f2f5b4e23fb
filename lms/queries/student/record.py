"""A student's requests and payments, with their outcomes."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import (
    ColumnElement,
    Select,
    case,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from lms.db import now
from lms.models import (
    VISIBLE_STATUSES,
    AccessRequest,
    Course,
    Decision,
    Enrollment,
    Offer,
    Payment,
    is_due,
    is_pending,
    stands,
)
from lms.models.columns import constants
from lms.models.payment_status import GIVING_ACCESS
from lms.queries.payments import payment_columns
from lms.queries.read_model import COURSE, STUDENT, columns, read, read_model
from lms.statements import MOMENT


@read_model
class StudentRequest:
    """A request, pending or decided; reason and time are None while it is pending."""

    id: int
    course_id: int
    course_title: str
    status: str
    message: str
    reason: str | None
    requested_at: datetime
    reviewed_at: datetime | None
    is_open: Annotated[bool, Field(exclude=True)]
    """Whether the student can open the course's page."""
    offer: Annotated[str | None, Field(exclude=True)]
    """What has become of the offer that the approval made; None if it made none."""


@read_model
class StudentPayment:
    """A payment; it stays readable after its course is deleted."""

    id: int
    course_id: int | None
    course_title: str
    discount_cents: Annotated[int, Field(exclude=True)]
    tax_cents: Annotated[int, Field(exclude=True)]
    amount_cents: int
    refunded_cents: int
    currency: str
    status: str
    created_at: datetime
    paid_at: datetime | None
    method: Annotated[str, Field(exclude=True)]

    @property
    def gives_access(self) -> bool:
        """Whether the student has the course by it, as far as its status says."""
        return self.status in GIVING_ACCESS


def requests(student_id: int, course_id: int | None = None) -> list[StudentRequest]:
    """Return the student's requests, of one course or all, the newest first."""
    values = {} if course_id is None else {"course_id": course_id}
    statement = _requests(is_of_course=course_id is not None)
    return read(StudentRequest, statement, student_id=student_id, moment=now(), **values)


def payments(student_id: int, course_id: int | None = None) -> list[StudentPayment]:
    """Return the student's payments, for one course or all, the newest first."""
    values = {} if course_id is None else {"course_id": course_id}
    statement = _payments(is_of_course=course_id is not None)
    return read(StudentPayment, statement, student_id=student_id, **values)


@cache
def _requests(*, is_of_course: bool) -> Select[*tuple[Any, ...]]:
    # Decided ones first: the columns take their types from there.
    both = union_all(_decided(), _pending()).subquery()
    course = select(Course.id, Course.title, Course.status).subquery()
    enrolled = exists().where(Enrollment.course_id == course.c.id, Enrollment.user_id == STUDENT)
    is_open = func.coalesce(
        or_(course.c.status.in_(constants(*VISIBLE_STATUSES)), enrolled), false()
    )
    # A renamed course goes by its present name, a deleted one by its last.
    title = func.coalesce(course.c.title, both.c.course_title)
    statement = (
        select(*columns(StudentRequest, both.c, course_title=title, is_open=is_open))
        .outerjoin(course, course.c.id == both.c.course_id)
        .order_by(both.c.requested_at.desc(), both.c.id.desc())
    )
    return statement.where(both.c.course_id == COURSE) if is_of_course else statement


@cache
def _payments(*, is_of_course: bool) -> Select[*tuple[Any, ...]]:
    statement = (
        select(*payment_columns(StudentPayment.__annotations__))
        .outerjoin(Course, Course.id == Payment.course_id)
        .where(Payment.user_id == STUDENT)
        .order_by(Payment.created_at.desc(), Payment.id.desc())
    )
    return statement.where(Payment.course_id == COURSE) if is_of_course else statement


def _decided() -> Select[*tuple[Any, ...]]:
    return select(
        Decision.request_id.label("id"),
        Decision.course_id,
        Decision.course_title,
        Decision.status,
        Decision.message,
        Decision.reason,
        Decision.requested_at,
        Decision.decided_at.label("reviewed_at"),
        _offer_made().label("offer"),
    ).where(Decision.student_id == STUDENT, stands())


def _offer_made() -> ColumnElement[str | None]:
    """Select what the offer has come to; one whose time is over may not have been ended yet."""
    status = case((is_due(MOMENT), literal("expired")), else_=Offer.status)
    return select(status).where(Offer.decision_id == Decision.id).scalar_subquery()


def _pending() -> Select[*tuple[Any, ...]]:
    return select(
        AccessRequest.id,
        AccessRequest.course_id,
        literal(""),
        AccessRequest.status,
        AccessRequest.message,
        null(),
        AccessRequest.created_at,
        null(),
        null(),
    ).where(AccessRequest.student_id == STUDENT, is_pending())
