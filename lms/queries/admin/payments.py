"""Payments as admins see them."""

from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from lms.models import Course, Payment, User
from lms.queries.distinct import distinct_values
from lms.queries.paging import SHAPES, counted, paged, skipped
from lms.queries.payments import attention, payment_columns
from lms.queries.read_model import execute, read, read_model
from lms.queries.search import matches
from lms.queries.sums import by_detail, number_of


@read_model
class PaymentRow:
    """A payment of the list; user and course are None once deleted, their names stay."""

    id: int
    user_id: int | None
    user_email: str
    course_id: int | None
    course_title: str
    discount_cents: int
    tax_cents: int
    amount_cents: int
    refunded_cents: int
    currency: str
    method: str
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
    found = _found(status, q)
    return PaymentList(
        payments=read(PaymentRow, _listed(found), skipped=skipped(page)),
        **counted(found, page, by_sum=_number(status, q)),
    )


def statuses() -> dict[str, int]:
    """Return how many payments there are of each status that occurs."""
    waiting = execute(_attention()).scalar() or 0
    return {"attention": waiting} | by_detail("payments")


@lru_cache(SHAPES)
def _found(status: str, q: str) -> Select[Any]:
    found = select(Payment.id).order_by(Payment.created_at.desc(), Payment.id.desc())
    if q:
        found = found.where(*map(_says, q.split()))
    if status == "attention":
        return found.where(attention())
    return found.where(Payment.status == status) if status else found


def _says(word: str) -> ColumnElement[bool]:
    # By the address and the title that the list shows. Of the payments, which are the most, only
    # those are read that are found: the titles are few, and so are payments without an account.
    people = select(User.id).where(matches(word, User))
    courses = select(Course.id).where(matches(word, Course.title))
    titles = distinct_values(Payment.course_title).subquery()
    found = select(titles.c.value).where(matches(word, titles.c.value))
    return or_(
        Payment.user_id.in_(people),
        and_(Payment.user_id.is_(None), matches(word, Payment.user_email)),
        Payment.course_title.in_(found),
        and_(Payment.course_id.in_(courses), Payment.course_title == ""),
    )


def _number(status: str, q: str) -> Select[Any] | None:
    """Return the statement for the sum of a list that has one."""
    return None if q or status == "attention" else number_of("payments", status or None)


@lru_cache(SHAPES)
def _listed(found: Select[Any]) -> Select[*tuple[Any, ...]]:
    ids = paged(found).subquery()
    return (
        select(*payment_columns(PaymentRow.__annotations__))
        .join(ids, ids.c.id == Payment.id)
        .outerjoin(User, User.id == Payment.user_id)
        .outerjoin(Course, Course.id == Payment.course_id)
        .order_by(Payment.created_at.desc(), Payment.id.desc())
    )


@cache
def _attention() -> Select[*tuple[Any, ...]]:
    return select(func.count()).select_from(Payment).where(attention())
