"""Contents, each once and under its digest: whole, or not there.

They lie in the folder `LMS_FILES` or, where `LMS_FILES_BUCKET` is set, in that bucket: what is said
here holds for both. What is being written lies in the folder in either case.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, NamedTuple

from lms.config import setting
from lms.files import bucket
from lms.files import folder as on_disk
from lms.files.folder import place, sync_folder
from lms.private_files import new_private_file

PARTS = ".parts"
"""Where contents lie while they are written."""
PART_SECONDS = 86_400
_PIECE = 1 << 20

__all__ = ["place", "sync_folder"]


class Kept(NamedTuple):
    """A content that is in the store."""

    digest: str
    bytes: int


def folder() -> Path:
    """Return the folder of all contents, which nobody else on the machine can read."""
    path = Path(setting("LMS_FILES"))
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def size(digest: str) -> int | None:
    """Return how many bytes lie there; None if nothing does. Raises StorageAway."""
    return bucket.size(digest) if bucket.is_set() else on_disk.size(digest)


def opened(digest: str) -> "BinaryIO | bucket.Reader":
    """Open a content; raises FileNotFoundError and StorageAway."""
    if not bucket.is_set():
        return place(digest).open("rb")
    if (there := bucket.size(digest)) is None:
        raise FileNotFoundError(digest)
    return bucket.Reader(digest, there)


def reach() -> None:
    """Raise StorageAway if contents are in a bucket, and it is out of reach."""
    if bucket.is_set():
        bucket.reach()


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
        _home().put(path, kept.digest)
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


def sweep(named: Callable[[list[str]], set[str]], *, is_empty: bool = False) -> int:
    """Delete what nobody names, or needs to go on with, and return how many contents went.

    `named` returns which of some digests rows name. A content younger than an hour, or than a day
    in a bucket, stays: its row may be on its way. All stay where the school is empty: it may just
    be restored.
    """
    _sweep_parts()
    if is_empty:
        return 0
    home, gone = _home(), 0
    old = [each for each, _, since in home.listed() if _is_past(since, time.time())]
    for start in range(0, len(old), home.DELETED_AT_ONCE):
        some = old[start : start + home.DELETED_AT_ONCE]
        known = named(some)
        if unnamed := [digest for digest in some if digest not in known]:
            gone += _deleted(unnamed)
    return gone


def digests() -> set[str]:
    """Return under which digests something lies."""
    return {digest for digest, _, _ in _home().listed()}


def contents() -> list[tuple[str, int]]:
    """Return each digest under which something lies, with its size."""
    return [(digest, size) for digest, size, _ in _home().listed()]


def is_older(path: Path, seconds: float) -> bool:
    """Return whether a file of this machine was written so long ago."""
    try:
        return time.time() - path.stat().st_mtime > seconds
    except OSError:  # another process was faster
        return False


def _home() -> ModuleType:
    return bucket if bucket.is_set() else on_disk


def _deleted(digests: list[str]) -> int:
    home, gone = _home(), 0
    with home.deleting(digests) as turn:  # who keeps one anew has to wait, and then it is young
        for digest in digests:
            since = home.since(digest)
            if turn.is_over:  # the next sweep goes on
                break
            if since is not None and _is_past(since, turn.now):
                home.delete(digest)
                gone += 1
    return gone


def _is_past(since: float, now: float) -> bool:
    seconds: float = _home().ORPHAN_SECONDS
    return now - since > seconds


def _sweep_parts() -> None:
    for path in (folder() / PARTS).glob("*"):
        if is_older(path, PART_SECONDS):
            path.unlink(missing_ok=True)
