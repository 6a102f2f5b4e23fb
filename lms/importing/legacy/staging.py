"""A scratch database on disk: the old rows as read, and the outcome of each.

However large the old school is, memory holds one batch of it; rules are set-based statements here.
"""

import hashlib
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Index,
    Integer,
    String,
    Table,
    Text,
    create_engine,
    select,
    type_coerce,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import NullPool

from lms.db import UtcDateTime
from lms.importing.legacy.names import Names
from lms.importing.legacy.raw import keep, metadata
from lms.importing.legacy.reading import Reading
from lms.importing.legacy.row import OldRow
from lms.importing.legacy.source import OldSchool
from lms.importing.legacy.values import Row

BATCH = 1_000
_CACHE = 4_000
"""KiB of the scratch file that memory holds."""
LINES = 5_000
"""How many rows are carried over at once."""
Progress = Callable[[int, int], None]
"""Takes how much is done, of how much."""
_REPORTED = frozenset(("repairs", "natural"))
_TIME, _DIALECT = UtcDateTime(), sqlite.dialect()
_file: ContextVar[Path] = ContextVar("file")


@dataclass(frozen=True)
class Kind:
    """One kind of rows: where they are staged, what is read, and how one is understood."""

    table: Table
    columns: tuple[str, ...]
    read: Callable[[OldRow], Row]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What a column may be called besides its name here; "fullName" and "full_name" are one."""

    called: tuple[str, ...] = ()
    """What the table may be called besides its name here: the singular first."""
    needs: tuple[str, ...] = ()
    """The columns without which a table of another name is something else."""
    money: Mapping[str, str] = field(default_factory=dict)
    """Columns of amounts whose names say no unit, and those that hold minor units instead."""
    progress: str | None = None
    """The column of progress, of which only all rows together tell whether it counts to 1 or 100.
    """

    @property
    def names(self) -> Names:
        """Return all that the table and each column may be called, in small letters alone."""
        spellings = {
            name: (name.replace("_", ""), *self.aliases.get(name, ())) for name in self.columns
        }
        return Names(spellings, self.called, self.needs)


def marks(words: str) -> tuple[str, ...]:
    """Return what columns are called that say when, or whether, something was done: `isBanned`."""
    return tuple(
        f"{word}{at}" for word in words.split() for at in ("at", "", "on", "date")
    ) + tuple(f"is{word}" for word in words.split())


def scratch_table(
    name: str,
    *items: Column[Any] | Index,
    refers_to: Mapping[str, Table] | None = None,
    is_referred_to: bool = False,
) -> Table:
    """Return a table for old rows; one that refers to a 'user' has `user_key` and `user_row`."""
    keys: list[Column[Any]] = [Column(f"{other}_key", String) for other in refers_to or ()]
    rows = [Column(f"{other}_row", Integer) for other in refers_to or ()]
    if "user" in (refers_to or ()):
        keys.append(Column("user_is_closed", Boolean))
    # The row that stands for all that are the same.
    winner = [Column("winner", Integer, index=True)] if is_referred_to else []
    return Table(
        name,
        metadata,
        Column("row", Integer, primary_key=True),
        Column("key", String, index=is_referred_to),  # the old id
        Column("natural", String),  # a digest of the whole row, for those without an id
        Column("origin", String),  # what it is remembered by
        Column("label", String, server_default=""),  # and what tells its school from another
        Column("repairs", Text, server_default=""),  # a line each
        Column("verdict", String),  # merged or refused; none while nothing speaks against the row
        Column("reason", String, server_default=""),
        Column("target", Integer),  # the id here
        *winner,
        *keys,
        *rows,
        *items,
        info={"refers_to": refers_to or {}},
    )


def stage(
    scratch: Connection,
    school: OldSchool,
    kinds: Sequence[Kind],
    reading: Reading,
    progress: Progress,
) -> None:
    """Read every row of the old school into the scratch database."""
    total = sum(old.rows for old in school.tables)
    done = 0
    counts: Counter[str] = Counter()
    for kind in kinds:
        for old in school.tables:
            if old.name != kind.table.name:
                continue
            given = school.columns(old.name)
            for rows in school.batches(old):
                read = [kind.read(OldRow(row, given, old.name, reading)) for row in rows]
                _write(scratch, kind.table, read)
                keep(scratch, kind.table, rows, after=counts[old.name])
                counts[old.name] += len(rows)
                done += len(rows)
                progress(done, total)


def fingerprint(scratch: Connection) -> str:
    """Return the digest of all rows, as they were read, and of what was decided about each."""
    found = hashlib.sha256()
    for table in metadata.sorted_tables:
        # Times that nobody knows are those of the reading, another one each time.
        columns = [each for each in table.columns if not isinstance(each.type, UtcDateTime)]
        rows = select(*columns).order_by(*table.primary_key)
        found.update(table.name.encode())
        for row in scratch.execution_options(yield_per=BATCH).execute(rows):
            found.update(repr(tuple(row)).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def _write(scratch: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows past SQLAlchemy, which would look at each value's type for every row anew."""
    names = list(rows[0])
    for name in names:
        if isinstance(table.c[name].type, UtcDateTime):
            for row in rows:
                row[name] = _TIME.process_bind_param(row[name], _DIALECT)
    columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    # The names are those of the tables here.
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"  # noqa: S608  # nosec B608
    scratch.exec_driver_sql(statement, list(map(itemgetter(*names), rows)))


@contextmanager
def scratch_database(place: Path | None = None) -> Iterator[Engine]:
    """Yield an empty scratch database, deleted when the block ends."""
    with tempfile.TemporaryDirectory(prefix="lms-import-", dir=place) as folder:
        token = _file.set(Path(folder) / "scratch.db")
        try:
            metadata.create_all(_engine(), checkfirst=False)
            yield _engine()
        finally:
            _file.reset(token)


def batches(
    scratch: Connection, table: Table, *where: Any, also: Sequence[Any] = (), size: int = BATCH
) -> Iterator[list[Any]]:
    """Read staged rows bit by bit; rows may change behind the reader, not before it.

    Without what is for reports alone.
    """
    after = 0
    columns = [column for column in table.c if column.name not in _REPORTED]
    while rows := scratch.execute(
        select(*columns, *also).where(table.c.row > after, *where).order_by(table.c.row).limit(size)
    ).all():
        yield list(rows)
        after = rows[-1].row


def lines(
    scratch: Connection, table: Table, columns: Sequence[Any], *where: Any
) -> Iterator[list[Sequence[Any]]]:
    """Read columns of staged rows bit by bit, as they are stored: times are text."""
    after = 0
    plain = [type_coerce(column, Text()) for column in columns]
    while rows := scratch.execute(
        select(table.c.row, *plain)
        .where(table.c.row > after, *where)
        .order_by(table.c.row)
        .limit(LINES)
    ).all():
        yield [row[1:] for row in rows]
        after = rows[-1].row


def stored(moment: datetime) -> Any:
    """Return a time as it is stored here."""
    return _TIME.process_bind_param(moment, _DIALECT)


def index(scratch: Connection, table: Table, *columns: str) -> None:
    """Let rows be found by these columns together."""
    name = f"ix_{table.name}_{'_'.join(columns)}"
    scratch.exec_driver_sql(f"CREATE INDEX {name} ON {table.name} ({', '.join(columns)})")


def referred(table: Table, other: str, column: str = "target") -> ColumnElement[Any]:
    """Return a column of what rows refer to: for 'course' and 'title', `course_title`.

    The id here, in the column `target`, is called `course_id`.
    """
    meant = table.info["refers_to"][other].alias()
    name = f"{other}_{'id' if column == 'target' else column}"
    found = select(meant.c[column]).where(meant.c.row == table.c[f"{other}_row"])
    return found.scalar_subquery().label(name)


def located(table: Table) -> list[ColumnElement[int]]:
    """Return the ids here of all that rows refer to, such as `user_id` and `course_id`."""
    return [referred(table, other) for other in table.info["refers_to"]]


@cache
def _engine() -> Engine:
    """Return the engine of all scratch databases: it compiles each rule once."""
    return create_engine("sqlite://", creator=_connect, poolclass=NullPool)


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect(_file.get())
    # Nothing here outlives the process: what a crash leaves is thrown away anyhow.
    connection.execute("PRAGMA journal_mode=TRUNCATE")  # in memory, it would grow with the school
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute(f"PRAGMA cache_size=-{_CACHE}")
    return connection
