"""What was given: a file, or a pasted list of people for one course."""

import base64
import hashlib
import zlib

from lms.importing.roster.files import NoRoster
from lms.importing.roster.lines import Roster
from lms.importing.roster.pasted import read_pasted
from lms.importing.roster.reading import read_content
from lms.texts import counted

MOST_BYTES = 10_000_000
MOST_UNPACKED = 50_000_000
MOST_LINES = 20_000
READ_AT_ONCE = 5_000
APPLIED_AT_ONCE = 500
"""Lines that take about a second, so that nobody has to wait for the worker."""


def roster_of(source: str, course_id: int | None, content: bytes) -> Roster:
    """Return what was given as a roster, no larger than the browser may send; raises NoRoster."""
    if course_id is not None:
        return read_pasted(content.decode(), course_id)
    if not content:
        raise NoRoster(f"{source} is empty. Choose another file.")
    if len(content) > MOST_BYTES:
        raise NoRoster(f"{source} is larger than {MOST_BYTES // 1_000_000} MB. {_COMMAND}")
    roster = read_content(source, content, most=MOST_UNPACKED)
    if len(roster.lines) > MOST_LINES:
        raise NoRoster(
            f"{source} has {counted(len(roster.lines), 'line')}, and at most {MOST_LINES:,} can be"
            f" uploaded. {_COMMAND}"
        )
    return roster


_COMMAND = "Split it, or use the command flask import roster."


def is_short(roster: Roster, most: int) -> bool:
    """Return whether it has few lines, and nobody else leaves by it."""
    return len(roster.lines) <= most and not roster.complete and not roster.gone


def packed(content: bytes) -> str:
    """Return what was given as text, which every copy and export of the database can hold."""
    return base64.b64encode(zlib.compress(content)).decode()


def unpacked(text: str) -> bytes:
    """Return what was packed."""
    return zlib.decompress(base64.b64decode(text))


def digest(content: bytes) -> str:
    """Return the digest of what was given."""
    return hashlib.sha256(content).hexdigest()
