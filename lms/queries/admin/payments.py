"""Payments as admins see them."""

from datetime import datetime

from sqlalchemy import func, select

from lms.db import db
from lms.models import Course, Payment, User
from lms.queries.paging import counted, paged
from lms.queries.payments import attention, payment_columns
from lms.queries.read_model import read, read_model
from lms.queries.search import matches


@read_model
class PaymentRow:
    """A payment of the list; user and course are None once deleted, their names stay."""

    id: int
    user_id: int | None
    user_email: str
    course_id: int | None
    course_title: str
    amount_cents: int
    refunded_cents: int
    currency: str
    status: str
    attention: str
    created_at: datetime
    paid_at: datetime | None


@read_model
class PaymentList:
    """One page of the payments."""

    payments: list[PaymentRow]
    total: int
    page: int
    pages: int


def payments(*, page: int = 1, q: str = "", status: str = "") -> PaymentList:
    """Return the payments, the latest first; the status 'attention' is all that need a look."""
    found = select(Payment.id)
    if status == "attention":
        found = found.where(attention())
    elif status:
        found = found.where(Payment.status == status)
    if q:
        found = (
            found.outerjoin(User, User.id == Payment.user_id)
            .outerjoin(Course, Course.id == Payment.course_id)
            .where(matches(q, Payment.user_email, Payment.course_title, User.email, Course.title))
        )
    ids = paged(found.order_by(Payment.created_at.desc(), Payment.id.desc()), page).subquery()
    listed = (
        select(*payment_columns(PaymentRow.__annotations__))
        .join(ids, ids.c.id == Payment.id)
        .outerjoin(User, User.id == Payment.user_id)
        .outerjoin(Course, Course.id == Payment.course_id)
        .order_by(Payment.created_at.desc(), Payment.id.desc())
    )
    return PaymentList(
        payments=read(PaymentRow, listed),
        **counted(found, page),
    )


def statuses() -> dict[str, int]:
    """Return how many payments there are of each status that occurs."""
    rows = db.session.execute(
        select(Payment.status, func.count().label("number"))
        .group_by(Payment.status)
        .order_by(Payment.status)
    )
    waiting = db.session.scalar(select(func.count()).select_from(Payment).where(attention()))
    return {"attention": waiting or 0} | {row.status: row.number for row in rows}
