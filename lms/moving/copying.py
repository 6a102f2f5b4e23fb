"""Copy a school into an empty database: everything with its ids, or what is no school yet."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table

from lms.db import writer
from lms.moving import begun, loading, resting
from lms.moving.database import Database
from lms.moving.rows import TABLES, Digest, Source
from lms.refusals import Refusal

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
    kept: Collection[str] = ()
    """The tables that an interrupted copy had finished."""
    was_interrupted: bool = False

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
    """Write a whole school into a migrated, empty target, or finish what was interrupted there.

    A transaction for each table, and one that makes a school of them: whenever it is killed, the
    target is none yet, and the next call keeps the tables that are whole, unless the source has
    changed meanwhile. Raises NotEmpty, and what the source refuses, with the target left empty.
    """
    source.check()
    tables = [each for each in TABLES if with_sign_ins or each.name not in LEFT_OUT]
    total = 2 * sum(map(source.count, tables))
    counter = _Counter(progress, total)
    into = writer(target, checks_references=False)
    with into.begin() as connection:
        finished = begun.begin_or_resume(connection, tables)
    try:
        return _finish(source, into, tables, finished, counter)
    except (Refusal, DifferentRowsError):  # the same command would only come to this again
        with into.begin() as connection:
            begun.give_up(connection)
        raise


def _finish(
    source: Source,
    into: Engine,
    tables: list[Table],
    finished: Mapping[str, str],
    counter: "_Counter",
) -> CopyReport:
    kept = _still_equal(source, tables, finished, counter)
    if len(kept) < len(finished):
        kept = {}
        counter.restart()
        with into.begin() as connection:
            begun.start_over(connection)
    digests = dict(kept)
    for unit in _units([each for each in tables if each.name not in kept]):
        with into.begin() as connection:
            written = {each.name: _copy(source, connection, each, counter) for each in unit}
            begun.note_finished(connection, written)
        digests |= written
    with into.begin() as connection:
        loading.lift_ids(connection, source.ids_used())
        resting.check_references(connection)
        _compare(connection, tables, digests, counter)
        begun.end(connection)
    return CopyReport(
        {each.name: digests[each.name].rows for each in tables},
        {each.name: str(digests[each.name]) for each in tables},
        kept=[each.name for each in tables if each.name in kept],
        was_interrupted=bool(finished),
    )


def _still_equal(
    source: Source, tables: list[Table], finished: Mapping[str, str], counter: "_Counter"
) -> dict[str, Digest]:
    """Return the digests of the tables that are finished and in the source as they were."""
    kept = {}
    for table in tables:
        if table.name not in finished:
            continue
        found = Digest()
        with closing(source.read(table)) as batches:
            for rows in batches:
                found.add(rows)
                counter.advance(len(rows))
        if str(found) == finished[table.name]:
            kept[table.name] = found
    return kept


def _units(tables: list[Table]) -> Iterator[list[Table]]:
    """Yield tables by those that can be committed alone: two that refer to each other cannot."""
    left = list(tables)
    while left:
        first = left.pop(0)
        also = [each for each in left if _refers(first, each) and _refers(each, first)]
        left = [each for each in left if each not in also]
        yield [first, *also]


def _refers(table: Table, other: Table) -> bool:
    return any(key.column.table is other for key in table.foreign_keys)


def _copy(source: Source, target: Connection, table: Table, counter: "_Counter") -> Digest:
    found = Digest()
    with closing(source.read(table)) as batches:
        for rows in batches:
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

    def restart(self) -> None:
        self._done = 0

    def advance(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done, self._total)
