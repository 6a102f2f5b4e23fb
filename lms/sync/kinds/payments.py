"""Payments: what they say, and that they give access or have ended it."""

from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, exists, func, literal, or_, select

from lms.ledger.access import end_access
from lms.ledger.behind import according_to_stripe, is_behind
from lms.ledger.fact_rows import lock_facts
from lms.ledger.payment_endings import mark_undeliverable
from lms.ledger.payment_pairs import is_another, is_noted_wrongly, note_second_payments
from lms.ledger.payments import ACCOUNT_GONE, COURSE_GONE
from lms.ledger.recorded_money import contradicts_itself, is_all_returned, parts_differ
from lms.ledger.settling import settle
from lms.ledger.sources import Source
from lms.ledger.trail import standing
from lms.messages.catalogue import PurchaseDelivered
from lms.models import AccessSource, Enrollment, Payment, User, may_learn
from lms.models.columns import normalized
from lms.models.payment_status import GIVING_ACCESS
from lms.sync.conditions import (
    both_exist,
    is_enrolled,
    rests_on_lost_payment,
)
from lms.sync.finding import find, subject
from lms.sync.kind import PAIR_TABLES, Check, Found, Kind, Phase, Step


def _without_course() -> Select[Any]:
    """Find paid payments whose course or buyer is deleted: an admin has to review them."""
    return find(Payment, expected="undeliverable", actual=Payment.status).where(
        normalized(Payment.status).in_(GIVING_ACCESS),
        or_(Payment.user_id.is_(None), Payment.course_id.is_(None)),
    )


def _behind_stripe() -> Select[Any]:
    return find(Payment, expected=according_to_stripe(), actual=Payment.status).where(is_behind())


def _contradicting() -> Select[Any]:
    """Find payments whose row is all that is known of them, and is at odds with itself."""
    gone = Payment.refunded_cents + Payment.lost_cents
    return find(
        Payment,
        expected="a status that matches the amounts",
        actual=_words(Payment.status, ", with ", gone, " of ", Payment.amount_cents, " returned"),
    ).where(contradicts_itself())


def _in_odd_parts() -> Select[Any]:
    subtotal = func.coalesce(Payment.subtotal_cents, Payment.amount_cents)
    return find(
        Payment,
        expected=_words("parts that add up to ", Payment.amount_cents),
        actual=_words(subtotal, " - ", Payment.discount_cents, " + ", Payment.tax_cents),
        attention="Have whoever runs the portal set subtotal, discount and tax in the database, so"
        " that they add up to the amount paid.",
    ).where(parts_differ())


def _words(*parts: Any) -> ColumnElement[str]:
    texts = [
        literal(each, String) if isinstance(each, str) else cast(each, String) for each in parts
    ]
    return reduce(add, texts)


def _not_enrolled() -> Select[Any]:
    pair = subject(Payment)
    gives_access = exists().where(
        AccessSource.user_id == Payment.user_id,
        AccessSource.course_id == Payment.course_id,
        AccessSource.kind == "payment",
        AccessSource.reference == Payment.id,
    )
    return find(
        Payment,
        expected="enrolled by this payment",
        actual=func.replace(Payment.status, "_", " ") + ", but gives no access",
    ).where(
        normalized(Payment.status).in_(GIVING_ACCESS),
        Payment.access_ended_at.is_(None),
        ~(is_enrolled(*pair) & gives_access),
        ~is_all_returned(),
        both_exist(*pair),
    )


def _refunded() -> Select[Any]:
    """Find access that only a refunded or lost payment had given."""
    return find(
        Enrollment,
        expected="access ended with the payment",
        actual="enrolled, though the payment was refunded or lost in a dispute",
    ).where(rests_on_lost_payment(), both_exist(*subject(Enrollment)))


def _noted_wrongly() -> Select[Any]:
    return find(
        Payment,
        expected=case((is_another(), "a note about the earlier payment"), else_="no such note"),
        actual=func.coalesce(func.nullif(Payment.attention, ""), "no note"),
    ).where(is_noted_wrongly())


def _note(step: Step) -> None:
    note_second_payments(step.session, Payment.id.in_(step.ids))


def _deliver(step: Step) -> None:
    buyers = User.id.in_([student_id for student_id, _ in step.pairs])
    students = set(step.session.scalars(select(User.id).where(buyers, may_learn())))
    had = standing(step.session, step.pairs)  # somebody who is an admin by now had bought before
    bought = {
        row.row_id: Source(row.student_id, row.course_id, "payment", row.row_id)
        for row in step.found
        if row.student_id is not None and row.course_id is not None
        if row.student_id in students or (row.student_id, row.course_id) in had
    }
    enrolled = step.enroll(bought.values())
    for row in step.found:
        if row.row_id not in bought or bought[row.row_id].pair not in enrolled:
            _undeliverable(
                step,
                row,
                "The buyer can't be enrolled. Resolve what prevents it (a full course, an"
                " unconfirmed address or an admin account), or refund the payment.",
            )


def _mark_undeliverable(step: Step) -> None:
    for row in step.found:
        _undeliverable(step, row, COURSE_GONE if row.course_id is None else ACCOUNT_GONE)


def _undeliverable(step: Step, row: Found, why: str) -> None:
    mark_undeliverable(step.session, row.row_id, why, by=step.by, reason=step.reason)
    step.needs_attention(row, why)


def _end(step: Step) -> None:
    end_access(step.session, step.pairs, by=step.by, reason=step.reason)


def _settle(step: Step) -> None:
    for payment_id in step.ids:
        settle(step.session, payment_id)


def _settle_by_record(step: Step) -> None:
    for payment_id in step.ids:
        settle(step.session, payment_id, by=step.by, reason=step.reason)


KINDS = (
    Kind(
        "paid_without_course",
        "Paid, with the course or the buyer deleted",
        "The payment is marked undeliverable, so that an admin can refund it.",
        Phase.PAYMENTS,
        (Check(Payment, _without_course, _mark_undeliverable),),
    ),
    Kind(
        "payment_behind_stripe",
        "Payments behind Stripe's records",
        "The payment's status and access are updated, as after any Stripe event.",
        Phase.PAYMENTS,
        (Check(Payment, _behind_stripe, _settle, also=PAIR_TABLES),),
        lock=lock_facts,
        announces_itself=True,
    ),
    Kind(
        "parts_differ",
        "Payments whose parts don't add up to the amount",
        "Nothing: whoever runs the portal has to correct the parts.",
        Phase.PAYMENTS,
        (Check(Payment, _in_odd_parts),),
    ),
    Kind(
        "paid_not_enrolled",
        "Paid but not enrolled",
        "The student is enrolled by the payment; if the course is full, the payment is marked"
        " undeliverable.",
        Phase.PAYMENTS,
        (Check(Payment, _not_enrolled, _deliver, also=(*PAIR_TABLES, Payment)),),
        message=PurchaseDelivered,
    ),
    Kind(
        "second_payment_note",
        "Missing or outdated notes on second payments",
        "The note is added while an earlier payment gives the same access, and removed otherwise.",
        Phase.PAYMENTS,
        (Check(Payment, _noted_wrongly, _note),),
    ),
    Kind(
        "refunded_still_enrolled",
        "Refunded but still enrolled",
        "Access ends; what the student has completed is kept.",
        Phase.PAYMENTS,
        (Check(Enrollment, _refunded, _end, also=PAIR_TABLES),),
    ),
    Kind(
        "payment_contradicts_itself",
        "Payments whose status and amounts disagree",
        "A status of refunded or lost means that all of the amount was returned. Otherwise, the"
        " amount returned decides the status. Access changes accordingly.",
        Phase.PAYMENTS,
        (Check(Payment, _contradicting, _settle_by_record, also=PAIR_TABLES),),
        lock=lock_facts,
        announces_itself=True,
    ),
)
