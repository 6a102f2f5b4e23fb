"""Files that are made to be sent: on the disk, since they may be larger than the memory."""

import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 16


class SentFile:
    """The body of an answer, in a file of its own; deleted once it is sent, or forgotten."""

    def __init__(self) -> None:
        descriptor, path = tempfile.mkstemp(prefix="lms-sent-")  # which nobody else can read
        os.close(descriptor)
        self.path = Path(path)
        self._delete = weakref.finalize(self, self.path.unlink, missing_ok=True)

    @property
    def length(self) -> int:
        """How many bytes it has."""
        return self.path.stat().st_size

    def __iter__(self) -> Iterator[bytes]:
        """Yield it in blocks."""
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block

    def close(self) -> None:
        """Delete it."""
        self._delete()
