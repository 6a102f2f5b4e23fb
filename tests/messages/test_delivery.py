"""E-mails leave the outbox once, in order, and are tried again when they could not leave."""

import socketserver
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lms.db import at, now
from lms.messages.copies import MOST, NAME, copies, keep_copy
from lms.messages.delivery import deliver
from lms.messages.layout import Sender
from lms.messages.outbox import claim
from lms.models.record import MOST_ATTEMPTS

SENDER = Sender("Hill School", "Portal <portal@school.test>", "https://school.test")


class Mailbox(socketserver.ThreadingTCPServer):
    """A small SMTP server that keeps what it is told."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.letters: list[str] = []
        self.heard: list[str] = []
        self.offers: list[str] = []
        self.refuses = ""
        """A recipient that does not exist."""

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        mailbox = self.server
        assert isinstance(mailbox, Mailbox)
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            command = line[:4].upper()
            mailbox.heard.append(line)
            if command == "EHLO":
                self._say("\r\n".join(f"250-{each}" for each in ("mailbox", *mailbox.offers)))
                self._say("250 8BITMIME")
            elif command == "AUTH":
                self._say("235 welcome")
            elif command == "DATA":
                self._say("354 go on")
                letter = b"".join(iter(self.rfile.readline, b".\r\n"))
                mailbox.letters.append(letter.decode())
                self._say("250 kept")
            elif command == "QUIT":
                self._say("221 bye")
                return
            elif command == "RCPT" and mailbox.refuses and mailbox.refuses in line:
                self._say("550 nobody of that name")
            else:
                self._say("250 fine")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def owe(sql: Any) -> Any:
    def owe(key: str, recipient: str = "x@school.test", subject: str = "Hello") -> None:
        sql(
            "INSERT INTO outbox_emails (key, recipient, subject, body)"
            " VALUES (:key, :recipient, :subject, 'Grüße und ein Link')",
            key=key,
            recipient=recipient,
            subject=subject,
        )

    return owe


def test_a_line_end_in_a_subject_or_recipient_adds_no_header(
    context: Flask, mailbox: Mailbox, owe: Any
) -> None:
    owe("subject", subject="Hello\r\nBcc: everybody@school.test")
    owe("recipient", recipient="x@school.test\r\nBcc: everybody@school.test")
    owe("fine")
    deliver(mailbox.url, SENDER, "production")
    [letter] = mailbox.letters
    assert "everybody" not in letter


def test_what_is_due_is_sent_once(context: Flask, mailbox: Mailbox, owe: Any, sql: Any) -> None:
    owe("first", subject="Zulassung für Ihren Kurs")
    owe("second")
    sql("UPDATE outbox_emails SET link = 'https://school.test/reset/secret', link_text = 'Open'")
    assert deliver(mailbox.url, SENDER, "production") == 2
    assert deliver(mailbox.url, SENDER, "production") == 0
    first, second = mailbox.letters
    assert "To: x@school.test" in first
    assert "From: Portal <portal@school.test>" in first
    assert "Message-ID: <" in first
    assert "Subject: Hello" in second
    assert "secret" in first
    rows = sql("SELECT sent_at, body, link FROM outbox_emails")
    assert all(row.sent_at is not None for row in rows)
    assert {(row.body, row.link) for row in rows} == {("", "")}


@pytest.mark.parametrize("portal", ["https://school.test", None])
def test_what_an_earlier_release_wrote_is_sent_as_the_text_that_it_is(
    context: Flask, mailbox: Mailbox, owe: Any, sql: Any, portal: str | None
) -> None:
    owe("decision")
    sql("UPDATE outbox_emails SET path = '/student/courses/7'")
    owe("password")
    assert deliver(mailbox.url, replace(SENDER, portal=portal), "production") == 2
    decision, password = map(opened, mailbox.letters)
    assert decision.get_content_type() == password.get_content_type() == "text/plain"
    page, choice = "", "In your profile, you can choose which e-mails you get."
    if portal:
        page = "\n\nView on the portal: https://school.test/student/courses/7"
        choice = "Choose which e-mails you get: https://school.test/profile"
    signed = "\n\n-- \nHill School\n"
    assert text_of(decision) == f"Grüße und ein Link{page}{signed}{choice}\n"
    assert text_of(password) == f"Grüße und ein Link{signed}"


def test_an_e_mail_has_the_headers_that_filters_look_for(
    context: Flask, mailbox: Mailbox, owe: Any, sql: Any
) -> None:
    owe("decision")
    sql("UPDATE outbox_emails SET path = '/student/courses/7'")
    owe("password")
    assert deliver(mailbox.url, SENDER, "production") == 2
    decision, password = map(opened, mailbox.letters)
    assert decision["List-Id"] == '"Hill School" <notices.school.test>'  # RFC 2919
    assert password["List-Id"] == '"Hill School" <account.school.test>'
    assert decision["Auto-Submitted"] == password["Auto-Submitted"] == "auto-generated"  # RFC 3834


def test_an_e_mail_that_was_sent_is_written_without_its_words_and_its_recipient(
    context: Flask, mailbox: Mailbox, owe: Any, sql: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    mailbox.refuses = "gone@school.test"
    owe("refused", "gone@school.test")
    owe("sent")
    deliver(mailbox.url, SENDER, "production")
    [line] = capsys.readouterr().err.splitlines()
    assert "mail sent" in line
    assert f"mail={sql('SELECT max(id) FROM outbox_emails')[0][0]}" in line
    assert not any(word in line for word in ("school.test", "Hello", "Grüße"))


def test_one_refused_recipient_stops_no_other(
    context: Flask, mailbox: Mailbox, owe: Any, sql: Any
) -> None:
    mailbox.refuses = "gone@school.test"
    for number, recipient in enumerate(("a@school.test", "gone@school.test", "b@school.test")):
        owe(str(number), recipient)
    owe("injected", subject="Hello\r\nBcc: all@school.test")
    assert deliver(mailbox.url, SENDER, "production") == 2
    assert len(mailbox.letters) == 2
    failed = sql("SELECT key, last_error, attempts FROM outbox_emails WHERE sent_at IS NULL")
    assert {row.key for row in failed} == {"1", "injected"}
    assert all(row.last_error and row.attempts == 1 for row in failed)


def test_a_server_that_is_away_is_tried_again_later_each_time(
    context: Flask, mailbox: Mailbox, owe: Any, sql: Any
) -> None:
    owe("patient")
    nobody = "smtp://127.0.0.1:1"
    moment = now()
    waits: list[int] = []
    for _ in range(3):
        with at(moment):
            assert deliver(nobody, SENDER, "production") == 0
            assert deliver(mailbox.url, SENDER, "production") == 0  # not yet due again
        [row] = sql("SELECT retry_at, last_error FROM outbox_emails")
        assert "Refused" in row.last_error
        moment += timedelta(seconds=(wait := 15 * 2 ** (len(waits) + 1)))
        waits.append(wait)
    with at(moment):
        assert deliver(mailbox.url, SENDER, "production") == 1
    assert len(mailbox.letters) == 1


def test_an_e_mail_that_never_leaves_is_given_up_within_15_hours(
    context: Flask, owe: Any, sql: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    owe("hopeless")
    began = moment = now()
    for attempt in range(MOST_ATTEMPTS):
        with at(moment):
            deliver("smtp://127.0.0.1:1", SENDER, "production")
        [row] = sql("SELECT attempts, retry_at FROM outbox_emails")
        assert row.attempts == attempt + 1
        last, moment = moment, datetime.fromisoformat(f"{row.retry_at}").replace(tzinfo=UTC)
        said = capsys.readouterr().err
        assert ("mail given up" in said) is (attempt + 1 == MOST_ATTEMPTS)
    assert f"attempts={MOST_ATTEMPTS} error=ConnectionRefusedError" in said
    assert "x@school.test" not in said
    assert timedelta(hours=14) < last - began < timedelta(hours=15)
    with at(now() + timedelta(days=99)):
        deliver("smtp://127.0.0.1:1", SENDER, "production")
    assert sql("SELECT attempts FROM outbox_emails") == [(MOST_ATTEMPTS,)]


def test_a_password_goes_to_no_server_that_cannot_encrypt(
    context: Flask, mailbox: Mailbox, owe: Any, sql: Any
) -> None:
    owe("waits")
    mailbox.offers = ["AUTH PLAIN LOGIN"]
    with_password = mailbox.url.replace("://", "://user:secret@")
    assert deliver(with_password, SENDER, "production") == 0
    assert [line for line in mailbox.heard if line.startswith("AUTH")] == []
    [(error,)] = sql("SELECT last_error FROM outbox_emails")
    assert "MAIL_URL" in error
    assert "secret" not in error
    with at(now() + timedelta(hours=1)):
        plain = with_password.replace("smtp://", "smtp+plain://")
        assert deliver(plain, SENDER, "production") == 1
    assert [line for line in mailbox.heard if line.startswith("AUTH PLAIN")] != []


def test_without_a_password_a_server_need_not_encrypt(
    context: Flask, mailbox: Mailbox, owe: Any
) -> None:
    owe("first")
    assert deliver(mailbox.url, SENDER, "production") == 1
    owe("second")
    assert deliver(mailbox.url.replace("smtp:", "smtp+plain:"), SENDER, "production") == 1


def test_two_mailmen_never_take_the_same_e_mail(context: Flask, owe: Any) -> None:
    for number in range(30):
        owe(str(number))

    def take(_: int) -> list[int]:
        with context.app_context():
            return [email.id for email in claim(5)]

    with ThreadPoolExecutor(6) as pool:
        taken = [email_id for batch in pool.map(take, range(8)) for email_id in batch]
    assert len(taken) == len(set(taken)) >= 25


def test_a_development_machine_prints_and_production_waits(
    context: Flask, owe: Any, sql: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    owe("printed")
    assert deliver(None, SENDER, "production") == 0
    assert sql("SELECT sent_at FROM outbox_emails") == [(None,)]
    assert deliver(None, SENDER, "development") == 1
    printed = capsys.readouterr().out
    assert "x@school.test" in printed
    assert "Grüße und ein Link" in printed


def opened(letter: str) -> EmailMessage:
    return message_from_bytes(letter.encode(), policy=policy.default)


def text_of(email: EmailMessage) -> str:
    return str(email.get_content()).replace("\r\n", "\n")


def test_a_development_machine_keeps_copies_of_the_latest_that_only_its_user_reads(
    context: Flask, owe: Any, sql: Any, tmp_path: Path
) -> None:
    owe("first")
    owe("second", "ada@school.test")
    sql("UPDATE outbox_emails SET link = 'https://school.test/reset/secret', link_text = 'Open'")
    assert copies(tmp_path) == []
    assert deliver(None, SENDER, "development", copies=tmp_path) == 2
    latest = copies(tmp_path)[0]
    assert (latest["to"], latest["subject"]) == ("ada@school.test", "Hello")
    assert "https://school.test/reset/secret" in latest["text"]
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    for number in range(MOST + 1):
        message = EmailMessage()
        message["To"], message["Subject"] = "ada@example.org", f"Number {number}"
        message.set_content("Text")
        keep_copy(tmp_path, message)
    kept = [each["subject"] for each in copies(tmp_path)]
    assert (len(kept), kept[0]) == (MOST, f"Number {MOST}")


@pytest.mark.parametrize("url", [None, "smtp"])
def test_production_keeps_no_copies(
    context: Flask, mailbox: Mailbox, owe: Any, tmp_path: Path, url: str | None
) -> None:
    owe("first")
    deliver(url and mailbox.url, SENDER, "production", copies=tmp_path)
    assert list(tmp_path.iterdir()) == []
