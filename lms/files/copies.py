"""Copies on this machine of contents in a bucket that are drawn here: of the logo.

A copy stays for as long as a row names it. Where contents lie in a folder, there are none.
"""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from lms.files import bucket, store
from lms.private_files import new_private_file
from lms.refusals import StorageAway

COPIES = ".copies"
_ORPHAN_SECONDS = 3_600
_PIECE = 1 << 20
_fetching = Lock()


def find(digest: str, size: int) -> Path | None:
    """Return where a content lies on this machine; None if not all of it does."""
    path = _place(digest) if bucket.is_set() else store.place(digest)
    try:
        return path if path.stat().st_size == size else None
    except OSError:
        return None


def fetched(digest: str, size: int) -> Path | None:
    """Return so, fetching what isn't here; None if not all of it is anywhere.

    One thread of a process fetches. Raises StorageAway: at once for all others.
    """
    if (found := find(digest, size)) or not bucket.is_set():
        return found
    if not _fetching.acquire(blocking=False):
        raise StorageAway
    try:
        with closing(store.opened(digest)) as given:
            _keep(given, digest)
    except FileNotFoundError:
        return None
    finally:
        _fetching.release()
    return find(digest, size)


def keep(given: BinaryIO, digest: str) -> None:
    """Keep a copy of a content that has just been kept."""
    if bucket.is_set():
        given.seek(0)
        _keep(given, digest)


def sweep(named: Callable[[list[str]], set[str]]) -> None:
    """Delete what rows don't name, an hour after it was kept."""
    old = {path.name for path in _folder().glob("*") if store.is_older(path, _ORPHAN_SECONDS)}
    for digest in old - named(sorted(old)) if old else ():
        _place(digest).unlink(missing_ok=True)


def _keep(given: "BinaryIO | bucket.Reader", digest: str) -> None:
    begun = store.part()
    try:
        with new_private_file(begun) as file:
            while piece := given.read(_PIECE):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        _folder().mkdir(mode=0o700, exist_ok=True)
        begun.replace(_place(digest))
    finally:
        begun.unlink(missing_ok=True)


def _place(digest: str) -> Path:
    return _folder() / digest


def _folder() -> Path:
    return store.folder() / COPIES
