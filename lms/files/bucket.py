"""Contents in a bucket of S3-compatible storage, each under its digest: whole, or not there.

Where nothing else is said, all raise StorageAway.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lms.config import setting
from lms.files import s3
from lms.files.turns import Turn
from lms.refusals import StorageAway

if TYPE_CHECKING:
    from obstore import Bytes, GetOptions, GetResult, ObjectMeta

DELETED_AT_ONCE = 50
"""How many contents a sweep deletes while uploads wait for it."""
_PART = 8_000_000
"""More goes in parts of this size, two at once, which is what they take of the memory."""
_MOST_PARTS = 9_000
"""S3 takes 10,000: a part is larger where a file has more than 72 GB."""
ORPHAN_SECONDS = 86_400
"""An object is as old as the beginning of its upload, which may take hours."""
_SWEEPING = ".sweeping"
_SWEEP_SECONDS = 60
"""How long a sweep begins to delete under one mark; its last request may take another 23."""
_DEAD_SECONDS = 120
"""A mark this old is of a sweep that deletes nothing any more, not even late."""
_TRIES = 3


def is_set() -> bool:
    """Return whether contents live in a bucket."""
    return setting("LMS_FILES_BUCKET") is not None


def put(path: Path, digest: str) -> None:
    """Give a complete file its place, for good.

    A sweep by another machine may just have found old what is replaced here. So this waits until
    all that may delete it have ended, and looks again: whatever sweeps then sees that it is young.
    """
    reach()  # one that is silent is found out sooner than by sending
    for _ in range(_TRIES):
        try:
            part = max(_PART, path.stat().st_size // _MOST_PARTS)
            with s3.asking("put", s3.PUTTING) as client:
                client.put(_key(digest), path, chunk_size=part, max_concurrency=2)
        except FileNotFoundError:
            raise s3.away("put: the bucket doesn't exist") from None
        if _have_sweeps_ended(digest) and _head(digest) is not None:
            return
    raise s3.away("put: what was put is gone")


def size(digest: str) -> int | None:
    """Return how many bytes lie there; None if nothing does."""
    found = _head(digest)
    return None if found is None else found["size"]


def since(digest: str) -> float | None:
    """Return when a content was put there; None if it is not there."""
    found = _head(digest)
    return None if found is None else found["last_modified"].timestamp()


class Content:
    """A content from a byte to before another; nothing is open between two reads.

    `begin`, or `look`, comes first: it raises FileNotFoundError where not all of it is there.
    """

    def __init__(self, digest: str, size: int, start: int, stop: int) -> None:
        self._digest = digest
        self._key, self._size, self._at, self._stop = _key(digest), size, start, stop
        self._where = s3.address()

    @property
    def left(self) -> int:
        """How many bytes are still to be read."""
        return self._stop - self._at

    def begin(self, most: int) -> "Bytes":
        """Return the first bytes."""
        try:
            with s3.asking("read", where=self._where) as client:
                found = client.get(self._key, options=self._first(most))
                return self._taken(self._whole(found).bytes())
        except FileNotFoundError:
            reach()  # or the bucket isn't there
            raise
        except StorageAway:
            if self._at:
                self.look()  # or it ends before that
            raise

    async def begin_in_loop(self, most: int) -> "Bytes":
        """Do so in an event loop, where no thread waits."""
        try:
            with s3.told("read", self._where) as client:
                found = await client.get_async(self._key, options=self._first(most))
                return self._taken(await self._whole(found).bytes_async())
        except StorageAway:
            if self._at:
                await self.look_in_loop()
            raise

    def look(self) -> None:
        """Look whether all of it is there, for who reads none of it."""
        if (found := _head(self._digest)) is None or found["size"] != self._size:
            raise FileNotFoundError(self._key)

    async def look_in_loop(self) -> None:
        """Do so in an event loop."""
        with s3.told("head", self._where) as client:
            found = await client.head_async(self._key)
        if found["size"] != self._size:
            raise FileNotFoundError(self._key)

    def read(self, most: int) -> "Bytes":
        """Return the next bytes; not at the end."""
        with s3.asking("read", where=self._where) as client:
            return self._taken(client.get_range(self._key, **self._next(most)))

    async def read_in_loop(self, most: int) -> "Bytes":
        """Do so in an event loop."""
        with s3.told("read", self._where) as client:
            return self._taken(await client.get_range_async(self._key, **self._next(most)))

    def back(self, count: int) -> None:
        """Have so many bytes read again, for which there was no room."""
        self._at -= count

    def _first(self, most: int) -> "GetOptions":
        return {"range": (self._at, min(self._at + most, self._stop))}

    def _next(self, most: int) -> dict[str, int]:
        return {"start": self._at, "end": min(self._at + most, self._stop)}

    def _whole(self, found: "GetResult") -> "GetResult":
        if found.meta["size"] != self._size:
            raise FileNotFoundError(self._key)
        return found

    def _taken(self, block: "Bytes") -> "Bytes":
        self._at += len(block)
        return block


class Reader:
    """A content as a file that is read from its beginning to its end."""

    def __init__(self, digest: str, size: int) -> None:
        self._content = Content(digest, size, 0, size)
        self._read = self._content.begin

    def read(self, most: int) -> bytes:
        """Return the next bytes, none at the end; raises FileNotFoundError, too."""
        if not self._content.left:
            return b""
        block, self._read = self._read(most), self._content.read
        return bytes(block)

    def close(self) -> None:
        """Do as a file does: there is nothing to close."""


def listed() -> Iterator[tuple[str, int, float]]:
    """Yield each digest under which something lies, its size, and when it was put there."""
    for each in _all():
        name = each["path"].rpartition("/")[2]
        if _key(name) == each["path"]:
            yield name, each["size"], each["last_modified"].timestamp()


def delete(digest: str) -> None:
    """Delete a content; nothing where it isn't there."""
    _delete(_key(digest))


@contextmanager
def deleting(digests: list[str]) -> Iterator[Turn]:
    """Have whoever puts one of these wait, on whatever machine, until what is inside is done."""
    until = time.monotonic() + _SWEEP_SECONDS
    mark = f"{_SWEEPING}/{secrets.token_hex(8)}"
    with s3.asking("mark") as client:
        client.put(mark, "\n".join(digests).encode())
    marks = _marks()
    if (now := marks.get(mark)) is None:
        raise s3.away("mark: what was put isn't listed")
    for other, since in marks.items():
        if now - since > _DEAD_SECONDS:  # of a sweep that ended badly
            _delete(other)
    yield Turn(now, until)
    _delete(mark)  # after a failure it stays: what was asked for may still be carried out


def reach() -> None:
    """Raise StorageAway if the bucket can't be listed, of which it asks little."""
    _marks()


def _have_sweeps_ended(digest: str) -> bool:
    """Wait for the sweeps that may have looked before this was put; False if it isn't there.

    A large content is as old as the beginning of its upload, so marks seem younger than they are.
    """
    if not (marks := {mark: since for mark, since in _marks().items() if _names(mark, digest)}):
        return True
    if (now := since(digest)) is None:
        return False
    ends = {mark: _DEAD_SECONDS - max(0, now - began) for mark, began in marks.items()}
    start = time.monotonic()
    while any(end > time.monotonic() - start for end in ends.values()):
        time.sleep(1)
        still = _marks()
        ends = {mark: end for mark, end in ends.items() if mark in still}
    return True


def _marks() -> dict[str, float]:
    """Return the marks of sweeps, and when they began by the storage's clock."""
    return {each["path"]: each["last_modified"].timestamp() for each in _all(_SWEEPING)}


def _names(mark: str, digest: str) -> bool:
    """Return whether a sweep may delete a content: it deletes only what its mark names."""
    try:
        with s3.asking("mark") as client:
            return digest in bytes(client.get(mark).bytes()).decode().split()
    except FileNotFoundError:  # it has ended
        return False


def _head(digest: str) -> "ObjectMeta | None":
    try:
        with s3.asking("head") as client:
            return client.head(_key(digest))
    except FileNotFoundError:
        reach()  # or the bucket isn't there
        return None


def _all(prefix: str | None = None) -> "Iterator[ObjectMeta]":
    pages = None
    while True:
        try:
            with s3.asking("list") as client:  # it asks for nothing before the first page
                pages = pages or iter(client.list(prefix))
                page = next(pages, None)
        except FileNotFoundError:
            raise s3.away("list: the bucket doesn't exist") from None
        if page is None:
            return
        yield from page


def _delete(key: str) -> None:
    """Delete an object, and raise StorageAway wherever it may still be deleted later."""
    try:
        with s3.asking("delete", is_repeated=False) as client:
            client.delete(key)
    except FileNotFoundError:
        pass


def _key(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:4]}/{digest}"
