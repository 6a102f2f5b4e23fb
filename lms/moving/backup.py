"""A backup is the whole school in one SQLite file, from either engine; restoring reads it back."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine

from lms.db import now
from lms.moving import contents
from lms.moving.copying import Progress, copy, no_progress
from lms.moving.database import Database
from lms.moving.places import migrated
from lms.moving.rows import BATCH, Digest
from lms.private_files import create_private_file
from lms.refusals import Refusal

_FORM = "learning portal 1"


class BadBackup(Refusal):
    """The file isn't a backup, or no longer what it was."""


@dataclass(frozen=True)
class Backup:
    """A backup that holds what it held when it was made."""

    made_at: datetime
    tables: dict[str, int]
    """Rows of each table."""
    path: Path
    missing: int = 0
    """Contents of files that rows name, and that could not be copied."""

    @property
    def rows(self) -> int:
        return sum(self.tables.values())


def back_up(source: Connection, file: Path, *, progress: Progress = no_progress) -> Backup:
    """Write the school at the source's moment to a new file, readable for its owner alone.

    The file appears when it is complete and has been read again, and the contents of files lie
    beside it. Raises FileExistsError: no backup is overwritten.
    """
    _refuse_taken(file)
    files = contents.beside(file)
    # First: a content whose row goes after the clone may be swept at once. One that comes between
    # the two stays for an hour.
    with source.engine.connect() as earlier:
        there = contents.copied(contents.named(earlier), files)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=file.absolute().parent) as folder:
        made = Path(folder) / "school.db"
        if source.dialect.name == "sqlite":
            _clone(source, made)
        else:
            with migrated(f"sqlite:///{made}") as engine:
                copy(Database(source), engine, progress=progress)
        found = _describe(made)
        _on_disk(made)
        names = _named(made)
        there |= contents.copied(names - there, files)
        _put(made, file)
        _on_disk(file.absolute().parent)
    return replace(found, missing=len(names - there))


@contextmanager
def opened(file: Path) -> Iterator[tuple[Backup, Engine]]:
    """Yield a backup and its content, read from a copy at the newest schema; raises BadBackup.

    The file itself is left as it is.
    """
    if not file.is_file():
        raise BadBackup(f"The file {file} doesn't exist.")
    with tempfile.TemporaryDirectory(prefix="lms-restore-") as folder:
        copied = Path(folder) / "school.db"
        create_private_file(copied)
        backup = _checked(file, copied)
        with migrated(f"sqlite:///{copied}") as engine:
            yield backup, engine


def _put(made: Path, file: Path) -> None:
    """Give the complete file its name; raises FileExistsError where another was quicker."""
    try:
        file.hardlink_to(made)
    except FileExistsError:
        raise
    except OSError:  # no file has two names there, as on most memory sticks
        _refuse_taken(file)
        made.rename(file)


def _refuse_taken(file: Path) -> None:
    if file.exists():
        raise FileExistsError(f"{file} already exists. Choose another name.")


def _clone(source: Connection, made: Path) -> None:
    """Copy a SQLite database page by page, at the moment that the connection sees."""
    create_private_file(made)
    driver = source.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - narrows the type
    with closing(sqlite3.connect(made)) as target:
        driver.backup(target)


def _describe(made: Path) -> Backup:
    """Write into the file what it holds, and leave it without files beside it."""
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        digests = _digests(connection)
        backup = Backup(now(), {name: each.rows for name, each in digests.items()}, made)
        described = json.dumps({name: str(each) for name, each in digests.items()})
        connection.execute("CREATE TABLE portal_backup (form TEXT, made_at TEXT, digests TEXT)")
        values = (_FORM, backup.made_at.isoformat(), described)
        connection.execute("INSERT INTO portal_backup VALUES (?, ?, ?)", values)
        connection.commit()
    return backup


def _named(made: Path) -> set[str]:
    """Return which contents of files the finished backup names."""
    engine = create_engine(f"sqlite:///{made}", poolclass=NullPool)
    with engine.connect() as connection:
        return contents.named(connection)


def _checked(file: Path, copied: Path) -> Backup:
    """Copy a backup, and compare what it holds with what it says that it holds."""
    try:
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copied)) as target,
        ):
            source.backup(target)
            described = _described(file, target)
            target.execute("DROP TABLE portal_backup")
            target.commit()
            found = _digests(target)
    except sqlite3.DatabaseError as error:
        raise BadBackup(f"{file} can't be read: {error}. Use another backup.") from None
    form, made_at, digests = described
    if form != _FORM:
        raise BadBackup(
            f"{file} was made by a newer release of the portal. Update this portal first."
        )
    if {name: str(each) for name, each in found.items()} != json.loads(digests):
        raise BadBackup(f"{file} is damaged. Use another backup.")
    rows = {name: each.rows for name, each in found.items()}
    return Backup(datetime.fromisoformat(made_at), rows, file)


def _described(file: Path, connection: sqlite3.Connection) -> tuple[str, str, str]:
    mark = "SELECT 1 FROM sqlite_master WHERE name = 'portal_backup'"
    if connection.execute(mark).fetchone() is None:
        raise BadBackup(f"{file} isn't a backup made by `flask backup`.")
    found: tuple[str, str, str] = connection.execute(
        "SELECT form, made_at, digests FROM portal_backup"
    ).fetchone()
    return found


def _digests(connection: sqlite3.Connection) -> dict[str, Digest]:
    """Return the digest of each table, whatever its columns: a backup may be of an older portal."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    ).fetchall()
    found = {}
    for (name,) in names:
        found[name] = Digest()
        # The names are those of its own tables.
        rows = connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608  # nosec B608
        while batch := rows.fetchmany(BATCH):
            found[name].add(batch)
    return found


def _on_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
