"""The contents of files, beside the rows that name them: out of the store, and back into it."""

import hashlib
import os
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, select
from sqlalchemy.orm import InstrumentedAttribute

from lms.files import s3, store
from lms.models import CourseFile, SchoolSettings
from lms.private_files import new_private_file
from lms.refusals import Refusal, StorageAway

_PIECE = 1 << 20
_WAITS = (s3.SHUT_SECONDS + 1,) * 10


class BadContents(Refusal):
    """The contents of files are not those that the rows name."""


def beside(backup: Path) -> Path:
    """Return the folder with the contents of a backup's files."""
    return backup.with_name(f"{backup.name}.files")


def copy_out(connection: Connection, folder: Path) -> int:
    """Copy what rows name into a folder laid out like the store; return how many were missing.

    No folder is made for a school without files.
    """
    names = named(connection)
    return len(names - copied(names, folder))


def copied(digests: Iterable[str], folder: Path) -> set[str]:
    """Copy contents into a folder laid out like the store, and return which are in it, whole.

    A storage that is away is waited for, a minute in all; raises StorageAway after that.
    """
    whole, waits = set(), iter(_WAITS)
    for digest in sorted(digests):
        folder.mkdir(mode=0o700, exist_ok=True)
        target = store.place(digest, folder)
        while (is_whole := _copied(digest, target)) is None:
            if (seconds := next(waits, None)) is None:
                raise StorageAway
            time.sleep(seconds)
        if is_whole:
            whole.add(digest)
    return whole


def copy_in(connection: Connection, folder: Path) -> int:
    """Copy what rows name from a folder into the store; return how many are not there then.

    A storage that is away is waited for, a minute in all; what comes into it after that, comes.
    """
    missing, waits = 0, iter(_WAITS)
    for digest in sorted(named(connection)):
        path = store.place(digest, folder)
        while not (is_there := _is_kept(path, digest)):
            if is_there is not None or (seconds := next(waits, None)) is None:
                break
            time.sleep(seconds)
        missing += not is_there
    return missing


def check(connection: Connection, folder: Path) -> int:
    """Read all that rows name, and return how many contents there are; raises BadContents."""
    checked = 0
    for digest in sorted(named(connection)):
        path = store.place(digest, folder)
        if not path.is_file():
            raise BadContents(
                f"{path} is missing. Look for the folder {folder.name} that was made with the"
                " backup, or use another backup."
            )
        if not _is_whole(path, digest):
            raise BadContents(f"{path} is damaged. Use another backup.")
        checked += 1
    return checked


def named(connection: Connection) -> set[str]:
    """Return what rows name; nothing in a school older than its first file, or its logo."""
    return {
        digest
        for column in (CourseFile.digest, SchoolSettings.logo_digest)
        if _is_there(connection, column)
        for digest in connection.execute(select(column).distinct()).scalars()
        if digest is not None
    }


def _is_there(connection: Connection, column: InstrumentedAttribute[Any]) -> bool:
    there, table = inspect(connection), column.class_.__tablename__
    return there.has_table(table) and column.key in {
        each["name"] for each in there.get_columns(table)
    }


def _is_kept(path: Path, digest: str) -> bool | None:
    """Keep a content and return whether it is in the store; None while that is away."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                store.keep(file)
        return store.size(digest) is not None
    except StorageAway:
        return None


def _copied(digest: str, target: Path) -> bool | None:
    """Copy a content and return whether it is there, whole; None while the storage is away."""
    try:
        return _copy(digest, target)
    except StorageAway:
        return None


def _copy(digest: str, target: Path) -> bool:
    """Copy a content, and return whether it is there, whole; one that is, already, stays."""
    if _is_whole(target, digest):
        return True
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    begun = target.with_name(f"{digest}.part")
    begun.unlink(missing_ok=True)  # of a command that was interrupted
    found = hashlib.sha256()
    try:
        with closing(store.opened(digest)) as given, new_private_file(begun) as file:
            while piece := given.read(_PIECE):
                found.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if found.hexdigest() != digest:
            return False
        begun.rename(target)
    except FileNotFoundError:
        return False
    finally:
        begun.unlink(missing_ok=True)
    return True


def _is_whole(path: Path, digest: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return False
