"""Uploads that come in pieces: what has come lies among the store's parts until all of it has.

The name of a part says all there is to know: whose upload it is, for which course, and how long it
is to be. How much has come is how long the part is, so that nothing can be half written down.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from io import FileIO
from pathlib import Path
from typing import BinaryIO, cast

from lms.files import store
from lms.private_files import new_private_file
from lms.refusals import Busy, Invalid, UploadIncomplete, UploadNotFound, WrongOffset

_DONE = ".done"
_READ = 1 << 20


@dataclass(frozen=True)
class Unfinished:
    """An upload that has begun."""

    key: str
    course_id: int
    by: int
    length: int

    @property
    def path(self) -> Path:
        """Where lies what has come of it."""
        return store.parts() / f"{self.key}-{self.course_id}-{self.by}-{self.length}"

    @property
    def done(self) -> Path:
        """Where it says which file has become of it."""
        return self.path.with_name(self.path.name + _DONE)

    @property
    def offset(self) -> int:
        """How much has come; raises UploadNotFound."""
        with suppress(FileNotFoundError):
            return self.path.stat().st_size
        if not self.done.exists():  # canceled since it was found
            raise UploadNotFound
        return self.length


def begin(course_id: int, *, by: int, length: int) -> Unfinished:
    """Begin an upload of so many bytes, which only who began it can go on with."""
    upload = Unfinished(secrets.token_hex(16), course_id, by, length)
    new_private_file(upload.path).close()
    return upload


def find(key: str, course_id: int, *, by: int) -> Unfinished:
    """Return an upload to this course that this person began; raises UploadNotFound."""
    if len(key) == 32 and key.isalnum():
        for path in store.parts().glob(f"{key}-{course_id}-{by}-*"):
            length = path.name.removesuffix(_DONE).rpartition("-")[2]
            return Unfinished(key, course_id, by, int(length))
    raise UploadNotFound


def append(upload: Unfinished, piece: BinaryIO, *, at: int, size: int) -> int:
    """Add a piece and return how much has come: all of the piece is on the disk then, or nothing.

    A process that is killed meanwhile may leave a beginning of the piece, which then has come.
    Raises WrongOffset where it doesn't begin at what has come: another tab, or the same one, has
    sent it already.
    """
    with _held(upload) as file:
        has_come = file.seek(0, os.SEEK_END)
        if at != has_come:
            raise WrongOffset(has_come)
        if at + size > upload.length:
            raise Invalid("file", "The file changed while it was being sent. Choose it again.")
        try:
            while some := piece.read(_READ):
                _write(file, some)
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(at)
            raise
        return file.tell()


def beginning(upload: Unfinished) -> BinaryIO:
    """Open what has come of it, for reading; raises UploadNotFound."""
    try:
        return upload.path.open("rb")
    except FileNotFoundError:
        raise UploadNotFound from None


def finish(upload: Unfinished, take: Callable[[BinaryIO], int]) -> int:
    """Have `take` make a file of all that has come, and return its id; the same if asked again.

    Killed at any line, it is as if it had not been asked, but that `take` may have been called:
    which has to return the same for the same content. Raises UploadIncomplete and UploadNotFound.
    """
    try:
        with _held(upload) as file:
            if file.seek(0, os.SEEK_END) != upload.length:
                raise UploadIncomplete
            file_id = take(cast("BinaryIO", file))
            _note(upload, file_id)
            upload.path.unlink(missing_ok=True)  # who cancels it doesn't wait
            return file_id
    except UploadNotFound:  # it has been finished
        return _noted(upload)


def forget(upload: Unfinished) -> None:
    """Delete what has come of it."""
    upload.path.unlink(missing_ok=True)
    upload.done.unlink(missing_ok=True)


def bytes_announced() -> int:
    """Return how much room all that is unfinished will take once it has come."""
    names = {path.name for path in store.parts().glob("*-*")}
    going_on = (name for name in names if not {name, name + _DONE} <= names)
    return sum(int(name.rpartition("-")[2]) for name in going_on if not name.endswith(_DONE))


@contextmanager
def _held(upload: Unfinished) -> Iterator[FileIO]:
    """Hold an upload, so that one piece comes after the other; raises Busy and UploadNotFound."""
    try:
        file = FileIO(upload.path, "r+")
    except FileNotFoundError:
        raise UploadNotFound from None
    with file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise Busy(
                "The portal is still working on this upload. Try again in a moment.", 1
            ) from None
        if not upload.path.exists():  # finished since it was opened
            raise UploadNotFound
        yield file


def _write(file: FileIO, some: bytes) -> None:
    left = memoryview(some)
    while left:
        left = left[file.write(left) :]


def _note(upload: Unfinished, file_id: int) -> None:
    path = store.part()
    with new_private_file(path) as file:
        file.write(str(file_id).encode())
        file.flush()
        os.fsync(file.fileno())
    path.replace(upload.done)
    store.sync_folder(path.parent)


def _noted(upload: Unfinished) -> int:
    try:
        return int(upload.done.read_text())
    except (FileNotFoundError, ValueError):  # canceled, or lost with the power
        raise UploadNotFound from None
