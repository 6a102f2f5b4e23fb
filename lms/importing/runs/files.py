"""The private files of imports: what was given, how far it is, and scratch databases.

Each import has a folder of its own, so that whatever SQLite or a dead process leaves goes with it.
"""

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from lms.config import instance_folder
from lms.importing.legacy.source import another_kind
from lms.private_files import new_private_file
from lms.refusals import Refusal

KEPT_SECONDS = 86_400
_PIECE = 1 << 20
_SIGN = b"SQLite format 3\0"


class NoDatabaseFile(Refusal):
    """What was uploaded is no SQLite file; the message says what it looks like."""


def folder() -> Path:
    """Return the folder of all imports, which nobody else on the machine can read."""
    path = instance_folder() / "imports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def keep_database(given: BinaryIO, name: str) -> tuple[str, str]:
    """Keep an uploaded database; return the token of its folder and its digest.

    Raises NoDatabaseFile, and leaves nothing then.
    """
    token = _new()
    path = database(token)
    try:
        with new_private_file(path) as kept:
            found = hashlib.sha256()
            while piece := given.read(_PIECE):
                found.update(piece)
                kept.write(piece)
        _refuse_others(path, name)
    except BaseException:
        remove(token)
        raise
    return token, found.hexdigest()


def keep_address(address: str) -> str:
    """Keep the address of a database, with its password; return the token of its folder."""
    token = _new()
    with new_private_file(place(token) / "address") as kept:
        kept.write(address.encode())
    return token


def address(token: str) -> str:
    """Return the address that was kept."""
    return (place(token) / "address").read_text()


def database(token: str) -> Path:
    """Return where the uploaded database lies."""
    return place(token) / "school.db"


def place(token: str) -> Path:
    """Return the folder of an import."""
    return folder() / token


def is_here(token: str) -> bool:
    """Return whether this machine has what was given."""
    return database(token).exists() or (place(token) / "address").exists()


def digest(path: Path) -> str:
    """Return the digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def note(token: str, percent: int) -> None:
    """Note how far an import is: on SQLite its own transaction keeps everybody from writing."""
    draft, kept = place(token) / "progress.new", place(token) / "progress"
    with suppress(FileNotFoundError):  # it has just ended
        draft.write_text(str(percent))
        draft.replace(kept)


def noted(token: str) -> tuple[int, datetime] | None:
    """Return how far an import is, and when that was noted; None if it wasn't."""
    try:
        kept = place(token) / "progress"
        return int(kept.read_text()), datetime.fromtimestamp(kept.stat().st_mtime, UTC)
    except (FileNotFoundError, ValueError):
        return None


def remove(token: str) -> None:
    """Delete all files of an import."""
    shutil.rmtree(place(token), ignore_errors=True)


def left() -> Iterator[tuple[str, bool]]:
    """Return the tokens of all folders, and whether each is older than any import may be."""
    path = instance_folder() / "imports"
    if not path.exists():
        return
    for entry in os.scandir(path):
        with suppress(FileNotFoundError):
            yield entry.name, time.time() - entry.stat().st_mtime > KEPT_SECONDS


def new_place(token: str) -> None:
    """Make the folder of an import, unless it is there."""
    folder()
    place(token).mkdir(mode=0o700, exist_ok=True)


def _new() -> str:
    token = secrets.token_hex(16)
    new_place(token)
    return token


def _refuse_others(path: Path, name: str) -> None:
    """Refuse whatever does not begin as an SQLite file does."""
    with path.open("rb") as file:
        head = file.read(len(_SIGN))
    if head != _SIGN:
        looks_like = another_kind(path) or "it isn't an SQLite database."
        raise NoDatabaseFile(f"{name} can't be read: {looks_like}")
