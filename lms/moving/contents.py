"""The contents of files, beside the rows that name them: out of the store, and back into it."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, select

from lms.files import store
from lms.models import CourseFile
from lms.private_files import new_private_file
from lms.refusals import Refusal

_PIECE = 1 << 20


class BadContents(Refusal):
    """The contents of files are not those that the rows name."""


def beside(backup: Path) -> Path:
    """Return the folder with the contents of a backup's files."""
    return backup.with_name(f"{backup.name}.files")


def copy_out(connection: Connection, folder: Path) -> int:
    """Copy what rows name into a folder laid out like the store; return how many were missing.

    No folder is made for a school without files.
    """
    missing = 0
    for digest in _named(connection):
        folder.mkdir(mode=0o700, exist_ok=True)
        missing += not _copy(store.place(digest), store.place(digest, folder))
    return missing


def copy_in(connection: Connection, folder: Path) -> int:
    """Copy what rows name from a folder into the store; return how many are nowhere."""
    missing = 0
    for digest in _named(connection):
        path = store.place(digest, folder)
        if path.is_file():
            with path.open("rb") as file:
                store.keep(file)
        missing += store.size(digest) is None
    return missing


def check(connection: Connection, folder: Path) -> int:
    """Read all that rows name, and return how many contents there are; raises BadContents."""
    checked = 0
    for digest in _named(connection):
        path = store.place(digest, folder)
        if not path.is_file():
            raise BadContents(f"{path} is missing. Use another backup, or look for that folder.")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise BadContents(f"{path} is damaged. Use another backup.")
        checked += 1
    return checked


def _named(connection: Connection) -> Iterator[str]:
    digests = connection.execute(select(CourseFile.digest).distinct().order_by(CourseFile.digest))
    yield from digests.scalars().all()


def _copy(source: Path, target: Path) -> bool:
    """Copy a content; one that is there already stays."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with source.open("rb") as given, new_private_file(target) as file:
            shutil.copyfileobj(given, file, _PIECE)
    except FileExistsError:
        return True
    except FileNotFoundError:
        return False
    return True
