"""The old school's payments: none is left out, and unclear ones need review."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Index,
    Integer,
    String,
    Text,
    case,
    exists,
    func,
    select,
    update,
)

from lms.db import UtcDateTime
from lms.enrollment import intake
from lms.importing.legacy.access import (
    gather,
    has_pair,
    of_pair,
    of_rows,
    pairs,
    past,
    same_pair,
)
from lms.importing.legacy.courses import courses
from lms.importing.legacy.job import Job
from lms.importing.legacy.people import users
from lms.importing.legacy.rules import change, elect, judge, merge, refer, repair, set_origins
from lms.importing.legacy.staging import Kind, located, referred, scratch_table
from lms.importing.legacy.values import OldRow, Row, line, word
from lms.ledger.access import Past
from lms.ledger.payment_pairs import note_second_payments
from lms.ledger.sources import Source
from lms.models import Payment
from lms.models.payment_status import GIVING_ACCESS, RETURNED, STATUSES
from lms.money import DEFAULT_CURRENCY

_STRIPE_IDS = ("stripe_session_id", "stripe_payment_intent_id")
_STAGES = {name: status.stage for name, status in STATUSES.items()}
payments = scratch_table(
    "payments",
    Column("amount_cents", Integer),
    Column("currency", String),
    Column("status", String),
    Column("refunded_cents", Integer),
    Column("stripe_session_id", String, index=True),
    Column("stripe_payment_intent_id", String, index=True),
    Column("created_at", UtcDateTime),
    Column("paid_at", UtcDateTime),
    Column("attention", Text, server_default=""),
    Index("ix_payments_target", "target"),
    refers_to={"user": users, "course": courses},
)


def _read(row: OldRow) -> Row:
    status = row.word("status", tuple(STATUSES), otherwise="needs_review", missing="needs_review")
    attention = ""
    if not row.has("status") or status != word(row.get("status")):
        attention = f"The status in the earlier system was '{row.shown('status')}'."
    amount = row.whole("amount_cents")
    if amount is None or amount < 0:
        row.repaired("the amount is unreadable: the payment needs review")
        shown = row.shown("amount_cents")
        why = f"is unreadable: '{shown}'" if shown else "is missing"
        attention = f"The amount in the earlier system {why}. {attention}"
        amount, status = 0, "needs_review"
    currency = row.currency()
    if currency is None:
        row.repaired("the currency is unknown: the payment needs review")
        shown = word(row.get("currency"))[:20]
        attention = f"The currency is unreadable: '{shown}'. {attention}"
        currency, status = DEFAULT_CURRENCY, "needs_review"
    status, refunded, attention = _refund(row, status, amount, attention)
    paid_at, created_at = row.moment("paid_at"), row.moment("created_at")
    return row.staged(
        natural=row.digest(),
        user_key=row.key("user_id"),
        course_key=row.key("course_id"),
        amount_cents=amount,
        currency=currency,
        status=status,
        refunded_cents=refunded,
        **{name: _stripe_id(row, name) for name in _STRIPE_IDS},
        created_at=created_at or paid_at,
        paid_at=paid_at,
        attention=attention.strip(),
    )


def _refund(row: OldRow, status: str, amount: int, attention: str) -> tuple[str, int, str]:
    """Make status and refund agree; an unfinished checkout has expired."""
    refunded = row.whole("refunded_cents", missing=0)
    if refunded is None or not 0 <= refunded <= amount:
        row.repaired("the refund is unreadable or exceeds the amount: the payment needs review")
        shown = row.shown("refunded_cents")
        return "needs_review", 0, f"The refund is unreadable or too large: '{shown}'. {attention}"
    match status:
        case "refunded" if refunded < amount:
            row.repaired("marked refunded, but not in full: treated as fully refunded")
            refunded = amount
        case _ if status in GIVING_ACCESS:
            fitting = "refunded" if refunded == amount > 0 else "partially_refunded"
            fitting = fitting if refunded else "paid"
            if fitting != status:
                row.repaired("the status contradicts the refund: the refund counts")
            status = fitting
        case "pending":
            row.repaired("an unfinished checkout in the earlier system: treated as expired")
            status, refunded = "expired", 0
        case "processing":
            row.repaired("the payment was processing: it needs review")
            status, refunded = "needs_review", 0
            attention = attention or "The payment was processing when the school was imported."
        case "needs_review" | "undeliverable":
            attention = attention or "This payment already needed review in the earlier system."
    return status, refunded, attention


def _stripe_id(row: OldRow, column: str) -> str | None:
    found = line(row.get(column))
    if len(found) > 255:
        row.repaired("a Stripe id that is too long: removed")
        return None
    return found or None


PAYMENTS = Kind(
    payments,
    (
        *("id", "user_id", "course_id", "amount_cents", "currency", "status", "refunded_cents"),
        *(*_STRIPE_IDS, "created_at", "paid_at"),
    ),
    _read,
    {"user_id": ("studentid",)},
)


def merge_same(job: Job) -> None:
    """Resolve the payments' references, and merge duplicates."""
    refer(job.scratch, payments)
    latest = [case(_STAGES, value=payments.c.status, else_=0).desc()]
    ids = [payments.c[name] for name in _STRIPE_IDS]
    for stripe_id in ids:
        _merge(job, [stripe_id], stripe_id.is_not(None), order=latest)
    names = ("user_key", "course_key", "amount_cents", "currency", "created_at")
    without_ids = [stripe_id.is_(None) for stripe_id in ids]
    is_dated = payments.c.created_at.is_not(None)
    _merge(job, [payments.c[name] for name in names], *without_ids, is_dated, order=latest)
    _merge(job, [payments.c.natural])
    set_origins(job.scratch, payments)
    job.merge_known(payments)
    for name in _STRIPE_IDS:
        judge(job.scratch, payments, _by_stripe_id(job, name), payments.c[name].is_not(None))
    has_both = (payments.c.user_row.is_not(None), payments.c.course_row.is_not(None))
    gather(job, payments, payments.c.status.in_(GIVING_ACCESS), *has_both)
    is_returned = of_rows(payments, func.count(), payments.c.status.in_(RETURNED)) > 0
    is_paid = of_rows(payments, func.count(), payments.c.status.in_(GIVING_ACCESS)) > 0
    job.scratch.execute(update(pairs).values(is_returned=is_returned, is_paid=is_paid))


def _merge(job: Job, partition: list[Any], *where: Any, order: Sequence[Any] = ()) -> None:
    """Merge rows about one payment; values that only the others have go to the one that stays."""
    elected = elect(payments, partition, *where, order=order)
    job.scratch.execute(
        update(payments).where(payments.c.row == elected.c.row).values(target=elected.c.first)
    )
    other = payments.alias()
    for name in (*_STRIPE_IDS, "user_row", "course_row", "created_at", "paid_at"):
        known = (
            select(func.min(other.c[name]))
            .where(other.c.target == payments.c.row)
            .correlate(payments)
            .scalar_subquery()
        )
        stays = payments.c.target == payments.c.row
        change(job.scratch, payments, stays, payments.c[name].is_(None), **{name: known})
    is_other = payments.c.target != payments.c.row
    merge(job.scratch, payments, "the same payment as another row", is_other)
    job.scratch.execute(update(payments).values(target=None))


def _by_stripe_id(job: Job, name: str) -> Callable[[Sequence[Any]], Iterator[Row]]:
    column = getattr(Payment, name)

    def by(rows: Sequence[Any]) -> Iterator[Row]:
        ids = [getattr(row, name) for row in rows]
        here = set(job.session.scalars(select(column).where(column.in_(ids))))
        reason = "this payment already exists here, with the same Stripe id"
        for row in rows:
            if getattr(row, name) in here:
                yield {"row": row.row, "verdict": "merged", "reason": reason}

    return by


def decide(job: Job) -> None:
    """Decide what a payment gives, or mark it for review."""
    note = partial(repair, job.scratch, payments)
    paid = payments.c.status.in_(GIVING_ACCESS)
    for column, who, gone in (
        (payments.c.user_row, "student", "account"),
        (payments.c.course_row, "course", "course"),
    ):
        kept = f"its {who} is unknown or was refused: the payment is kept for the record"
        note(kept, column.is_(None))
        _set_aside(job, f"The {gone} no longer exists. Refund the payment.", column.is_(None), paid)
    barred = has_pair(payments, pairs.c.verdict == "refused")
    note("paid, but the student can't be enrolled: needs review", paid, barred)
    _set_aside(
        job,
        "The student couldn't be enrolled during the import. Enroll the student, or refund the"
        " payment.",
        paid,
        barred,
    )
    let_in = has_pair(
        payments,
        pairs.c.verdict.is_(None),
        pairs.c.enrollment_row.is_(None),
        pairs.c.progress_row.is_(None),
        pairs.c.request_row.is_(None),
    )
    note("paid, but not enrolled: the student is enrolled", paid, let_in)
    other = payments.alias()
    note(
        "refunded, but the student was still enrolled: access is kept, review it",
        payments.c.status.in_(RETURNED),
        has_pair(payments, pairs.c.verdict.is_(None), pairs.c.enrollment_row.is_not(None)),
        ~_is_paid_by(other),
    )
    is_bought = of_rows(payments, func.count(), payments.c.verdict.is_(None), paid) > 0
    job.scratch.execute(update(pairs).values(is_bought=is_bought))


def _is_paid_by(other: FromClause) -> ColumnElement[bool]:
    return exists().where(
        same_pair(payments, other),
        other.c.status.in_(GIVING_ACCESS),
        other.c.verdict.is_(None),
    )


def _set_aside(job: Job, why: str, *where: Any) -> None:
    """Take a payment out of what gives access, and say why."""
    # What went back in part is not counted again by reconciliation, as an undeliverable one is.
    status = case((payments.c.refunded_cents > 0, "needs_review"), else_="undeliverable")
    change(job.scratch, payments, *where, status=status, attention=why)


def write(job: Job) -> None:
    """Keep the payments; each that gives access is a source of it."""
    of_pairs = [pairs.c[name] for name in (*_FIGURES, "enrolled_at", "last_activity_at")]
    also = (
        *located(payments),
        referred(payments, "user", "email"),
        referred(payments, "course", "title"),
        has_pair(payments, pairs.c.verdict.is_(None)).label("is_new"),
        *(of_pair(payments, column).label(column.name) for column in of_pairs),
    )
    for rows in job.coming(payments, also=also):
        ids = intake.add_payments(job.session, [_payment(job, row) for row in rows])
        job.settle(payments, rows, ids)
        sources = {
            Source(row.user_id, row.course_id, "payment", payment_id): (
                past(job, row) if row.is_new else Past()
            )
            for row, payment_id in zip(rows, ids, strict=True)
            if row.status in GIVING_ACCESS
        }
        intake.let_in(job.session, sources)
    note_second_payments(job.session)


_FIGURES = ("share", "old_progress", "old_total_progress")
_STORED = (
    "user_id",
    "course_id",
    "amount_cents",
    "currency",
    "status",
    "refunded_cents",
    *_STRIPE_IDS,
    "attention",
)


def _payment(job: Job, row: Any) -> Row:
    created_at = row.created_at or job.moment
    has_come = row.status in {*GIVING_ACCESS, *RETURNED, "disputed"}
    is_lost = row.status == "dispute_lost"
    return {
        **{name: getattr(row, name) for name in _STORED},
        "lost_cents": row.amount_cents - row.refunded_cents if is_lost else 0,
        "user_email": row.user_email or _unknown("account", row.user_key),
        "course_title": row.course_title or _unknown("course", row.course_key),
        "created_at": created_at,
        "paid_at": row.paid_at or (created_at if has_come else None),
    }


def _unknown(what: str, key: str | None) -> str:
    return f"Unknown {what}, old ID {key}" if key else f"Unknown {what}"
