"""Contents on the disk, each once and under its digest: written whole, or not at all."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lms.config import setting
from lms.private_files import new_private_file

PARTS = ".parts"
"""Where contents lie while they are written."""
_PIECE = 1 << 20


class Kept(NamedTuple):
    """A content that is in the store."""

    digest: str
    bytes: int


def folder() -> Path:
    """Return the folder of all contents, which nobody else on the machine can read."""
    path = Path(setting("LMS_FILES"))
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def place(digest: str) -> Path:
    """Return where a content lies, or would."""
    return Path(setting("LMS_FILES")) / digest[:2] / digest[2:4] / digest


def size(digest: str) -> int | None:
    """Return how many bytes lie there; None if nothing does."""
    try:
        return place(digest).stat().st_size
    except OSError:
        return None


def keep(given: BinaryIO) -> Kept:
    """Keep what is read, and return under which digest it lies.

    Killed at any line it leaves a part at most, which `sweep_parts` deletes. A content that is
    there already is written anew: so one that was damaged is mended, and its hour begins again.
    """
    path = part()
    found, total = hashlib.sha256(), 0
    try:
        with new_private_file(path) as file:
            while piece := given.read(_PIECE):
                found.update(piece)
                total += len(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        digest = found.hexdigest()
        _put(path, digest)
    finally:
        path.unlink(missing_ok=True)
    return Kept(digest, total)


def part() -> Path:
    """Return a new name for what is being written, on the disk where it is to stay."""
    parts = folder() / PARTS
    parts.mkdir(mode=0o700, exist_ok=True)
    return parts / secrets.token_hex(16)


@contextmanager
def held() -> Iterator[None]:
    """Hold the store: no content appears or goes meanwhile, by whatever process."""
    with (folder() / ".lock").open("a") as file:
        flock(file, LOCK_EX)
        yield


def _put(path: Path, digest: str) -> None:
    """Give a complete part its place, for good even if the power fails next."""
    target = place(digest)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with held():
        path.rename(target)
    for each in (target.parent, target.parent.parent, folder()):
        with suppress(OSError):  # some file systems can't
            _sync(each)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
