"""When this machine last made a backup: not in the school, whose backup it would change."""

from contextlib import suppress
from pathlib import Path

_NAME = "last-backup"


def note_backup(folder: Path) -> None:
    """Remember in the instance folder that a backup has just been made, if it can be written to."""
    with suppress(OSError):
        (folder / _NAME).touch(mode=0o600)


def last_backup(folder: Path) -> float | None:
    """Return when the last one was made, in seconds since 1970; None if none was."""
    try:
        return (folder / _NAME).stat().st_mtime
    except OSError:
        return None
