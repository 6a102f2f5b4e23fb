"""What somebody sent after their sign-in had ended: kept sealed, so that they can send it again.

The key is in the link alone, which the browser that sent it gets: whoever reads the table learns
nothing, and whoever has the link must be signed in as the same person.
"""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from secrets import token_urlsafe
from zlib import compress, decompress

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from lms import logs
from lms.db import db, now
from lms.ledger.locks import lock_user
from lms.models import InterruptedForm
from lms.outages import OutcomeUnknownError
from lms.queries.people import token_hash
from lms.refusals import FormNotKept, UserNotFound
from lms.transaction import transactional

KEPT = timedelta(days=1)
"""Long enough for who sees in the morning that the evening's text was not saved."""
_ONCE_SENT = timedelta(minutes=10)
"""After it has been sent again: an answer may have got lost on its way."""
_MOST = 5
"""Of one person; a further one takes the oldest one's place."""


@dataclass(frozen=True)
class SentForm:
    """A form as it was sent."""

    address: str
    """Where to."""
    page: str
    """The page that it was on; blank where it is not known."""
    fields: list[tuple[str, str]]


def keep_form(user_id: int, form: SentForm) -> str | None:
    """Keep a form for a person and return the key that opens it; None where it can't be kept."""
    key = token_urlsafe(32)
    sealed = _cipher(key).encrypt(compress(json.dumps(asdict(form)).encode())).decode()
    try:
        _keep(user_id, token_hash(key), sealed)
    except UserNotFound:
        return None
    except (SQLAlchemyError, OutcomeUnknownError) as error:
        logs.warn("a form couldn't be kept", error=type(error).__name__)
        return None
    return key


def kept_form(key: str, user_id: int) -> SentForm:
    """Return what a person sent; raises FormNotKept, of another's form too."""
    sealed = db.session.scalar(select(InterruptedForm.sealed).where(*_own(key, user_id)))
    if sealed is None:
        raise FormNotKept
    try:
        held = json.loads(decompress(_cipher(key).decrypt(sealed)))
    except InvalidToken:
        raise FormNotKept from None
    return SentForm(held["address"], held["page"], [tuple(field) for field in held["fields"]])


@transactional
def sending_form(session: Session, key: str, user_id: int) -> None:
    """Keep a form that is about to be sent again no longer than it takes to know that it was."""
    soon = now() + _ONCE_SENT
    session.execute(
        update(InterruptedForm)
        .where(*_own(key, user_id), InterruptedForm.expires_at > soon)
        .values(expires_at=soon)
    )


@transactional
def _keep(session: Session, user_id: int, key_hash: str, sealed: str) -> None:
    lock_user(session, user_id)
    newest = (
        select(InterruptedForm.key_hash)
        .where(InterruptedForm.user_id == user_id)
        .order_by(InterruptedForm.expires_at.desc())
    )
    for oldest in session.scalars(newest.offset(_MOST - 1)).all():
        session.execute(delete(InterruptedForm).where(InterruptedForm.key_hash == oldest))
    session.add(
        InterruptedForm(key_hash=key_hash, user_id=user_id, sealed=sealed, expires_at=now() + KEPT)
    )


def _cipher(key: str) -> Fernet:
    return Fernet(f"{key}=")  # a key for an address is one of Fernet's without its padding


def _own(key: str, user_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        InterruptedForm.key_hash == token_hash(key),
        InterruptedForm.user_id == user_id,
        InterruptedForm.expires_at > now(),
    )
