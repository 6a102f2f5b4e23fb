"""Contents on the disk, each once and under its digest: written whole, or not at all."""

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lms.config import setting
from lms.private_files import create_private_file, new_private_file

PARTS = ".parts"
"""Where contents lie while they are written."""
ORPHAN_SECONDS = 3_600
PART_SECONDS = 86_400
_PIECE = 1 << 20
_AT_ONCE = 500
_DIGITS = 64


class Kept(NamedTuple):
    """A content that is in the store."""

    digest: str
    bytes: int


def folder() -> Path:
    """Return the folder of all contents, which nobody else on the machine can read."""
    path = Path(setting("LMS_FILES"))
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def place(digest: str, root: Path | None = None) -> Path:
    """Return where a content lies, or would: in the store, or in a folder laid out like it."""
    return (root or Path(setting("LMS_FILES"))) / digest[:2] / digest[2:4] / digest


def size(digest: str) -> int | None:
    """Return how many bytes lie there; None if nothing does."""
    try:
        return place(digest).stat().st_size
    except OSError:
        return None


def keep(given: BinaryIO, *, check: Callable[[Kept], None] | None = None) -> Kept:
    """Keep what is read, and return under which digest it lies; not if `check` refuses it.

    Killed at any line it leaves a part at most, which `sweep` deletes. A content that is
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
        kept = Kept(found.hexdigest(), total)
        if check:
            check(kept)
        _put(path, kept.digest)
    finally:
        path.unlink(missing_ok=True)
    return kept


def part() -> Path:
    """Return a new name for what is being written, on the disk where it is to stay."""
    return parts() / secrets.token_hex(16)


def parts() -> Path:
    """Return the folder of what is being written."""
    path = folder() / PARTS
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def sync_folder(path: Path) -> None:
    """Have the names in a folder outlast a power failure, where its file system can."""
    with suppress(OSError):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


@contextmanager
def held() -> Iterator[None]:
    """Hold the store: no content appears or goes meanwhile, by whatever process."""
    lock = folder() / ".lock"
    create_private_file(lock)
    with lock.open() as file:
        flock(file, LOCK_EX)
        yield


def sweep(named: Callable[[list[str]], set[str]], *, is_empty: bool = False) -> int:
    """Delete what nobody names, or needs to go on with, and return how many contents went.

    `named` returns which of some digests rows name. A content younger than an hour stays: its row
    may be on its way. All stay where the school is empty: it may just be restored.
    """
    _sweep_parts()
    if is_empty:
        return 0
    old = [path for path in _contents() if _is_older(path, ORPHAN_SECONDS)]
    gone = 0
    for start in range(0, len(old), _AT_ONCE):
        some = old[start : start + _AT_ONCE]
        known = named([path.name for path in some])
        with held():  # who keeps such a content anew has to wait, and then it is young
            for path in some:
                if path.name not in known and _is_older(path, ORPHAN_SECONDS):
                    path.unlink(missing_ok=True)
                    gone += 1
    return gone


def digests() -> set[str]:
    """Return under which digests something lies."""
    return {path.name for path in _contents()}


def contents() -> list[tuple[str, int]]:
    """Return each digest under which something lies, with its size."""
    return [(path.name, size(path.name) or 0) for path in _contents()]


def _contents() -> list[Path]:
    found = Path(setting("LMS_FILES")).glob("??/??/*")  # read where nothing can be written, too
    return [path for path in found if len(path.name) == _DIGITS]


def _sweep_parts() -> None:
    for path in (folder() / PARTS).glob("*"):
        if _is_older(path, PART_SECONDS):
            path.unlink(missing_ok=True)


def _is_older(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime > seconds
    except OSError:  # another process was faster
        return False


def _put(path: Path, digest: str) -> None:
    """Give a complete part its place, for good even if the power fails next."""
    target = place(digest)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with held():
        path.rename(target)
    for each in (target.parent, target.parent.parent, folder()):
        sync_folder(each)
