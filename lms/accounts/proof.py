"""Fresh proof: before what cannot be undone, a person shows again that it is still them."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lms import logs
from lms.accounts.limit import SignInLimit
from lms.accounts.second_step import Shown, show
from lms.accounts.sign_in import check_own_password
from lms.db import db, now
from lms.models import SignIn, User
from lms.transaction import transactional

FRESH = timedelta(minutes=10)


def is_fresh(sign_in_id: int) -> bool:
    """Return whether whoever holds a sign-in has proved it lately, by signing in or since."""
    proved_at = db.session.scalar(select(SignIn.proved_at).where(SignIn.id == sign_in_id))
    return proved_at is not None and proved_at > now() - FRESH


def prove_by_password(user_id: int, sign_in_id: int, password: str, *, limit: SignInLimit) -> None:
    """Renew a sign-in's proof; raises Invalid for a wrong password, and counts it."""
    check_own_password(user_id, password, limit=limit)
    _prove(user_id, sign_in_id)
    logs.tell("proof", outcome="right", kind="password", account=user_id)


def prove_by_factor(user_id: int, sign_in_id: int, shown: Shown, *, limit: SignInLimit) -> None:
    """Renew a sign-in's proof by a code or a passkey."""
    known_hash = db.session.scalar(select(User.password_hash).where(User.id == user_id))
    show(
        user_id,
        str(known_hash),
        shown,
        limit=limit,
        then=lambda session, user: _renew(session, user.id, sign_in_id),
        about="proof",
    )


@transactional
def _prove(session: Session, user_id: int, sign_in_id: int) -> None:
    _renew(session, user_id, sign_in_id)


def _renew(session: Session, user_id: int, sign_in_id: int) -> None:
    session.execute(
        update(SignIn)
        .where(SignIn.id == sign_in_id, SignIn.user_id == user_id)
        .values(proved_at=now())
    )
