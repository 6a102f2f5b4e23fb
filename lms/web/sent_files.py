"""Answers that leave from the disk, since they may be larger than the memory."""

import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

from lms.files.bucket import Content

POLICY = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"
"""Whatever a file of the school is, opened by itself it runs nothing and loads nothing."""
_BLOCK = 1 << 16


class FileBody:
    """The body of an answer: a file, or what is from its byte `start` to before its byte `stop`."""

    def __init__(self, path: Path, start: int = 0, stop: int | None = None) -> None:
        self.path = path
        self.start = start
        self.stop = stop

    @property
    def length(self) -> int:
        """How many bytes it has."""
        return (self.path.stat().st_size if self.stop is None else self.stop) - self.start

    def __iter__(self) -> Iterator[bytes]:
        """Yield it in blocks: for servers that can't send files."""
        left = self.length
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left and (block := file.read(min(left, _BLOCK))):
                left -= len(block)
                yield block

    def close(self) -> None:
        """Leave the file where it is."""


class SentFile(FileBody):
    """A file that was made to be sent; deleted once it is, or forgotten."""

    def __init__(self) -> None:
        descriptor, path = tempfile.mkstemp(prefix="lms-sent-")  # which nobody else can read
        os.close(descriptor)
        super().__init__(Path(path))
        self._delete = weakref.finalize(self, self.path.unlink, missing_ok=True)

    def close(self) -> None:
        """Delete it."""
        self._delete()


FIRST = 1 << 18
"""How much of a content in a bucket is there before an answer begins."""
ASKS_BUCKETS = "lms.asks_buckets"
"""In the environment of a request whose server begins what comes from a bucket, in no thread."""


class BucketBody:
    """The body of an answer that comes from a bucket while it is sent."""

    def __init__(self, source: Content) -> None:
        self.source = source
        self.length = source.left
        self.first = b""

    def begin(self) -> None:
        """Read the first bytes; raises StorageAway, and FileNotFoundError where it isn't whole."""
        self.first = bytes(self.source.begin(FIRST))

    async def begin_in_loop(self) -> None:
        """Do so in an event loop, if it hasn't been done."""
        if not self.first:
            self.first = bytes(await self.source.begin_in_loop(FIRST))

    def __iter__(self) -> Iterator[bytes]:
        """Yield it in blocks: for servers that wait for it."""
        yield self.first
        while self.source.left:
            yield bytes(self.source.read(_BLOCK))
