"""What becomes of the old school's requests and payments."""

from typing import Any

from sqlalchemy import Connection, case, exists, func, or_, select, update

from lms.importing.legacy.portal import STRIPE_COLUMNS, Portal
from lms.importing.legacy.rules import (
    chunks,
    comes_in,
    elect,
    merge,
    merge_all_but_first,
    put,
    refer,
    refuse,
    refuse_dangling,
    repair,
    set_origins,
)
from lms.importing.legacy.staging import (
    access_requests,
    batches,
    courses,
    pairs,
    payments,
    target_of,
    users,
)
from lms.models.payment_status import GIVING_ACCESS, RETURNED, STATUSES

_BEFORE = "it was imported before"
_STAGES = {name: status.stage for name, status in STATUSES.items()}


def refer_requests(scratch: Connection, portal: Portal) -> None:
    """Find whom and what the requests are about; each is told once."""
    table = access_requests
    refer(scratch, table, "users", "user")
    refer(scratch, table, "courses", "course")
    refuse_dangling(scratch, table, "users", "user", "student")
    refuse_dangling(scratch, table, "courses", "course", "course")
    pair = [table.c.user_row, table.c.course_row]
    merge_all_but_first(
        scratch,
        table,
        "another pending request of the same student and course: the first one waits",
        pair,
        table.c.status == "pending",
        order=[table.c.created_at.asc().nulls_last()],
    )
    merge_all_but_first(
        scratch,
        table,
        "the same decided request as another row",
        [*pair, table.c.status, table.c.created_at, table.c.message],
        table.c.status != "pending",
    )
    set_origins(scratch, table)
    _merge_remembered(scratch, table, portal)


def decide_requests(scratch: Connection, portal: Portal) -> None:
    """Queue what waits; what was decided becomes a decision, and nobody waits who is in."""
    table = access_requests
    is_in = exists().where(
        pairs.c.user_row == table.c.user_row,
        pairs.c.course_row == table.c.course_row,
        or_(pairs.c.verdict.is_(None), pairs.c.is_in_already),
    )
    waits = table.c.status == "pending"
    merge(
        scratch, table, "pending, but the student is in: there is nothing to decide", waits, is_in
    )
    admin = exists().where(
        users.c.row == table.c.user_row,
        or_(users.c.is_admin_here, (users.c.role == "admin") & users.c.target.is_(None)),
    )
    refuse(scratch, table, "an admin's request: admins do not ask", waits, admin)
    located = (
        target_of(users, table.c.user_row).label("user_id"),
        target_of(courses, table.c.course_row).label("course_id"),
    )
    for rows in batches(scratch, table, table.c.verdict.is_(None), waits, also=located):
        for part in chunks([row for row in rows if row.user_id and row.course_id]):
            both = {row.row: (row.user_id, row.course_id) for row in part}
            found = list(both.values())
            waiting, enrolled = portal.waiting(found), portal.enrolled(found)
            put(
                scratch,
                table,
                [
                    {
                        "row": row,
                        "verdict": "merged",
                        "reason": "the student waits for this course here already"
                        if pair in waiting
                        else "pending, but the student is in: there is nothing to decide",
                    }
                    for row, pair in both.items()
                    if pair in waiting | enrolled
                ],
            )
    let_in = exists().where(
        pairs.c.request_row == table.c.row,
        pairs.c.verdict.is_(None),
        pairs.c.enrollment_row.is_(None),
        pairs.c.progress_row.is_(None),
    )
    repair(scratch, table, "approved, but not enrolled: the student is let in", let_in)


def refer_payments(scratch: Connection, portal: Portal) -> None:
    """Find whom and what was paid for; each payment is told once, and none is left out."""
    table = payments
    refer(scratch, table, "users", "user")
    refer(scratch, table, "courses", "course")
    strength = case(_STAGES, value=table.c.status, else_=0).desc()
    for column in (table.c.stripe_session_id, table.c.stripe_payment_intent_id):
        _merge_payments(scratch, [column], column.is_not(None), order=[strength])
    without_ids = (
        table.c.stripe_session_id.is_(None),
        table.c.stripe_payment_intent_id.is_(None),
    )
    same = [
        table.c.user_key,
        table.c.course_key,
        table.c.amount_cents,
        table.c.currency,
        table.c.created_at,
    ]
    _merge_payments(scratch, same, *without_ids, table.c.created_at.is_not(None), order=[strength])
    _merge_payments(scratch, [table.c.natural])
    set_origins(scratch, table)
    _merge_remembered(scratch, table, portal)
    for name, stripe_id in STRIPE_COLUMNS.items():
        for rows in batches(scratch, table, table.c.verdict.is_(None), table.c[name].is_not(None)):
            for part in chunks(rows):
                here = portal.stripe_ids(stripe_id, [getattr(row, name) for row in part])
                put(
                    scratch,
                    table,
                    [
                        {
                            "row": row.row,
                            "verdict": "merged",
                            "reason": "this payment is here already, by its id of Stripe's",
                        }
                        for row in part
                        if getattr(row, name) in here
                    ],
                )


def decide_payments(scratch: Connection) -> None:
    """Say what a payment gives, or put it where somebody looks at it."""
    table = payments
    paid = table.c.status.in_(GIVING_ACCESS)
    for column, who, gone in (
        (table.c.user_row, "student", "account"),
        (table.c.course_row, "course", "course"),
    ):
        repair(
            scratch,
            table,
            f"its {who} is unknown, or was refused: the payment is kept for the record",
            column.is_(None),
        )
        _look_at(scratch, f"The {gone} is gone: refund the payment.", column.is_(None), paid)
    mine = (pairs.c.user_row == table.c.user_row, pairs.c.course_row == table.c.course_row)
    barred = exists().where(*mine, pairs.c.verdict == "refused")
    repair(
        scratch, table, "paid, but the student cannot be let in: somebody has to look", paid, barred
    )
    _look_at(
        scratch,
        "The buyer could not be let in when the school was imported: add a seat, or refund it.",
        paid,
        barred,
    )
    let_in = exists().where(
        *mine,
        pairs.c.verdict.is_(None),
        pairs.c.enrollment_row.is_(None),
        pairs.c.progress_row.is_(None),
        pairs.c.request_row.is_(None),
    )
    repair(scratch, table, "paid, but not enrolled: the student is let in", paid, let_in)
    earlier = payments.alias()
    twice = exists().where(
        earlier.c.user_row == table.c.user_row,
        earlier.c.course_row == table.c.course_row,
        earlier.c.status.in_(GIVING_ACCESS),
        comes_in(earlier),
        earlier.c.verdict.is_(None),
        earlier.c.row < table.c.row,
    )
    scratch.execute(
        update(table)
        .where(table.c.verdict.is_(None), paid, twice, table.c.attention == "")
        .values(attention="The student has paid twice for the same course. Refund one.")
    )
    kept = exists().where(*mine, pairs.c.verdict.is_(None), pairs.c.enrollment_row.is_not(None))
    still_paid = payments.alias()
    other = exists().where(
        still_paid.c.user_row == table.c.user_row,
        still_paid.c.course_row == table.c.course_row,
        still_paid.c.status.in_(GIVING_ACCESS),
        still_paid.c.verdict.is_(None),
    )
    repair(
        scratch,
        table,
        "the money went back, but the student was still enrolled: the access is kept, look at it",
        table.c.status.in_(RETURNED),
        kept,
        ~other,
    )


def _merge_payments(
    scratch: Connection, partition: list[Any], *where: Any, order: Any = ()
) -> None:
    """Merge rows about one payment; what only the others know goes to the one that stays."""
    elected = elect(payments, partition, *where, order=order)
    scratch.execute(
        update(payments).where(payments.c.row == elected.c.row).values(target=elected.c.first)
    )
    other = payments.alias()
    for name in (
        "stripe_session_id",
        "stripe_payment_intent_id",
        "user_row",
        "course_row",
        "created_at",
        "paid_at",
    ):
        known = (
            select(func.min(other.c[name]))
            .where(other.c.target == payments.c.row)
            .correlate(payments)
            .scalar_subquery()
        )
        scratch.execute(
            update(payments)
            .where(
                payments.c.verdict.is_(None),
                payments.c.target == payments.c.row,
                payments.c[name].is_(None),
            )
            .values({name: known})
        )
    merge(scratch, payments, "the same payment as another row", payments.c.target != payments.c.row)
    scratch.execute(update(payments).values(target=None))


def _merge_remembered(scratch: Connection, table: Any, portal: Portal) -> None:
    for rows in batches(scratch, table, table.c.verdict.is_(None)):
        for part in chunks(rows):
            known = portal.origins(table.name, [row.origin for row in part])
            put(
                scratch,
                table,
                [
                    {"row": row.row, "verdict": "merged", "reason": _BEFORE}
                    for row in part
                    if row.origin in known
                ],
            )


def _look_at(scratch: Connection, why: str, *where: Any) -> None:
    """Take a payment out of what gives access, and say why."""
    # What went back in part is not counted again by reconciliation, as an undeliverable one is.
    status = case((payments.c.refunded_cents > 0, "needs_review"), else_="undeliverable")
    scratch.execute(
        update(payments)
        .where(payments.c.verdict.is_(None), *where)
        .values(status=status, attention=why)
    )
