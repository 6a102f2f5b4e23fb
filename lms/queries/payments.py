"""One payment, for its student and for admins, and the inbox of Stripe's events."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from lms.db import db
from lms.ledger import fact_rows
from lms.ledger.facts import DisputeFact, RefundFact, SessionFact
from lms.ledger.manual_payments import manual_refunds
from lms.ledger.price_parts import OTHER_AMOUNT, OTHER_THAN_OFFERED, parts_of
from lms.ledger.projection import furthest, refundable
from lms.models import (
    VISIBLE_STATUSES,
    AccessSource,
    Course,
    Enrollment,
    Payment,
    RefundRequest,
    StripeCursor,
    StripeEvent,
    StripeSession,
    User,
)
from lms.models.columns import constants
from lms.models.payment_status import AWAITED, NEEDING_ATTENTION
from lms.models.payments import STRIPE, is_unreviewed
from lms.queries.charges import Charge
from lms.queries.paging import counted, paged, skipped, unpaged
from lms.queries.read_model import columns, execute, read, read_model, stream
from lms.refusals import PaymentNotFound


@read_model
class Receipt(Charge):
    """A payment, as the student who made it sees it."""

    id: int
    course_id: int | None
    course_title: str
    student_name: str
    student_email: str
    refunded_cents: int
    lost_cents: int
    status: str
    attention: str
    dismissed_attention: str | None
    refusal: str
    checkout_note: str
    created_at: datetime
    paid_at: datetime | None
    checkout_url: str | None
    session_id: str | None
    payment_intent: str | None
    method: str
    reference: str | None
    sale_ended_at: datetime | None
    is_enrolled: bool
    is_offered: bool
    """Whether the course is still there for new students."""
    refunds: list[RefundFact]

    @property
    def is_reviewed(self) -> bool:
        """Whether an admin has dismissed what stands in its way."""
        return self.dismissed_attention == self.attention

    @property
    def is_waiting(self) -> bool:
        """Whether the money is still on its way."""
        return self.status in AWAITED

    @property
    def number(self) -> str:
        """What the receipt is called."""
        return f"R-{self.id:06}"


@read_model
class PaymentDetail(Charge):
    """A payment with everything that is known of it."""

    id: int
    user_id: int | None
    user_name: str
    user_email: str
    course_id: int | None
    course_title: str
    refunded_cents: int
    lost_cents: int
    status: str
    attention: str
    dismissed_attention: str | None
    created_at: datetime
    paid_at: datetime | None
    access_ended_at: datetime | None
    sale_ended_at: datetime | None
    email_refused_at: datetime | None
    method: str
    reference: str | None
    session_id: str | None
    payment_intent: str | None
    is_enrolled: bool
    is_active: bool
    """Whether the account is not locked."""
    sources: list["GivenBy"]
    """What gives the student access to the course."""
    sessions: list[SessionFact]
    refunds: list[RefundFact]
    disputes: list[DisputeFact]
    requests: list["RequestedRefund"]
    events: list["InboxRow"]

    @property
    def needs_attention(self) -> bool:
        """Whether an admin has to review it, and has not dismissed it."""
        is_wrong = self.status in NEEDING_ATTENTION or bool(self.attention)
        return is_wrong and self.dismissed_attention != self.attention

    @property
    def other_sources(self) -> list[str]:
        """What the student keeps access by, once this payment gives none: kinds of sources."""
        bought = ("payment", self.id)
        return [each.kind for each in self.sources if (each.kind, each.reference) != bought]

    @property
    def has_other_amount(self) -> bool:
        """Whether it waits for an admin because of what was paid."""
        is_other = self.attention.startswith((OTHER_AMOUNT, OTHER_THAN_OFFERED))
        return self.status == "needs_review" and is_other

    @property
    def is_acceptable(self) -> bool:
        """Whether an admin can say that this amount is enough."""
        if not self.has_other_amount or self.access_ended_at is not None:
            return False
        fact = furthest(self.sessions)
        if fact is None or fact.state != "paid":
            return self.sale_ended_at is None
        return parts_of(fact, self.currency) is not None

    @property
    def refundable_cents(self) -> int:
        """What can still be sent back."""
        if self.payment_intent is None and self.method == STRIPE:
            return 0
        awaited = sum(each.amount_cents for each in self.requests if each.status == "requested")
        return refundable(
            *(self.status, self.amount_cents, self.sessions, self.refunds, self.disputes),
            recorded=self.refunded_cents,
            awaited=awaited,
        )


@read_model
class GivenBy:
    """A source of access."""

    kind: str
    reference: int


@read_model
class RequestedRefund:
    """A refund that was requested here."""

    id: int
    amount_cents: int
    status: str
    refusal: str
    created_at: datetime


@read_model
class InboxRow:
    """A Stripe event and its outcome."""

    id: int
    event_id: str
    type: str
    livemode: bool
    told_at: datetime
    received_at: datetime
    status: str
    attempts: int
    error: str
    payment_id: int | None


@read_model
class Refused:
    """A checkout that Stripe refused to open."""

    id: int
    attention: str


@read_model
class Inbox:
    """One page of the inbox."""

    events: list[InboxRow]
    total: int
    page: int
    pages: int


@read_model
class Reconciled:
    """How far reconciliation has come."""

    reconciled_until: datetime | None
    finished_at: datetime | None
    report: dict[str, Any]


def receipt(student_id: int, payment_id: int) -> Receipt:
    """Return a payment of this student; raises PaymentNotFound for anyone else's."""
    return _receipt(Payment.id == payment_id, student_id)


def receipt_by_reference(student_id: int, reference: str) -> Receipt:
    """Return the payment of this student that has our reference; raises PaymentNotFound."""
    [stripe] = constants(STRIPE)
    return _receipt(and_(Payment.method == stripe, Payment.reference == reference), student_id)


def checkout_note(student_id: int, course_id: int) -> str:
    """Return what a student should know of the checkout that is open for a course."""
    found = select(Payment.checkout_note).where(
        Payment.user_id == student_id, Payment.course_id == course_id, Payment.status == "pending"
    )
    return db.session.scalar(found) or ""


def refusal(course_id: int, amount_cents: int, currency: str) -> Refused | None:
    """Return the newest refusal by Stripe to sell a course at its present price, if any stands."""
    nothing = ""
    found = read(
        Refused,
        select(*columns(Refused, Payment))
        .where(
            *(Payment.attention > nothing, Payment.refusal > nothing),
            *(Payment.course_id == course_id, Payment.amount_cents == amount_cents),
            Payment.currency == currency,
        )
        .order_by(Payment.id.desc())
        .limit(1),
    )
    return found[0] if found else None


def detail(payment_id: int) -> PaymentDetail:
    """Return a payment with its facts and events; raises PaymentNotFound."""
    row = db.session.execute(
        select(*payment_columns(_names(PaymentDetail)))
        .outerjoin(User, User.id == Payment.user_id)
        .outerjoin(Course, Course.id == Payment.course_id)
        .where(Payment.id == payment_id)
    ).one_or_none()
    if row is None:
        raise PaymentNotFound
    return PaymentDetail(
        **row._asdict(),
        sources=read(
            GivenBy,
            select(*columns(GivenBy, AccessSource))
            .where(
                AccessSource.user_id == row.user_id,
                AccessSource.course_id == row.course_id,
            )
            .order_by(AccessSource.id),
        ),
        sessions=fact_rows.sessions(db.session(), payment_id),
        refunds=_refunds(row),
        disputes=fact_rows.disputes(db.session(), row.payment_intent),
        requests=read(
            RequestedRefund,
            select(*columns(RequestedRefund, RefundRequest))
            .where(RefundRequest.payment_id == payment_id)
            .order_by(RefundRequest.id),
        ),
        events=read(
            InboxRow,
            select(*columns(InboxRow, StripeEvent))
            .where(StripeEvent.payment_id == payment_id)
            .order_by(StripeEvent.told_at.desc(), StripeEvent.id.desc())
            .limit(100),
        ),
    )


def pair_of(payment_id: int) -> tuple[int, int] | None:
    """Return student and course of a payment; None once either is gone, or PaymentNotFound."""
    found = select(Payment.user_id, Payment.course_id).where(Payment.id == payment_id)
    row = db.session.execute(found).one_or_none()
    if row is None:
        raise PaymentNotFound
    return None if row.user_id is None or row.course_id is None else (row.user_id, row.course_id)


def inbox(*, page: int = 1, status: str = "") -> Inbox:
    """Return Stripe's events, newest first."""
    found = _events(status)
    return Inbox(
        events=read(InboxRow, _inbox(paged(found)), skipped=skipped(page)), **counted(found, page)
    )


def every_event(*, status: str = "") -> Iterator[InboxRow]:
    """Yield all of Stripe's events that are looked for, newest first."""
    return stream(InboxRow, _inbox(unpaged(_events(status))))


def failed_events() -> int:
    """Return how many events have failed."""
    return execute(_failed_events()).scalar() or 0


@cache
def _failed_events() -> Select[*tuple[Any, ...]]:
    return select(func.count()).select_from(StripeEvent).where(StripeEvent.status == "failed")


def reconciled() -> Reconciled:
    """Return how far the last reconciliation came."""
    found = read(Reconciled, _reconciled())
    return found[0] if found else Reconciled(reconciled_until=None, finished_at=None, report={})


@cache
def _reconciled() -> Select[*tuple[Any, ...]]:
    return select(*columns(Reconciled, StripeCursor))


def attention() -> ColumnElement[bool]:
    """Find the payments that an admin has to review, and has not dismissed."""
    [nothing] = constants("")
    states = constants(*sorted(NEEDING_ATTENTION))
    wrong = or_(Payment.status.in_(states), Payment.attention > nothing)
    return and_(wrong, is_unreviewed())


def bought_title() -> ColumnElement[str]:
    """Name the course as it was bought; the present title where none was kept."""
    return func.coalesce(func.nullif(Payment.course_title, ""), Course.title, "")


def payment_columns(names: Iterable[str]) -> list[ColumnElement[Any]]:
    """Return what is named of a payment, with its user and course joined."""
    named: dict[str, Any] = {
        "user_name": func.coalesce(User.name, ""),
        "user_email": func.coalesce(User.email, Payment.user_email),
        "student_name": User.name,
        "student_email": User.email,
        "course_title": bought_title(),
        "subtotal_cents": func.coalesce(Payment.subtotal_cents, Payment.amount_cents),
        "presentment_amount": _presented(StripeSession.presentment_amount),
        "presentment_currency": _presented(StripeSession.presentment_currency),
        "session_id": Payment.stripe_session_id,
        "payment_intent": Payment.stripe_payment_intent_id,
        "is_enrolled": _is_enrolled(),
        "is_active": func.coalesce(User.is_active, false()),
        "is_offered": func.coalesce(Course.status.in_(constants(*VISIBLE_STATUSES)), false()),
    }
    found = {name: named.get(name, getattr(Payment, name, None)) for name in names}
    return [column.label(name) for name, column in found.items() if column is not None]


def _events(status: str) -> Select[Any]:
    found = select(StripeEvent.id).order_by(StripeEvent.id.desc())
    return found.where(StripeEvent.status == status) if status else found


def _inbox(found: Select[Any]) -> Select[*tuple[Any, ...]]:
    ids = found.subquery()
    events = select(*columns(InboxRow, StripeEvent)).join(ids, ids.c.id == StripeEvent.id)
    return events.order_by(StripeEvent.id.desc())


def _names(shape: type) -> list[str]:
    return [field.name for field in fields(shape)]


def _presented(column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    [paid] = constants("paid")
    return (
        select(column)
        .where(
            StripeSession.payment_id == Payment.id,
            StripeSession.state == paid,
            column.is_not(None),
        )
        .order_by(StripeSession.id)
        .limit(1)
        .correlate(Payment)
        .scalar_subquery()
    )


def _receipt(condition: ColumnElement[bool], student_id: int) -> Receipt:
    row = db.session.execute(
        select(*payment_columns(_names(Receipt)))
        .join(User, User.id == Payment.user_id)
        .outerjoin(Course, Course.id == Payment.course_id)
        .where(condition, Payment.user_id == student_id)
    ).one_or_none()
    if row is None:
        raise PaymentNotFound
    return Receipt(**row._asdict(), refunds=_refunds(row) if row.refunded_cents else [])


def _refunds(row: Any) -> list[RefundFact]:
    """Return the refunds of a payment, by Stripe or by hand."""
    return [
        *fact_rows.refunds(db.session(), row.payment_intent),
        *manual_refunds(db.session(), row.id, row.currency),
    ]


def _is_enrolled() -> ColumnElement[bool]:
    return (
        select(Enrollment.id)
        .where(Enrollment.user_id == Payment.user_id, Enrollment.course_id == Payment.course_id)
        .exists()
    )
