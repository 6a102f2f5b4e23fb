"""The e-mails that committed changes owe, until they are sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Insert, Select, delete, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from lms.db import db, now
from lms.messages.rendering import EmailWords
from lms.models import OutboxEmail, PastEmail
from lms.models.record import MOST_ATTEMPTS
from lms.statements import as_new, new_values, run
from lms.transaction import transactional
from lms.upsert import insert, insert_many

KEPT = timedelta(days=30)
"""How long an e-mail stays: who got which, and what could not be sent, can be seen until then."""
CLAIM_SECONDS = 420
"""How long a process has for the e-mails that it took, before others may take them."""

_FAREWELL = "erased-"


@dataclass(frozen=True)
class Claimed:
    """An e-mail that this process, and no other, tries to send now."""

    id: int
    key: str
    recipient: str
    subject: str
    body: str
    path: str
    link: str
    link_text: str
    attempts: int


class QueuedEmail(NamedTuple):
    """An e-mail to queue."""

    key: str
    recipient: str
    words: EmailWords


def queue_email(session: Session, words: EmailWords, recipient: str, *, key: str) -> bool:
    """Queue one e-mail; False if the event of this key had one before."""
    queued = session.scalar(
        insert(OutboxEmail)
        .values(key=key, recipient=recipient, created_at=now(), **words._asdict())
        .on_conflict_do_nothing()
        .returning(OutboxEmail.id)
    )
    return queued is not None


def queue_emails(
    session: Session, words: EmailWords, recipients: Select[str, str], **values: Any
) -> None:
    """Queue the same e-mail to all that a SELECT of key and address returns, in one statement.

    `recipients` is a constant, for which the statement is kept; `values` are its parameters.
    """
    new = as_new({**words._asdict(), "created_at": now()})
    run(session, _queueing(recipients), **values, **new)


@cache
def _queueing(recipients: Select[str, str]) -> Insert:
    values = new_values(OutboxEmail, *EmailWords._fields, "created_at")
    return (
        insert(OutboxEmail)
        .from_select(["key", "recipient", *values], recipients.add_columns(*values.values()))
        .on_conflict_do_nothing()
    )


def queue_many(session: Session, emails: Sequence[QueuedEmail]) -> None:
    """Queue e-mails of different words, in one statement."""
    rows = [
        {"key": key, "recipient": recipient, "created_at": now(), **words._asdict()}
        for key, recipient, words in emails
    ]
    insert_many(session, OutboxEmail, rows)


def discard_email(session: Session, key: str) -> None:
    """Forget an e-mail, unless it is sent already."""
    session.execute(
        delete(OutboxEmail).where(OutboxEmail.key == key, OutboxEmail.sent_at.is_(None))
    )


def readdress(session: Session, before: str, after: str, *, ended: Sequence[str]) -> None:
    """Let what waits for a person follow them to another address.

    Not what is about the account itself, which the old mailbox is meant to read; of that, what
    leads nowhere any more is forgotten: its key begins with one of `ended`.
    """
    waiting = (OutboxEmail.recipient == before, OutboxEmail.sent_at.is_(None))
    leads_nowhere = or_(*(OutboxEmail.key.startswith(key, autoescape=True) for key in ended))
    session.execute(delete(OutboxEmail).where(*waiting, leads_nowhere))
    session.execute(
        update(OutboxEmail)
        .where(*waiting, OutboxEmail.path != "")
        # As if queued anew: what was sent to that address before is its former owner's.
        .values(recipient=after, retry_at=None, created_at=now())
    )


def farewell_key(person_id: int) -> str:
    """Return the key of the last e-mail to a person who has been erased."""
    return f"{_FAREWELL}{person_id}"


def chosen_key(user_id: int) -> str:
    """Return how the keys of links begin that confirm the address a person has chosen."""
    return f"address-chosen-{user_id}-"


def discard_links(session: Session, user_id: int) -> None:
    """Forget the links to a chosen address that are not sent yet: they lead nowhere any more."""
    session.execute(delete(OutboxEmail).where(_is_link(user_id), OutboxEmail.sent_at.is_(None)))


def forget_recipient(session: Session, user_id: int, is_theirs: ColumnElement[bool]) -> None:
    """Delete all e-mails to a person, sent or not; with the account gone, no more are announced.

    Those as well that went to an address which they chose and never had.
    """
    session.execute(delete(OutboxEmail).where(or_(is_theirs, _is_link(user_id))))


def _is_link(user_id: int) -> ColumnElement[bool]:
    return OutboxEmail.key.startswith(chosen_key(user_id), autoescape=True)


@transactional
def claim(session: Session, limit: int) -> list[Claimed]:
    """Take what is due, so that no other process sends it within the next minutes."""
    due = session.scalars(
        select(OutboxEmail)
        .where(*_due())
        .order_by(OutboxEmail.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for email in due:
        email.attempts += 1
        email.retry_at = now() + timedelta(seconds=CLAIM_SECONDS)
    return [
        Claimed(**{name: getattr(email, name) for name in Claimed.__dataclass_fields__})
        for email in due
    ]


@transactional
def note_sent(session: Session, email_id: int) -> None:
    """Note that an e-mail is out; its text and link, which may be secret, are forgotten.

    Of the last one to an erased person nothing is kept.
    """
    is_farewell = OutboxEmail.key.startswith(_FAREWELL)
    session.execute(delete(OutboxEmail).where(OutboxEmail.id == email_id, is_farewell))
    session.execute(
        update(OutboxEmail)
        .where(OutboxEmail.id == email_id)
        .values(sent_at=now(), retry_at=None, last_error="", body="", link="")
    )


@transactional
def note_failure(session: Session, email_id: int, attempts: int, error: str) -> None:
    """Note why an e-mail did not go out, and when to try again: later each time."""
    wait = timedelta(seconds=min(15 * 2**attempts, 6 * 3600))
    session.execute(
        update(OutboxEmail)
        .where(OutboxEmail.id == email_id, OutboxEmail.sent_at.is_(None))
        .values(retry_at=now() + wait, last_error=error[:500])
    )


@transactional
def purge_emails(session: Session, limit: int) -> int:
    """Forget e-mails of more than 30 days ago, sent or not; return how many.

    Their keys stay, so that nothing that happened then is ever announced again.
    """
    old = session.execute(
        select(OutboxEmail.id, OutboxEmail.key)
        .where(OutboxEmail.created_at <= now() - KEPT)
        .order_by(OutboxEmail.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    # One that names an address is about a moment, which does not come again.
    insert_many(session, PastEmail, [{"key": key} for _id, key in old if "@" not in key])
    ids = [email_id for email_id, _key in old]
    session.execute(delete(OutboxEmail).where(OutboxEmail.id.in_(ids)))
    return len(old)


def is_any_due() -> bool:
    """Return whether an e-mail is due."""
    try:
        return db.session.scalar(select(OutboxEmail.id).where(*_due()).limit(1)) is not None
    finally:
        db.session.rollback()


def _due() -> tuple[ColumnElement[bool], ...]:
    return (
        OutboxEmail.sent_at.is_(None),
        OutboxEmail.attempts < MOST_ATTEMPTS,
        or_(OutboxEmail.retry_at.is_(None), OutboxEmail.retry_at <= now()),
    )
