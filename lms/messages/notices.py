"""Notices to students, with an e-mail to whoever wants one: in two statements for any number."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Insert, Select, String, bindparam, select
from sqlalchemy.orm import Session

from lms import school
from lms.db import now
from lms.live import touch
from lms.messages.catalogue import PaymentMessage, StudentMessage
from lms.messages.outbox import QueuedEmail, queue_emails, queue_many
from lms.messages.rendering import Words, render
from lms.models import Course, Notice, User
from lms.statements import STUDENT, as_new, new_values, run
from lms.times import UTC_NAME
from lms.upsert import insert

_ONE = select(STUDENT, bindparam("event", type_=String))


def announce(session: Session, message: StudentMessage, student_id: int, *, key: str) -> None:
    """Notify one student; `key` names the event, which is announced once for good."""
    touch(session, students=[student_id])
    tells_time = any(isinstance(value, datetime) for value in vars(message).values())
    zone = _zone_of(session, student_id) if tells_time else UTC_NAME
    words = render(message, zone)
    _announce(session, message, words, _ONE, student=student_id, event=key)


def announce_all(
    session: Session,
    message: StudentMessage,
    recipients: Select[*tuple[Any, ...]],
    **values: Any,
) -> None:
    """Notify every student that a SELECT of student and key returns.

    `recipients` is a constant, for which the statements are kept; `values` are its parameters.
    The caller refreshes the pages of all whom this concerns.
    """
    _announce(session, message, render(message), recipients, **values)


def _announce(
    session: Session,
    message: StudentMessage,
    words: Words,
    recipients: Select[*tuple[Any, ...]],
    **values: Any,
) -> None:
    noted: dict[str, Any] = {"kind": message.kind, "title": words.subject, "text": words.text}
    noted |= {"reason": words.reason, "created_at": now()}
    run(session, _noting(recipients), about=message.course_id, **values, **as_new(noted))
    queue_emails(session, words.email, _wanting(recipients, message.category), **values)


def _zone_of(session: Session, student_id: int) -> str:
    """Return the zone in which a student is told the time."""
    own = session.scalar(select(User.time_zone).where(User.id == student_id))
    return own or school.of(session).time_zone


@cache
def _noting(recipients: Select[*tuple[Any, ...]]) -> Insert:
    student_id, key = recipients.subquery().c
    values = {
        "user_id": student_id,
        "key": key,
        # None where the course is gone already
        "course_id": select(Course.id).where(Course.id == bindparam("about")).scalar_subquery(),
        **new_values(Notice, "kind", "title", "text", "reason", "created_at"),
    }
    return (
        insert(Notice)
        .from_select(
            list(values),
            select(*values.values()).where(student_id.is_not(None)),  # else SQLite misreads ON
        )
        .on_conflict_do_nothing()
    )


@cache
def _wanting(recipients: Select[*tuple[Any, ...]], category: str) -> Select[str, str]:
    to = recipients.subquery()
    student_id, key = to.c
    wants = {
        "decisions": User.emails_decisions,
        "purchases": User.emails_purchases,
        "messages": User.emails_messages,
    }
    return (
        select(key, User.email)
        .select_from(to)
        .join(User, User.id == student_id)
        .where(wants[category], User.is_active)
    )


class PaymentNews(NamedTuple):
    """What became of a payment: for the student who paid, or if none is left, for the address."""

    message: PaymentMessage
    student_id: int | None
    email: str
    key: str


def announce_payments(session: Session, news: Sequence[PaymentNews]) -> None:
    """Notify those who paid, in a fixed number of statements.

    If an account is gone, by e-mail alone, which has no page to lead to. Unlike other e-mails,
    those about money also go to people who have been locked out.
    """
    students = {each.student_id for each in news if each.student_id is not None}
    accounts = {
        user_id: (email, wants_emails)
        for user_id, email, wants_emails in session.execute(
            select(User.id, User.email, User.emails_purchases).where(User.id.in_(students))
        )
    }
    courses = set(
        session.scalars(select(Course.id).where(Course.id.in_({n.message.course_id for n in news})))
    )
    notices: list[dict[str, Any]] = []
    emails: list[QueuedEmail] = []
    for message, student_id, address, key in news:
        account, words = accounts.get(student_id or 0), render(message)
        if account is None:
            if "@" in address:  # else nobody knows whom it was, or they have been erased
                emails.append(QueuedEmail(key, address, words.email._replace(path="")))
            continue
        notices.append(
            {
                "user_id": student_id,
                "key": key,
                "kind": message.kind,
                "title": words.subject,
                "text": words.text,
                "reason": words.reason,
                "course_id": message.course_id if message.course_id in courses else None,
                "payment_id": message.payment_id,
                "created_at": now(),
            }
        )
        email, wants_emails = account
        if wants_emails:
            emails.append(QueuedEmail(key, email, words.email))
    if notices:
        session.execute(insert(Notice).on_conflict_do_nothing(), notices)
    queue_many(session, emails)
