"""Sends the e-mails that committed changes owe: each once, as far as SMTP can promise that."""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import unquote, urlsplit

import click
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from lms.db import db, now
from lms.models import OutboxEmail
from lms.models.record import MOST_ATTEMPTS
from lms.transaction import transactional

Send = Callable[[EmailMessage], None]

_BATCH = 20
_TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Claimed:
    """An e-mail that this process, and no other, tries to send now."""

    id: int
    key: str
    recipient: str
    subject: str
    body: str
    path: str
    attempts: int


def deliver(
    mail_url: str | None, sender: str, environment: str, *, portal: str | None = None
) -> int:
    """Send what is due and return how many were sent; failed ones are tried again later.

    `portal` is the portal's address, for the links in them.

    Without MAIL_URL a development machine prints them, and a production one lets them wait. A crash
    between sending and noting it sends twice; the Message-ID lets mailboxes see that.
    """
    if mail_url is None and environment == "production":
        return 0
    sent = 0
    if not is_any_due() or not (claimed := claim(_BATCH)):
        return 0
    try:
        with _connected(mail_url) as send:
            for email in claimed:
                sent += _try_to_send(send, email, sender, portal)
    except (OSError, smtplib.SMTPException) as error:  # no connection: all of them wait
        for email in claimed:
            note_failure(email.id, email.attempts, f"{type(error).__name__}: {error}")
    return sent


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
        email.retry_at = now() + timedelta(seconds=_TIMEOUT_SECONDS * (limit + 1))
    return [
        Claimed(
            *(each.id, each.key, each.recipient, each.subject, each.body, each.path, each.attempts)
        )
        for each in due
    ]


@transactional
def note_sent(session: Session, email_id: int) -> None:
    """Note that an e-mail is out; its text, which may hold a secret link, is forgotten."""
    session.execute(
        update(OutboxEmail)
        .where(OutboxEmail.id == email_id)
        .values(sent_at=now(), retry_at=None, last_error="", body="")
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


def is_any_due() -> bool:
    """Return whether an e-mail waits to be sent now."""
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


def _try_to_send(send: Send, email: Claimed, sender: str, portal: str | None) -> int:
    try:
        send(_message(email, sender, portal))
    except smtplib.SMTPServerDisconnected:
        raise
    except (smtplib.SMTPException, ValueError) as error:  # about this e-mail alone
        note_failure(email.id, email.attempts, f"{type(error).__name__}: {error}")
        return 0
    note_sent(email.id)
    return 1


def _message(email: Claimed, sender: str, portal: str | None) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = email.recipient
    message["Subject"] = email.subject
    message["Date"] = format_datetime(now())
    domain = sender.rpartition("@")[2].strip("> ") or "localhost"
    message["Message-ID"] = f"<{sha256(email.key.encode()).hexdigest()[:32]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(email, portal))
    return message


def _text(email: Claimed, portal: str | None) -> str:
    """Return the text with the way to its page, and to what decides which e-mails are sent."""
    if not email.path:
        return email.body
    page = f"\n{portal}{email.path}\n" if portal else ""
    profile = f": {portal}/profile" if portal else " on the portal."
    return f"{email.body}{page}\n-- \nChoose which e-mails you get in your profile{profile}\n"


@contextmanager
def _connected(mail_url: str | None) -> Iterator[Send]:
    if mail_url is None:
        yield _print
        return
    parts = urlsplit(mail_url)
    host = str(parts.hostname)
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        port = parts.port or 465
        server = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=_TIMEOUT_SECONDS)
    with server:
        server.ehlo_or_helo_if_needed()
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        yield lambda message: _send(server, message)


def _send(server: smtplib.SMTP, message: EmailMessage) -> None:
    server.send_message(message)


def _print(message: EmailMessage) -> None:
    click.echo(f"\n--- e-mail to {message['To']}: {message['Subject']}\n{message.get_content()}---")
