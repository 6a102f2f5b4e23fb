"""Files that no other user of the machine reads."""

import os
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path


def new_private_file(path: Path) -> BufferedWriter:
    """Create a file and open it for writing; raises FileExistsError."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


def create_private_file(path: Path) -> None:
    """Create an empty file; leave one that is there."""
    with suppress(FileExistsError):
        new_private_file(path).close()
