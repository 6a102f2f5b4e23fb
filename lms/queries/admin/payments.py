"""Payments as admins see them."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from lms.models import Course, Payment, User
from lms.models.payments import STRIPE
from lms.queries.distinct import distinct_values
from lms.queries.paging import SHAPES, counted, paged, skipped, unpaged
from lms.queries.payments import attention, payment_columns
from lms.queries.read_model import execute, read, read_model, stream
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


@read_model
class ExportedPayment:
    """A payment with all that bookkeeping asks for."""

    id: int
    created_at: datetime
    paid_at: datetime | None
    status: str
    user_email: str
    course_title: str
    amount_cents: int
    refunded_cents: int
    currency: str
    method: str
    reference: str | None
    """Of money that did not go through Stripe."""
    stripe_session_id: str | None
    stripe_payment_intent_id: str | None
    attention: str
    subtotal_cents: int
    discount_cents: int
    tax_cents: int
    invoice_number: str | None
    lost_cents: int


def payments(*, page: int = 1, q: str = "", status: str = "") -> PaymentList:
    """Return the payments, the latest first; the status 'attention' is all that need a look."""
    found = _found(status, q)
    rows = read(PaymentRow, _listed(paged(found)), skipped=skipped(page))
    return PaymentList(
        payments=rows,
        **counted(found, page, by_sum=_number(status, q), shown=len(rows) if q else None),
    )


def every_payment(*, q: str = "", status: str = "") -> Iterator[ExportedPayment]:
    """Yield all payments that are looked for, the oldest first."""
    return stream(ExportedPayment, _exported(unpaged(_found(status, q))))


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
    rows = _of(found, *payment_columns(PaymentRow.__annotations__))
    return rows.order_by(Payment.created_at.desc(), Payment.id.desc())


@lru_cache(SHAPES)
def _exported(found: Select[Any]) -> Select[*tuple[Any, ...]]:
    names = [name for name in ExportedPayment.__annotations__ if name != "reference"]
    by_hand = case((Payment.method != STRIPE, Payment.reference)).label("reference")
    return _of(found, *payment_columns(names), by_hand).order_by(Payment.id)


def _of(found: Select[Any], *columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    ids = found.subquery()
    return (
        select(*columns)
        .join(ids, ids.c.id == Payment.id)
        .outerjoin(User, User.id == Payment.user_id)
        .outerjoin(Course, Course.id == Payment.course_id)
    )


@cache
def _attention() -> Select[*tuple[Any, ...]]:
    return select(func.count()).select_from(Payment).where(attention())
