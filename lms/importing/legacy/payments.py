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
    and_,
    case,
    exists,
    func,
    or_,
    select,
    type_coerce,
    update,
)

from lms.db import UtcDateTime
from lms.enrollment import intake
from lms.importing.legacy import receipts
from lms.importing.legacy.access import (
    describe,
    gather,
    has_pair,
    of_pair,
    pairs,
    past,
    same_pair,
    together,
)
from lms.importing.legacy.courses import courses
from lms.importing.legacy.job import Job
from lms.importing.legacy.people import note_closed, users
from lms.importing.legacy.questions import ACCESS, MONEY, WAITS, about
from lms.importing.legacy.receipts import STRIPE_IDS
from lms.importing.legacy.rules import (
    change,
    elect,
    judge,
    merge,
    refer,
    refuse,
    repair,
    set_origins,
)
from lms.importing.legacy.staging import Kind, batches, located, referred, scratch_table
from lms.importing.legacy.values import Row
from lms.importing.present import AT_ONCE
from lms.ledger.arrivals import Arrival
from lms.ledger.payment_pairs import note_second_payments
from lms.models import Payment
from lms.models.catalog import VISIBLE_STATUSES
from lms.models.payment_status import GIVING_ACCESS, RETURNED, STATUSES
from lms.models.payments import STRIPE

_STAGES = {name: status.stage for name, status in STATUSES.items()}
payments = scratch_table(
    "payments",
    Column("amount_cents", Integer),
    Column("currency", String),
    Column("status", String),
    Column("refunded_cents", Integer),
    Column("subtotal_cents", Integer),
    Column("discount_cents", Integer),
    Column("tax_cents", Integer),
    Column("method", String),
    Column("reference", String),
    Column("invoice_number", String),
    Column("stripe_session_id", String, index=True),
    Column("stripe_payment_intent_id", String, index=True),
    Column("created_at", UtcDateTime),
    Column("paid_at", UtcDateTime),
    Column("ended_at", UtcDateTime),  # when the access that it gave had ended there
    Column("attention", Text, server_default=""),
    Index("ix_payments_target", "target"),
    refers_to={"user": users, "course": courses},
)
PAYMENTS = Kind(
    payments,
    receipts.COLUMNS,
    receipts.read,
    receipts.ALIASES,
    called=("payment", "purchase", "purchases", "order", "orders", "transaction", "transactions"),
    needs=("user_id", "course_id"),
    money=receipts.MONEY_COLUMNS,
)


def merge_same(job: Job) -> None:
    """Resolve the payments' references, and merge duplicates."""
    refer(job.scratch, payments)
    note_closed(job, payments)
    latest = [case(_STAGES, value=payments.c.status, else_=0).desc()]
    ids = [payments.c[name] for name in STRIPE_IDS]
    for stripe_id in ids:
        _merge(job, [stripe_id], stripe_id.is_not(None), order=latest)
    names = ("user_key", "course_key", "amount_cents", "currency", "created_at")
    without_ids = [stripe_id.is_(None) for stripe_id in ids]
    is_dated = payments.c.created_at.is_not(None)
    _merge(job, [payments.c[name] for name in names], *without_ids, is_dated, order=latest)
    _merge(job, [payments.c.natural])
    set_origins(job.scratch, payments)
    job.merge_known(payments)
    for name in STRIPE_IDS:
        judge(job.scratch, payments, _by_stripe_id(job, name), payments.c[name].is_not(None))
    has_both = (payments.c.user_row.is_not(None), payments.c.course_row.is_not(None))
    giving = (payments.c.status.in_(GIVING_ACCESS), ~payments.c.user_is_closed)
    gather(job, payments, *giving, *has_both)
    paid_at = func.coalesce(payments.c.paid_at, payments.c.created_at)
    gives = and_(*giving)
    found = together(
        payments,
        is_returned=func.max(payments.c.status.in_(RETURNED)),
        is_paid=func.max(gives),
        paid_at=func.min(case((gives, paid_at))),
    )
    describe(job, found)
    _hold_unpriced(job)
    _keep_references_apart(job)


def _hold_unpriced(job: Job) -> None:
    """Let nobody join a course for nothing that others have paid for: its price is not known."""
    sold = exists().where(
        payments.c.course_row == courses.c.row,
        payments.c.amount_cents > 0,
        payments.c.status.in_((*GIVING_ACCESS, *RETURNED)),
    )
    repair(
        job.scratch,
        courses,
        about(MONEY, "others paid for it, but it has no price: a draft until the price is set"),
        courses.c.price_cents == 0,
        courses.c.is_public,
        courses.c.status.in_(VISIBLE_STATUSES),
        sold,
        status="draft",
        is_public=False,
    )


def _keep_references_apart(job: Job) -> None:
    """Leave a reference to the first of those that it can't stand for all of."""
    standing = (payments.c.verdict.is_(None), payments.c.reference.is_not(None))
    for partition, *where in (
        (["reference"], payments.c.method == STRIPE),
        (["user_row", "course_row", "reference"],),
    ):
        elected = elect(payments, [payments.c[name] for name in partition], *standing, *where)
        others = select(elected.c.row).where(elected.c.row != elected.c.first)
        _drop_reference(job, payments.c.row.in_(others))
    for rows in batches(job.scratch, payments, *standing, size=AT_ONCE):
        references = [row.reference for row in rows]
        here = set(
            job.session.scalars(select(Payment.reference).where(Payment.reference.in_(references)))
        )
        _drop_reference(job, payments.c.row.in_([row.row for row in rows if row.reference in here]))


def _drop_reference(job: Job, *where: Any) -> None:
    reason = about(
        MONEY, "another payment has the same reference, so this payment is imported without one"
    )
    repair(job.scratch, payments, reason, *where, reference=None)


def _merge(job: Job, partition: list[Any], *where: Any, order: Sequence[Any] = ()) -> None:
    """Merge rows about one payment; values that only the others have go to the one that stays."""
    elected = elect(payments, partition, *where, order=order)
    job.scratch.execute(
        update(payments).where(payments.c.row == elected.c.row).values(target=elected.c.first)
    )
    other = payments.alias()
    for name in (*STRIPE_IDS, "user_row", "course_row", "created_at", "paid_at"):
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
        note(about(MONEY, kept), column.is_(None))
        _set_aside(job, f"The {gone} no longer exists. Refund the payment.", column.is_(None), paid)
    is_open = has_pair(payments, pairs.c.ended.endswith(WAITS))
    refuse(
        job.scratch, payments, about(MONEY, f"the status of its enrollment {WAITS}"), paid, is_open
    )
    _set_ended_aside(job, paid)
    barred = has_pair(payments, pairs.c.verdict == "refused")
    note(about(MONEY, "paid, but the student can't be enrolled: needs review"), paid, barred)
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
    note(about(ACCESS, "paid, but not enrolled: the student is enrolled"), paid, let_in)
    other = payments.alias()
    note(
        about(
            MONEY,
            "refunded, but the student was still enrolled: access is kept; check whether it should"
            " end",
        ),
        payments.c.status.in_(RETURNED),
        has_pair(payments, pairs.c.verdict.is_(None), pairs.c.enrollment_row.is_not(None)),
        ~_is_paid_by(other),
    )
    bought = together(payments, payments.c.verdict.is_(None), paid, is_bought=func.count() > 0)
    describe(job, bought)


def _is_paid_by(other: FromClause) -> ColumnElement[bool]:
    return exists().where(
        same_pair(payments, other),
        other.c.status.in_(GIVING_ACCESS),
        other.c.verdict.is_(None),
    )


def _set_ended_aside(job: Job, paid: ColumnElement[bool]) -> None:
    """Keep what was paid for access that had ended there; an admin decides, and nobody else."""
    has_ended = or_(
        payments.c.user_is_closed,
        has_pair(payments, pairs.c.verdict == "refused", pairs.c.ended != ""),
    )
    repair(
        job.scratch,
        payments,
        about(MONEY, "paid, but the access had ended in the earlier system: needs review"),
        paid,
        has_ended,
        status="needs_review",
        ended_at=job.moment,
        attention=f"The access it gave had ended in the earlier system. {receipts.DECIDE}",
    )


def _set_aside(job: Job, why: str, *where: Any) -> None:
    """Take a payment out of what gives access, and say why."""
    # What went back in part is not counted again by reconciliation, as an undeliverable one is.
    status = case((payments.c.refunded_cents > 0, "needs_review"), else_="undeliverable")
    change(job.scratch, payments, *where, status=status, attention=why)


def write(job: Job) -> None:
    """Keep the payments; each that gives access is a source of it."""
    known = (of_pair(payments, type_coerce(each, Text())) for each in past(job))
    also = (
        *located(payments),
        referred(payments, "user", "email"),
        referred(payments, "course", "title"),
        has_pair(payments, pairs.c.verdict.is_(None)).label("is_new"),
        *(found.label(f"past_{place}") for place, found in enumerate(known)),
    )
    _remember_open(job)
    for rows in job.coming(payments, also=also):
        ids = intake.add_payments(job.session, [_payment(job, row) for row in rows])
        job.settle(payments, rows, ids)
        giving = [(row, number) for row, number in zip(rows, ids, strict=True) if _gives(row)]
        intake.let_in(job.session, [_arrival(row, number) for row, number in giving])
        bought = {(row.user_id, row.course_id) for row, _ in giving}
        intake.end_imports(job.session, job.known_pairs(_OPEN_PAYMENTS, bought))
    note_second_payments(job.session)


def _gives(row: Any) -> bool:
    return row.status in GIVING_ACCESS


def _arrival(row: Any, payment_id: int) -> Arrival:
    known = (row.past_0, row.past_1, row.past_2) if row.is_new else (None, None, None)
    return (row.user_id, row.course_id, "payment", payment_id, *known)


def _remember_open(job: Job) -> None:
    """Remember who is let in without a payment that waits for an answer: later it is the source."""
    is_open = (payments.c.verdict == "refused", payments.c.reason == receipts.OPEN)
    for rows in batches(job.scratch, payments, *is_open, also=located(payments)):
        whole = [(row.user_id, row.course_id) for row in rows if row.user_id and row.course_id]
        job.remember_pairs(_OPEN_PAYMENTS, whole)


_OPEN_PAYMENTS = "open_payments"
_STORED = (
    "user_id",
    "course_id",
    "amount_cents",
    "currency",
    "status",
    "refunded_cents",
    *STRIPE_IDS,
    "subtotal_cents",
    "discount_cents",
    "tax_cents",
    "method",
    "reference",
    "invoice_number",
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
        "access_ended_at": row.ended_at,
        "paid_at": row.paid_at or (created_at if has_come else None),
    }


def _unknown(what: str, key: str | None) -> str:
    return f"Unknown {what}, old ID {key}" if key else f"Unknown {what}"
