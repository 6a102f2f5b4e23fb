"""An e-mail as it is sent: a text and an HTML part that say the same, and headers for filters."""

import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import urlsplit

from lms.db import now
from lms.messages.outbox import Claimed
from lms.messages.rendering import render_layout


@dataclass(frozen=True)
class Sender:
    """The e-mails' sender; `portal` is the address for links."""

    school: str
    address: str
    portal: str | None = None

    @property
    def domain(self) -> str:
        """The domain of the address that the e-mails come from."""
        return self.address.rpartition("@")[2].strip("> ") or "localhost"


def compose(email: Claimed, sender: Sender) -> EmailMessage:
    """Return the e-mail with everything that mailboxes and their filters look for."""
    message = EmailMessage()
    message["From"] = sender.address
    message["To"] = email.recipient
    message["Subject"] = email.subject
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<{sha256(email.key.encode()).hexdigest()[:32]}@{sender.domain}>"
    message["List-Id"] = _list_id(email, sender)
    message["Auto-Submitted"] = "auto-generated"
    values = {
        "school": sender.school,
        "portal": sender.portal,
        "subject": email.subject,
        "body": email.body,
        "link": email.link or (f"{sender.portal}{email.path}" if _has_page(email, sender) else ""),
        "link_text": email.link_text,
        "is_optional": bool(email.path),
    }
    message.set_content(render_layout("_layout.txt", **values) + "\n")
    if email.link_text:  # without it, an earlier release wrote it: text with addresses in it
        message.add_alternative(render_layout("_layout.html", **values) + "\n", subtype="html")
    return message


def _has_page(email: Claimed, sender: Sender) -> bool:
    return bool(email.path and sender.portal)


def _list_id(email: Claimed, sender: Sender) -> str:
    """Return the school's name and an id below its host, as RFC 2919 has it.

    What can be switched off is a list of its own: a filter on it never hides a new password.
    """
    host = (urlsplit(sender.portal).hostname if sender.portal else None) or sender.domain
    label = "notices" if email.path else "account"
    name = re.sub(r'[][()<>@,:;\\"]', "", sender.school)  # what means something in a header
    phrase = f'"{name}"' if name.isascii() else name  # the header itself encodes what is not ASCII
    return f"{phrase} <{label}.{host.encode('idna').decode()}>"
