"""Answers that leave from the disk, since they may be larger than the memory."""

import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

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
