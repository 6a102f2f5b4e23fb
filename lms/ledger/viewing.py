"""Admins who see the portal as a student does: the end of it is told, whatever ends it."""

from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningDelete

from lms.db import now
from lms.ledger.audit import record
from lms.models import SignIn

ENDED = "user.view_ended"


def end_sign_ins(session: Session, *which: ColumnElement[bool]) -> list[datetime]:
    """End sign-ins, and return until when each would have lasted."""
    gone = session.execute(_ending().where(*which)).all()
    for row in gone:
        tell_end(session, row.user_id, row.viewed_id, until=row.viewed_until)
    return [row.expires_at for row in gone]


def tell_end(
    session: Session, admin_id: int, viewed_id: int | None, *, until: datetime | None
) -> None:
    """Record that an admin sees the portal as a student no more; at the latest when it was over."""
    if viewed_id is not None:
        over_at = min(until or now(), now())
        record(session, ENDED, by=admin_id, student_id=viewed_id, moment=over_at)


def end_views_of(session: Session, student_id: int) -> None:
    """End what admins see as a student who can sign in no more."""
    shown = session.scalars(select(SignIn).where(SignIn.viewed_id == student_id)).all()
    for sign_in in shown:
        tell_end(session, sign_in.user_id, student_id, until=sign_in.viewed_until)
        sign_in.viewed_id = sign_in.viewed_until = None
    if shown:
        session.flush()


@cache
def _ending() -> ReturningDelete[datetime, int, int | None, datetime | None]:
    shown = (SignIn.expires_at, SignIn.user_id, SignIn.viewed_id, SignIn.viewed_until)
    return delete(SignIn).returning(*shown)
