"""What students are told of decisions and purchases: a notice, and an e-mail to who wants one.

Both are written in the transaction of the change, under a key that names the event: whatever is
tried again, an event is told once, and what is rolled back is told never.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, func, literal, select, update
from sqlalchemy.orm import Session

from lms.db import now
from lms.live import touch
from lms.models import AccessRequest, Course, Notice, NoticeKind, OutboxEmail, User
from lms.transaction import transactional
from lms.upsert import insert

_PURCHASES = {"paid", "refunded", "payment_review", "payment_failed", "payment_disputed"}


@dataclass(frozen=True)
class News:
    """What there is to tell; `{course}` stands for the title of the course concerned."""

    kind: NoticeKind
    title: str
    text: str
    reason: str = ""
    payment_id: int | None = None


def approved(reason: str) -> News:
    return News(
        "approved",
        "You are in: {course}",
        "Your request was approved. You can start reading at once.",
        reason,
    )


def rejected(reason: str) -> News:
    return News(
        "rejected",
        "Your request for {course} was not approved",
        "You may ask again at any time.",
        reason,
    )


# Without reasons: what an admin writes down when enrolling or unenrolling is for the trail alone.
ENROLLED = News(
    "enrolled",
    "You are enrolled in {course}",
    "An admin has enrolled you. You can start reading at once.",
)
UNENROLLED = News(
    "unenrolled",
    "Your access to {course} has ended",
    "An admin has ended it. What you have completed is kept.",
)
RECONSIDERED = News(
    "reconsidered",
    "The decision on your request for {course} was taken back",
    "An admin looks at it again. Your requests show where it stands.",
)


def announce(
    session: Session, news: News, student_id: int, course_id: int | None, *, key: str
) -> None:
    """Tell one student; `key` names the event, and is told once for good."""
    touch(session, students=[student_id])
    course = literal(course_id, Notice.course_id.type)
    announce_all(session, news, select(literal(student_id), course, literal(key)))


def announce_all(session: Session, news: News, told: Select[*tuple[Any, ...]]) -> None:
    """Tell everybody that a SELECT of student, course and key returns, in two statements.

    The caller refreshes the pages of all whom this tells.
    """
    to = told.subquery()
    student_id, course_id, key = to.c
    title, text = _naming_the_course(news.title), _naming_the_course(news.text)
    moment = literal(now(), Notice.created_at.type)
    session.execute(
        insert(session, Notice)
        .from_select(
            [
                *("user_id", "kind", "key", "title", "text", "reason"),
                *("course_id", "payment_id", "created_at"),
            ],
            select(
                *(student_id, literal(news.kind), key, title, text, literal(news.reason)),
                *(Course.id, literal(news.payment_id, Notice.payment_id.type), moment),
            )
            .select_from(to)
            .outerjoin(Course, Course.id == course_id)
            .where(student_id.is_not(None)),  # without it SQLite takes ON CONFLICT for the join's
        )
        .on_conflict_do_nothing()
    )
    wanted = User.emails_purchases if news.kind in _PURCHASES else User.emails_decisions
    reason = f"\n\nReason: {news.reason}" if news.reason else ""
    _owe_emails(
        session,
        select(
            *(key, User.email, _subject(title)),
            *(title + "\n\n" + text + f"{reason}\n", _path(news), moment),
        )
        .select_from(to)
        .join(User, User.id == student_id)
        .outerjoin(Course, Course.id == course_id)
        .where(wanted, User.is_active),
    )


def tell_admins(session: Session, request: AccessRequest, student: User, course: Course) -> None:
    """Write to the admins who want to know that a request waits, each once per request."""
    asks = f"{student.name} ({student.email}) asks for access to {course.title}."
    message = f"\n\n{request.message}" if request.message else ""
    _owe_emails(
        session,
        select(
            literal(f"request-{request.id}-waits-") + cast(User.id, String),
            User.email,
            _subject(literal(f"{student.name} asks for {course.title}")),
            literal(f"{asks}{message}\n"),
            literal("/admin/requests"),
            literal(now(), OutboxEmail.created_at.type),
        ).where(User.role == "admin", User.is_active, User.emails_requests),
    )


@transactional
def read_notices(
    session: Session, student_id: int, notice_ids: Iterable[int] | None = None
) -> None:
    """Mark a student's notices as read: these, or all; others' are left alone."""
    unread = update(Notice).where(Notice.user_id == student_id, Notice.read_at.is_(None))
    if notice_ids is not None:
        unread = unread.where(Notice.id.in_(list(notice_ids)))
    if session.scalars(unread.values(read_at=now()).returning(Notice.id)).all():
        touch(session, students=[student_id])


@transactional
def choose_emails(
    session: Session,
    user_id: int,
    *,
    decisions: bool | None = None,
    purchases: bool | None = None,
    requests: bool | None = None,
) -> None:
    """Choose which e-mails a person gets; None leaves a kind as it is.

    Links for a new password come always.
    """
    chosen = {"decisions": decisions, "purchases": purchases, "requests": requests}
    values = {f"emails_{kind}": wish for kind, wish in chosen.items() if wish is not None}
    if values:
        session.execute(update(User).where(User.id == user_id).values(values))


def _owe_emails(session: Session, emails: Select[*tuple[Any, ...]]) -> None:
    session.execute(
        insert(session, OutboxEmail)
        .from_select(["key", "recipient", "subject", "body", "path", "created_at"], emails)
        .on_conflict_do_nothing()
    )


def _naming_the_course(words: str) -> ColumnElement[str]:
    return func.replace(literal(words), "{course}", func.coalesce(Course.title, ""), type_=String)


def _subject(title: ColumnElement[str]) -> ColumnElement[str]:
    """Return the title in one line: no mail server takes a subject of several."""
    return func.substr(func.replace(func.replace(title, "\r", " "), "\n", " "), 1, 200)


def _path(news: News) -> ColumnElement[str]:
    """Return the page that the e-mail leads to."""
    if news.payment_id is not None:
        return literal(f"/student/payments/{news.payment_id}")
    if news.kind in {"approved", "enrolled", "paid"}:
        return literal("/student/courses/") + cast(Course.id, String)
    return literal("/student/notices")
