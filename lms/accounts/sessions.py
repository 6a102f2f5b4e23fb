"""Sign-ins while they last: that they are used, and how they are ended one by one."""

from datetime import datetime, timedelta

from sqlalchemy import func, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from lms import logs
from lms.accounts.sign_in import ends_at
from lms.db import now
from lms.ledger.viewing import end_sign_ins
from lms.models import Role, SignIn
from lms.outages import OutcomeUnknownError
from lms.transaction import transactional

NOTED_EACH = timedelta(minutes=1)
"""How often the use of a sign-in is written down at most: a page must not cost a change each."""


def note_use(sign_in_id: int, *, began_at: datetime, role: Role) -> bool:
    """Note that a sign-in is in use, which puts off its idle end.

    False where nothing can be written: pages are read nevertheless.
    """
    try:
        _note_use(sign_in_id, began_at, role)
    except (SQLAlchemyError, OutcomeUnknownError) as error:
        logs.warn("the use of a sign-in couldn't be noted", error=type(error).__name__)
        return False
    return True


@transactional
def end_sign_in(session: Session, user_id: int, sign_in_id: int) -> None:
    """End one of a person's own sign-ins; one that has ended, or is somebody else's, is ignored."""
    end_sign_ins(session, SignIn.id == sign_in_id, SignIn.user_id == user_id)


@transactional
def end_other_sign_ins(session: Session, user_id: int, *, but: int) -> None:
    """End a person's sign-ins but the one that asks for it."""
    end_sign_ins(session, SignIn.user_id == user_id, SignIn.id != but)


@transactional
def _note_use(session: Session, sign_in_id: int, began_at: datetime, role: Role) -> None:
    moment = now()
    seen_at = func.coalesce(SignIn.last_seen_at, SignIn.created_at)
    # Of several pages at once, one writes. One that is ended by now has no row, and stays ended.
    session.execute(
        update(SignIn)
        .where(SignIn.id == sign_in_id, seen_at <= moment - NOTED_EACH, SignIn.expires_at > moment)
        .values(last_seen_at=moment, expires_at=ends_at(began_at, moment, role))
    )
