"""Seeing the portal as a student does: noted at the admin's own sign-in, read only, for a while."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.audit import record
from lms.ledger.viewing import tell_end
from lms.models import SignIn, User
from lms.refusals import Invalid, StudentNotFound
from lms.transaction import transactional

VIEW_FOR = timedelta(minutes=30)
_AT_ONCE = 1_000


@transactional
def view_as(
    session: Session, sign_in_id: int, student_id: int, *, by: int, reason: str = ""
) -> None:
    """Let an admin see the portal as a student does, from this sign-in alone; nobody as an admin.

    Raises StudentNotFound, and Invalid for a student who can't sign in either.
    """
    student = session.get(User, student_id)
    if student is None or student.role != "student":
        raise StudentNotFound
    if not (student.is_active and student.is_proven):
        raise Invalid("student", "This student can't sign in now, so there is nothing to see.")
    if (sign_in := _lock(session, sign_in_id)) is None or _shows(sign_in, student_id):
        return
    tell_end(session, by, sign_in.viewed_id, until=sign_in.viewed_until)
    sign_in.viewed_id, sign_in.viewed_until = student_id, now() + VIEW_FOR
    minutes = VIEW_FOR // timedelta(minutes=1)
    record(session, "user.viewed", by=by, student_id=student_id, reason=reason, minutes=minutes)


@transactional
def end_view(session: Session, sign_in_id: int) -> int | None:
    """End it, and return as whom; None where it has ended."""
    sign_in = _lock(session, sign_in_id)
    return None if sign_in is None else _end(session, sign_in)


@transactional
def end_due_views(session: Session) -> int:
    """End what has had its time, and return how many there were."""
    due = select(SignIn).where(SignIn.viewed_id.is_not(None), SignIn.viewed_until <= now())
    ended = session.scalars(due.limit(_AT_ONCE).with_for_update(skip_locked=True)).all()
    for sign_in in ended:
        _end(session, sign_in)
    return len(ended)


def _shows(sign_in: SignIn, student_id: int) -> bool:
    until = sign_in.viewed_until
    return sign_in.viewed_id == student_id and until is not None and until > now()


def _end(session: Session, sign_in: SignIn) -> int | None:
    viewed, until = sign_in.viewed_id, sign_in.viewed_until
    tell_end(session, sign_in.user_id, viewed, until=until)
    sign_in.viewed_id = sign_in.viewed_until = None
    return viewed


def _lock(session: Session, sign_in_id: int) -> SignIn | None:
    found: SignIn | None = session.get(SignIn, sign_in_id, with_for_update=True)
    return found
