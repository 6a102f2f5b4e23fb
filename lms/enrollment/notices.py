"""Marking notices as read, and choosing e-mails."""

from collections.abc import Iterable

from sqlalchemy import update
from sqlalchemy.orm import Session

from lms.db import now
from lms.live import touch
from lms.models import Notice, User
from lms.transaction import transactional


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
    messages: bool | None = None,
    requests: bool | None = None,
) -> None:
    """Choose which e-mails a person gets; None leaves a kind as it is.

    Links for a new password are always sent.
    """
    chosen = {
        "decisions": decisions,
        "purchases": purchases,
        "messages": messages,
        "requests": requests,
    }
    values = {f"emails_{kind}": wish for kind, wish in chosen.items() if wish is not None}
    if values:
        session.execute(update(User).where(User.id == user_id).values(values))
