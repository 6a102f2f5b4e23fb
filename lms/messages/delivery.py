"""Sends the e-mails of the outbox: each once, as far as SMTP can promise that."""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

from lms import logs
from lms.messages.copies import keep_copy
from lms.messages.layout import Sender, compose
from lms.messages.outbox import CLAIM_SECONDS, Claimed, claim, is_any_due, note_failure, note_sent
from lms.models.record import MOST_ATTEMPTS

Send = Callable[[EmailMessage], object]

_BATCH = 20
_TIMEOUT_SECONDS = CLAIM_SECONDS // (_BATCH + 1)

_NO_TLS = (
    "MAIL_URL has a password, but its server offers no TLS; "
    "smtp+plain:// would send the password unencrypted"
)


def deliver(
    mail_url: str | None, sender: Sender, environment: str, *, copies: Path | None = None
) -> int:
    """Send what is due and return how many were sent; failed ones are tried again later.

    Without MAIL_URL a development machine prints them, with copies in a folder for the demo's page,
    and a production one lets them wait. A crash
    between sending and noting it sends twice; the Message-ID lets mailboxes see that.
    """
    if mail_url is None and environment == "production":
        return 0
    sent = 0
    if not is_any_due() or not (claimed := claim(_BATCH)):
        return 0
    try:
        with _connected(mail_url, copies) as send:
            for email in claimed:
                sent += _try_to_send(send, email, sender)
    except (OSError, smtplib.SMTPException) as error:  # no connection: all of them wait
        for email in claimed:
            _note_failure(email, error)
    return sent


def _try_to_send(send: Send, email: Claimed, sender: Sender) -> int:
    try:
        send(compose(email, sender))
    except smtplib.SMTPServerDisconnected:
        raise
    except (smtplib.SMTPException, ValueError) as error:  # about this e-mail alone
        _note_failure(email, error)
        return 0
    note_sent(email.id)
    logs.tell("mail sent", mail=email.id, attempts=email.attempts)
    return 1


def _note_failure(email: Claimed, error: Exception) -> None:
    note_failure(email.id, email.attempts, f"{type(error).__name__}: {error}")
    if email.attempts >= MOST_ATTEMPTS:
        # What a server says may repeat the address: the line only says what kind of error it is.
        kind = type(error).__name__
        logs.warn("mail given up", mail=email.id, attempts=email.attempts, error=kind)


@contextmanager
def _connected(mail_url: str | None, copies: Path | None) -> Iterator[Send]:
    if mail_url is None:
        yield partial(_print, copies)
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
        elif parts.scheme == "smtp" and parts.username:
            raise smtplib.SMTPNotSupportedError(_NO_TLS)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        yield server.send_message


def _print(copies: Path | None, message: EmailMessage) -> None:
    text = message.get_body(("plain",))
    said = text.get_content() if text else ""
    click.echo(f"\n--- e-mail to {message['To']}: {message['Subject']}\n{said}---")
    if copies is not None:
        keep_copy(copies, message)
