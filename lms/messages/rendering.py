"""Renders messages: each has one file in templates/messages."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from lms.messages.catalogue import Message, WithReason
from lms.money import money
from lms.times import UTC_NAME, told

FOLDER = Path(__file__).parents[2] / "templates" / "messages"
LONGEST_SUBJECT = 200

_environment = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["money"] = money
_environment.filters["told"] = told


class EmailWords(NamedTuple):
    """A message as an e-mail, without what surrounds all of them; `link_text` labels its link."""

    subject: str
    body: str
    """The text with the reason."""
    path: str
    """Its page, below the portal's own address."""
    link: str
    """The page that only this e-mail leads to."""
    link_text: str


class Words(NamedTuple):
    """A rendered message: as a notice, and as an e-mail."""

    subject: str
    text: str
    reason: str
    email: EmailWords


def render(message: Message, zone: str = UTC_NAME) -> Words:
    """Return the words of a message; a name that its template lacks is an error.

    Times in it are told in the zone.
    """
    template = _environment.get_template(message.template)
    context = template.new_context({**vars(message), "zone": zone})
    said = {name: "".join(block(context)).strip() for name, block in template.blocks.items()}
    # In one line, and of a length that can be stored.
    subject = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", said["subject"]).strip()
    if len(subject) > LONGEST_SUBJECT:
        subject = f"{subject[: LONGEST_SUBJECT - 1].rstrip()}…"
    text = re.sub(r"\n{3,}", "\n\n", said["text"])
    reason = message.reason if isinstance(message, WithReason) else ""
    body = _environment.get_template("_body.txt").render(text=text, reason=reason).strip()
    page, link = (path.format(**vars(message)) for path in (message.page, message.link))
    return Words(subject, text, reason, EmailWords(subject, body, page, link, said["link"]))


def render_layout(name: str, **values: Any) -> str:
    """Return what is around the words of every e-mail."""
    return _environment.get_template(name).render(**values).strip()
