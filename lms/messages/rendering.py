"""Renders messages: each has one file in templates/messages."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from lms.messages.catalogue import Message, WithReason
from lms.money import money

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


@dataclass(frozen=True)
class Words:
    """A rendered message; `link_text` is the label of its link."""

    subject: str
    text: str
    reason: str
    body: str
    """The text with the reason, as in an e-mail."""
    path: str
    """Its page, below the portal's own address."""
    link: str
    """The page that only this e-mail leads to."""
    link_text: str


def render(message: Message) -> Words:
    """Return the words of a message; a name that its template lacks is an error."""
    template = _environment.get_template(message.template)
    context = template.new_context(vars(message))
    said = {name: "".join(block(context)).strip() for name, block in template.blocks.items()}
    text = re.sub(r"\n{3,}", "\n\n", said["text"])
    reason = message.reason if isinstance(message, WithReason) else ""
    return Words(
        subject=_one_line(said["subject"]),
        text=text,
        reason=reason,
        body=_environment.get_template("_body.txt").render(text=text, reason=reason).strip(),
        path=message.page.format(**vars(message)),
        link=message.link.format(**vars(message)),
        link_text=said["link"],
    )


def render_layout(name: str, **values: Any) -> str:
    """Return what is around the words of every e-mail."""
    return _environment.get_template(name).render(**values).strip()


def _one_line(subject: str) -> str:
    """Return a subject without line breaks and control characters, and of a length to store."""
    line = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", subject).strip()
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1].rstrip()}…"
