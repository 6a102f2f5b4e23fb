"""Notices to students, each with an e-mail to who wants one: in two statements for any number."""

from typing import Any

from sqlalchemy import Select, literal, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.live import touch
from lms.messages.catalogue import PaymentMessage, StudentMessage
from lms.messages.outbox import queue_email, queue_emails
from lms.messages.rendering import render
from lms.models import Course, Notice, User
from lms.upsert import insert


def announce(session: Session, message: StudentMessage, student_id: int, *, key: str) -> None:
    """Notify one student; `key` names the event, which is announced once for good."""
    touch(session, students=[student_id])
    announce_all(session, message, select(literal(student_id), literal(key)))


def announce_all(
    session: Session, message: StudentMessage, recipients: Select[*tuple[Any, ...]]
) -> None:
    """Notify every student that a SELECT of student and key returns.

    The caller refreshes the pages of all whom this concerns.
    """
    to = recipients.subquery()
    student_id, key = to.c
    words = render(message)
    payment_id = message.payment_id if isinstance(message, PaymentMessage) else None
    values = {
        "user_id": student_id,
        "key": key,
        "kind": literal(message.kind),
        "title": literal(words.subject),
        "text": literal(words.text),
        "reason": literal(words.reason),
        # None where the course is gone already
        "course_id": select(Course.id).where(Course.id == message.course_id).scalar_subquery(),
        "payment_id": literal(payment_id, Notice.payment_id.type),
        "created_at": literal(now(), Notice.created_at.type),
    }
    session.execute(
        insert(session, Notice)
        .from_select(
            list(values),
            select(*values.values()).where(student_id.is_not(None)),  # else SQLite misreads ON
        )
        .on_conflict_do_nothing()
    )
    wants = {"decisions": User.emails_decisions, "purchases": User.emails_purchases}
    queue_emails(
        session,
        message,
        select(key, User.email)
        .select_from(to)
        .join(User, User.id == student_id)
        .where(wants[message.category], User.is_active),
    )


def announce_payment(
    session: Session, message: PaymentMessage, student_id: int | None, email: str, *, key: str
) -> None:
    """Notify the buyer; if the account is deleted, by e-mail only, without a link."""
    if student_id is not None and session.get(User, student_id) is not None:
        announce(session, message, student_id, key=key)
    elif email:
        queue_email(session, message, email, key=key, has_account=False)
