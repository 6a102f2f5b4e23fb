"""What the portal knows that decides a dispute: purchase, use, and what was said."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select

from lms.db import db
from lms.models import (
    AuditEntry,
    Chapter,
    ChapterCompletion,
    OutboxEmail,
    Payment,
    SignIn,
)
from lms.queries.payments import PaymentDetail, detail
from lms.queries.read_model import read, read_model

_MOST = 50
_BEGINNING, _ENDING = ("access.granted",), ("access.source_withdrawn", "access.ended")


@read_model
class KeptSignIn:
    """A sign-in that has not ended."""

    created_at: datetime
    last_seen_at: datetime | None
    device: str


@read_model
class Access:
    """From when to when the student could learn by the payment; the end is None if it lasts."""

    began: datetime
    ended: datetime | None


@read_model
class ReadChapter:
    """A chapter that the student has completed."""

    title: str
    completed_at: datetime


@read_model
class SentEmail:
    """An e-mail to the buyer about the purchase or its course."""

    subject: str
    sent_at: datetime


@read_model
class Evidence:
    """All of it."""

    payment: PaymentDetail
    accesses: list[Access]
    sign_ins: list[KeptSignIn]
    completed: int
    first_chapter: ReadChapter | None
    last_chapter: ReadChapter | None
    emails: list[SentEmail]


def evidence(payment_id: int) -> Evidence:
    """Return what decides a dispute of a payment; raises PaymentNotFound."""
    payment = detail(payment_id)
    sign_ins = (
        select(SignIn.created_at, SignIn.last_seen_at, SignIn.device)
        .where(SignIn.user_id == payment.user_id)
        .order_by(SignIn.created_at, SignIn.id)
        .limit(_MOST)
    )
    return Evidence(
        payment=payment,
        accesses=_accesses(payment),
        sign_ins=read(KeptSignIn, sign_ins),
        completed=db.session.scalar(
            select(func.count()).select_from(_completed(payment).subquery())
        )
        or 0,
        first_chapter=_chapter(payment, ChapterCompletion.completed_at, ChapterCompletion.id),
        last_chapter=_chapter(
            *(payment, ChapterCompletion.completed_at.desc(), ChapterCompletion.id.desc())
        ),
        emails=read(SentEmail, _emails(payment)),
    )


def _accesses(payment: PaymentDetail) -> list[Access]:
    """Return when the payment gave access: a dispute has suspended it, so no enrollment says so."""
    found: list[Access] = []
    for entry in db.session.execute(
        select(AuditEntry.action, AuditEntry.at, AuditEntry.details)
        .where(
            AuditEntry.student_id == payment.user_id,
            AuditEntry.course_id == payment.course_id,
            AuditEntry.action.in_((*_BEGINNING, *_ENDING)),
        )
        .order_by(AuditEntry.id)
    ):
        source = entry.details.get("source"), entry.details.get("reference")
        is_open = bool(found) and found[-1].ended is None
        if entry.action in _BEGINNING and source == ("payment", payment.id):
            found.append(Access(began=entry.at, ended=None))
        elif is_open and (source == ("payment", payment.id) or entry.action == "access.ended"):
            found[-1] = Access(began=found[-1].began, ended=entry.at)
    return found


def _completed(payment: PaymentDetail) -> Select[*tuple[Any, ...]]:
    return (
        select(Chapter.title, ChapterCompletion.completed_at)
        .join(Chapter, Chapter.id == ChapterCompletion.chapter_id)
        .where(
            ChapterCompletion.student_id == payment.user_id, Chapter.course_id == payment.course_id
        )
    )


def _chapter(payment: PaymentDetail, *order: Any) -> ReadChapter | None:
    found = read(ReadChapter, _completed(payment).order_by(*order).limit(1))
    return found[0] if found else None


def _emails(payment: PaymentDetail) -> Select[*tuple[Any, ...]]:
    """Select the e-mails about the purchase or its course that went to who paid."""
    about = [OutboxEmail.path == f"/student/payments/{payment.id}"]
    if payment.course_id is not None:
        about.append(OutboxEmail.path == f"/student/courses/{payment.course_id}")
    paid_by = select(Payment.user_email).where(Payment.id == payment.id)
    return (
        select(OutboxEmail.subject, OutboxEmail.sent_at)
        .where(
            OutboxEmail.recipient.in_([payment.user_email, *db.session.scalars(paid_by)]),
            or_(*about),
            OutboxEmail.sent_at.is_not(None),
        )
        .order_by(OutboxEmail.sent_at, OutboxEmail.id)
        .limit(_MOST)
    )
