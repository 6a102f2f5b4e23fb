"""Copy a school into an empty database: everything with its ids, or nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table

from lms.db import writer
from lms.moving import loading
from lms.moving.database import Database
from lms.moving.places import check_empty
from lms.moving.rows import TABLES, Digest, Source

Progress = Callable[[int, int], None]
"""Takes how much is done, of how much."""
LEFT_OUT = frozenset(("sign_ins", "interrupted_forms"))
"""What a copy without sign-ins leaves behind: whoever is signed in, and what they were typing."""


def no_progress(_done: int, _total: int) -> None:
    """Tell nobody."""


class DifferentRowsError(RuntimeError):
    """What was written isn't what was read: the copy is undone."""


@dataclass(frozen=True)
class CopyReport:
    """What has been copied, checked by reading both sides again."""

    tables: dict[str, int]
    """Rows of each table."""
    digests: dict[str, str]

    @property
    def rows(self) -> int:
        return sum(self.tables.values())


def copy(
    source: Source,
    target: Engine,
    *,
    with_sign_ins: bool = True,
    progress: Progress = no_progress,
) -> CopyReport:
    """Write a whole school into a migrated, empty target.

    One transaction: whenever it is killed, the target is as empty as before. Raises NotEmpty, and
    what the source's check refuses.
    """
    source.check()
    tables = [each for each in TABLES if with_sign_ins or each.name not in LEFT_OUT]
    total = 2 * sum(map(source.count, tables))
    counter = _Counter(progress, total)
    with writer(target, checks_references=False).begin() as connection:
        check_empty(connection)
        with loading.triggers_off(connection):
            loading.empty(connection)
            digests = {each.name: _copy(source, connection, each, counter) for each in tables}
            loading.lift_ids(connection, source.ids_used())
            loading.check_references(connection)
        _compare(connection, tables, digests, counter)
    return CopyReport(
        {name: found.rows for name, found in digests.items()},
        {name: str(found) for name, found in digests.items()},
    )


def _copy(source: Source, target: Connection, table: Table, counter: "_Counter") -> Digest:
    found = Digest()
    for rows in source.read(table):
        loading.insert(target, table, rows)
        found.add(rows)
        counter.advance(len(rows))
    return found


def _compare(
    connection: Connection,
    tables: list[Table],
    expected: Mapping[str, Digest],
    counter: "_Counter",
) -> None:
    for table in tables:
        if Database(connection).digest(table) != expected[table.name]:
            raise DifferentRowsError(
                f"The copy of {table.name} differs from the original. Nothing was copied."
            )
        counter.advance(expected[table.name].rows)


class _Counter:
    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def advance(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done, self._total)
