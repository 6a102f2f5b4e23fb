"""Inviting students: new ones by name and address, and those who haven't accepted yet."""

from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.db import now
from lms.enrollment.people import (
    Invite,
    invitation,
    lock_opening,
    open_account,
    welcome,
    welcome_key,
)
from lms.identity import checked_email
from lms.ledger.audit import record_all
from lms.ledger.limits import count
from lms.live import touch
from lms.messages.outbox import QueuedEmail, queue_many
from lms.messages.rendering import render
from lms.models import User
from lms.transaction import transactional

AGAIN_AFTER = timedelta(minutes=5)
"""How long a person gets no second invitation: whoever presses twice floods no mailbox."""

Outcome = Literal["sent", "too_soon", "accepted", "closed"]


@transactional
def invite_student(session: Session, *, email: str, name: str, by: int, invite: Invite) -> int:
    """Add a student by an admin's word, mail an invitation, and return the id.

    Raises EmailTaken where somebody has the address already, who is not invited by this.
    """
    email = checked_email(email)
    count(session, "invitation", by)
    courses = lock_opening(session)
    student_id = open_account(
        session, courses, email=email, name=name, password_hash="", role="student", by=by
    )
    welcome(session, [(student_id, email)], invite)
    return student_id


@transactional
def invite_again(
    session: Session, student_ids: Collection[int], *, by: int, invite: Invite
) -> Counter[Outcome]:
    """Mail a new link to these students, and return what became of how many.

    Only people with an open account and no password are e-mailed, and not twice in five minutes.
    """
    found = session.scalars(
        select(User)
        .where(User.id.in_(student_ids), User.role == "student")
        .order_by(User.id)
        .with_for_update(key_share=True)
    ).all()
    moment = now()
    outcomes: Counter[Outcome] = Counter({"closed": len(set(student_ids)) - len(found)})
    emails = []
    for student in found:
        outcome = _outcome(student)
        outcomes[outcome] += 1
        if outcome == "sent":
            student.invited_at = moment
            words = render(invitation(student.id, student.email, invite)).email
            key = f"{welcome_key(student.id)}-{moment.timestamp()}"
            emails.append((student.id, QueuedEmail(key, student.email, words)))
    if emails:
        count(session, "invitation", by, uses=len(emails))
        queue_many(session, [email for _id, email in emails])
        invited = [student_id for student_id, _email in emails]
        record_all(session, "user.invited", [(each, None, {}) for each in invited], by=by)
        touch(session, "people", students=invited)
    return outcomes


def _outcome(student: User) -> Outcome:
    if student.password_hash:
        return "accepted"
    if not (student.is_active and student.is_proven):
        return "closed"
    is_recent = student.invited_at is not None and student.invited_at > now() - AGAIN_AFTER
    return "too_soon" if is_recent else "sent"
