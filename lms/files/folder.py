"""Contents in a folder, each under its digest: whole, or not there."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from math import inf
from pathlib import Path

from lms.config import setting
from lms.files.turns import Turn
from lms.private_files import create_private_file

DELETED_AT_ONCE = 500
"""How many contents a sweep deletes while uploads wait for it."""
ORPHAN_SECONDS = 3_600
_DIGITS = 64


def place(digest: str, root: Path | None = None) -> Path:
    """Return where a content lies, or would: in the store, or in a folder laid out like it."""
    return (root or Path(setting("LMS_FILES"))) / digest[:2] / digest[2:4] / digest


def put(path: Path, digest: str) -> None:
    """Give a complete file of the same disk its place, for good even if the power fails next."""
    target = place(digest)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with deleting([digest]):
        path.rename(target)
    for each in (target.parent, target.parent.parent, Path(setting("LMS_FILES"))):
        sync_folder(each)


def size(digest: str) -> int | None:
    """Return how many bytes lie there; None if nothing does."""
    try:
        return place(digest).stat().st_size
    except OSError:
        return None


def listed() -> Iterator[tuple[str, int, float]]:
    """Yield each digest under which something lies, its size, and when it was put there."""
    # read where nothing can be written, too
    for path in Path(setting("LMS_FILES")).glob("??/??/*"):
        if len(path.name) == _DIGITS:
            with suppress(OSError):  # another process was faster
                found = path.stat()
                yield path.name, found.st_size, found.st_mtime


def since(digest: str) -> float | None:
    """Return when a content was put there; None if it is not there."""
    try:
        return place(digest).stat().st_mtime
    except OSError:
        return None


def delete(digest: str) -> None:
    """Delete a content; nothing where it isn't there."""
    place(digest).unlink(missing_ok=True)


@contextmanager
def deleting(_digests: list[str]) -> Iterator[Turn]:
    """Have whoever puts any content wait until what is inside is done, in whatever process."""
    lock = Path(setting("LMS_FILES")) / ".lock"
    create_private_file(lock)
    with lock.open() as file:
        flock(file, LOCK_EX)
        yield Turn(time.time(), inf)


def sync_folder(path: Path) -> None:
    """Have the names in a folder outlast a power failure, where its file system can."""
    with suppress(OSError):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
