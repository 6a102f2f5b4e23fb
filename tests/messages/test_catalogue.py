"""Every message in all its variations: its words, its e-mail, and that nothing is left open."""

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from itertools import chain, product
from typing import Any, get_args

import pytest

from lms.messages.catalogue import Message, NewRequest, PaymentMessage, StudentMessage
from lms.messages.layout import Sender, compose
from lms.messages.outbox import Claimed
from lms.messages.rendering import FOLDER, LONGEST_SUBJECT, Words, render
from lms.models import NoticeKind

HARD = 'Ann & Bob\'s "<script>alert(1)</script>" {{ course }} {% x %}\r\n\r\nBcc: all@school.test'
LONG = "Über-" + "lange Titel " * 30
VALUES: dict[str, list[Any]] = {
    "course_id": [7],
    "course": ["Algebra", HARD, LONG],
    "subject": ["Exam on Friday", HARD],
    "text": ["Bring a pen.", f"First line\nsecond line\n\n{HARD}"],
    "reason": ["", "Next term, please.", f"First line\nsecond line\n\n{HARD}"],
    "access": ["kept", "given", "ended", "none", ""],
    "access_ended": [True, False],
    "is_manual": [True, False],
    "is_sold": [True, False],
    "is_sold_online": [False, True],
    "says_how": [False, True],
    "payment_id": [5],
    "amount_cents": [4900],
    "refunded_cents": [0, 900, 4900],
    "lost_cents": [0, 1000, 4900],
    "currency": ["eur", "chf"],
    "student": ["Ada", HARD, LONG],
    "email": ["ada@example.org", '"a<b&c"@example.org'],
    "requests": [(NewRequest("Ada", "Algebra"),), (NewRequest(HARD, LONG), NewRequest(LONG, HARD))],
    "more": [0, 1, 480],
    "address": ["https://school.test/reset/a.b-c_d", ""],
    "minutes": [60, 30],
    "days": [3, 2],
    "factor": ["My phone", HARD],
    "by_school": [True, False],
    "left": [9, 1, 0],
    "hours": [24, 48],
    "is_approved": [True, False],
    "price_cents": [4900, 990],
    "expires_at": [datetime(2026, 12, day, 9, 5, tzinfo=UTC) for day in (5, 28)],
}
SENDERS = [
    Sender("Hill School", "Portal <portal@school.test>", "https://learn.school.test"),
    Sender('Schule "Süd" <& Co>', "portal@school.test"),
]
GIVEN_FOR_PAYMENTS = {"amount_cents", "refunded_cents", "lost_cents", "currency"}
"""What every message about a payment is given, though a failed one names no amount."""


def messages(kind: type[Message] = Message) -> list[type[Any]]:
    """Return the messages that there are: those that no other is derived from."""
    return [leaf for each in kind.__subclasses__() for leaf in messages(each)] or [kind]


every_message = pytest.mark.parametrize("kind", messages(), ids=lambda kind: kind.__name__)


@every_message
def test_every_variation_can_be_sent_and_has_nothing_left_open(kind: type[Message]) -> None:
    for message, sender in product(variations(kind), SENDERS):
        words = render(message)
        email = email_of(message, words, sender)
        assert_complete(words, message)
        assert_sendable(email, words, sender)
        assert_parts_agree(part(email, "plain"), part(email, "html"), words)


@every_message
def test_whatever_a_message_is_given_shows_in_its_words(kind: type[Message]) -> None:
    shown = {field.name for field in fields(kind)} - {"course_id", "payment_id"}
    if issubclass(kind, PaymentMessage):
        shown -= GIVEN_FOR_PAYMENTS
    for name in shown:
        values = {field.name: VALUES[field.name][0] for field in fields(kind)}
        said = {
            words.email
            for message in (kind(**{**values, name: value}) for value in VALUES[name])
            for words in (render(message),)
        }
        assert len(said) == len(VALUES[name]), name


def test_the_catalogue_and_the_folder_of_templates_agree() -> None:
    around = {"_access.txt", "_body.txt", "_layout.html", "_layout.txt"}
    templates = [kind.template for kind in messages()]
    assert len(templates) == len(set(templates))
    assert {path.name for path in FOLDER.iterdir()} == {*templates, *around}


def test_every_kind_of_notice_has_a_message() -> None:
    assert {kind.kind for kind in messages(StudentMessage)} == set(get_args(NoticeKind))


def variations(kind: type[Message]) -> Iterator[Message]:
    named = [field.name for field in fields(kind)]
    for values in product(*(VALUES[name] for name in named)):
        yield kind(**dict(zip(named, values, strict=True)))


def email_of(message: Message, words: Words, sender: Sender) -> EmailMessage:
    return compose(
        Claimed(
            id=1,
            key="key",
            recipient="x@school.test",
            attempts=1,
            **words.email._asdict(),
        ),
        sender,
    )


def assert_complete(words: Words, message: Message) -> None:
    assert words.subject
    assert words.text
    assert words.email.link_text
    assert len(words.subject) <= LONGEST_SUBJECT
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", words.subject)
    said = f"{words.subject}\n{words.text}\n{words.email.link_text}"
    for value in _given(message):  # what looks open in a value was written by a person
        if isinstance(value, str) and value:
            said = said.replace(value, "_").replace(" ".join(value.split()), "_")
    if len(words.subject) < LONGEST_SUBJECT:
        assert not re.search(r"None|[{}<>]|&\w+;|  | [.,]|\.\.", said), said


def _given(message: Message) -> Iterator[Any]:
    """Return whatever a message was given, what is in its lists one by one."""
    for value in vars(message).values():
        yield from chain.from_iterable(value) if isinstance(value, tuple) else [value]


def assert_sendable(email: EmailMessage, words: Words, sender: Sender) -> None:
    raw = email.as_bytes(policy=policy.SMTP)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998  # RFC 5322, 2.1.1
    arrived = message_from_bytes(raw, policy=policy.default)
    assert set(arrived.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "List-Id", "Auto-Submitted"),
        *("MIME-Version", "Content-Type"),
    }
    # Python doubles a blank where it folds a long subject before what is not ASCII.
    assert " ".join(arrived["Subject"].split()) == words.subject
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived.get_content_type() == "multipart/alternative"
    listed = re.fullmatch(r"(.*) <(notices|account)\.([a-z.]+)>", arrived["List-Id"])
    assert listed is not None
    assert listed[3] == ("learn.school.test" if sender.portal else "school.test")
    assert listed[1].strip('"') == re.sub('[<>"]', "", sender.school)


def assert_parts_agree(text: str, html: str, words: Words) -> None:
    reader = _Reader()
    reader.feed(html)
    assert lines_of(text) == lines_of(reader.said)
    assert words.subject in text
    assert not reader.tags & {"script", "img", "link", "style"}  # nothing is run, loaded, tracked


def part(email: EmailMessage, subtype: str) -> str:
    found = email.get_body((subtype,))
    assert found is not None
    return str(found.get_content())


def lines_of(text: str) -> list[str]:
    stripped = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in stripped if line and line != "--"]


class _Reader(HTMLParser):
    """Reads a page as text: a line for each block, the address behind the name of a link."""

    def __init__(self) -> None:
        super().__init__()
        self.said = ""
        self.tags: set[str] = set()
        self._skips = False
        self._address = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._skips = self._skips or tag == "title"
        self._address = dict(attrs).get("href") or self._address
        self.said += "\n" if tag in {"br", "p", "h1"} else ""

    def handle_endtag(self, tag: str) -> None:
        self._skips = self._skips and tag != "title"
        self.said += f": {self._address}" if tag == "a" else ""

    def handle_data(self, data: str) -> None:
        self.said += "" if self._skips else data
