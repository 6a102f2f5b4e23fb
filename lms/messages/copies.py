"""What a development machine has 'sent': the latest e-mails, in a file for the demo's page."""

import json
import os
from email.message import EmailMessage
from pathlib import Path

NAME = "sent-emails.json"
"""In the instance folder."""
MOST = 50


def keep_copy(folder: Path, message: EmailMessage) -> None:
    """Add an e-mail to the latest ones, which only the portal's own user can read."""
    text = message.get_body(("plain",))
    copy = {
        "to": str(message["To"]),
        "subject": str(message["Subject"]),
        "date": str(message["Date"]),
        "text": text.get_content() if text else "",
    }
    path = folder / NAME
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    number = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        json.dump([copy, *copies(folder)][:MOST], file)
    unfinished.replace(path)


def copies(folder: Path) -> list[dict[str, str]]:
    """Return the latest e-mails, the newest first."""
    try:
        found: list[dict[str, str]] = json.loads((folder / NAME).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return found
