"""What a development machine has 'sent': the latest e-mails, in a file for the demo's page."""

import json
import os
from email.message import EmailMessage
from pathlib import Path

from lms.private_files import new_private_file

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
    with new_private_file(unfinished) as file:
        file.write(json.dumps([copy, *copies(folder)][:MOST]).encode())
    unfinished.replace(path)


def copies(folder: Path) -> list[dict[str, str]]:
    """Return the latest e-mails, the newest first."""
    try:
        found: list[dict[str, str]] = json.loads((folder / NAME).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return found
