"""A running import: its scratch database, the portal, and what earlier imports created."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.enrollment.people import Invite
from lms.importing.legacy.raw import metadata
from lms.importing.legacy.rules import judge, put
from lms.importing.legacy.staging import batches, lines, located
from lms.importing.legacy.values import Row
from lms.importing.present import AT_ONCE, PAIRS_AT_ONCE, Pair
from lms.ledger.erasing import digest
from lms.models import Chapter, Course, ImportOrigin, ImportSchool
from lms.upsert import insert_carried

DELETED = "imported before, and since deleted here"
Verdicts = dict[Pair, tuple[str, str]]
"""Verdict and reason of each pair that is not imported."""
_COMPARED = ("users", "courses")


@dataclass
class Job:
    """One import: rules are for `scratch`, what is here already is read from `session`."""

    session: Session
    scratch: Connection
    address: str
    advance: Callable[[int], None] = lambda _number: None
    """Takes the number of rows that were written."""
    invite: Invite | None = None
    """Makes the links for people whose password can't be taken over."""
    school_id: int | None = None
    """Which of the old schools that were imported before this is."""
    moment: datetime = field(default_factory=now)
    finishes: int = 0
    """How many rows of an earlier import can be completed now."""

    def known(self, table: str, keys: Collection[str]) -> dict[str, int | None]:
        """Return what old rows of this school became at an earlier import."""
        if self.school_id is None:
            return {}
        # Of people who have been erased, only a digest of the address is left.
        kept_as = {digest(key): key for key in keys} if table == "users" else {}
        rows = self.session.execute(
            select(ImportOrigin.key, ImportOrigin.row_id).where(
                ImportOrigin.school_id == self.school_id,
                ImportOrigin.table_name == table,
                ImportOrigin.key.in_([*keys, *kept_as]),
            )
        )
        return {kept_as.get(row.key, row.key): row.row_id for row in rows}

    def merge_known(self, table: Table, model: type[Course | Chapter] | None = None) -> None:
        """Let go what came at an earlier import; refuse what was deleted from `model` since."""

        def by(rows: Sequence[Any]) -> Iterator[Row]:
            known = self.known(table.name, [row.origin for row in rows])
            ids = [found for found in known.values() if found is not None]
            here = (
                set(self.session.scalars(select(model.id).where(model.id.in_(ids))))
                if model
                else ids
            )
            for row in rows:
                if row.origin not in known:
                    continue
                target = known[row.origin]
                is_gone = model is not None and target not in here
                yield {
                    "row": row.row,
                    "target": None if is_gone else target,
                    "verdict": "refused" if is_gone else "merged",
                    "reason": DELETED if is_gone else "already imported",
                }

        judge(self.scratch, table, by)

    def judge_pairs(self, table: Table, by: Callable[[set[Pair]], Verdicts], *where: Any) -> None:
        """Let `by` decide about rows whose references both exist here already."""
        ids = located(table)

        def by_row(rows: Sequence[Any]) -> Iterator[Row]:
            pair_of = {row.row: (row[-2], row[-1]) for row in rows}
            verdicts = by(set(pair_of.values()))
            for row, pair in pair_of.items():
                if pair in verdicts:
                    verdict, reason = verdicts[pair]
                    yield {"row": row, "verdict": verdict, "reason": reason}

        are_here = (each.is_not(None) for each in ids)
        judge(self.scratch, table, by_row, *where, *are_here, also=ids, size=PAIRS_AT_ONCE)

    def known_pairs(self, table: str, pairs: Collection[Pair]) -> set[Pair]:
        """Return which of the pairs of ids came at an earlier import."""
        known = self.known(table, [_pair_key(pair) for pair in pairs])
        return {pair for pair in pairs if _pair_key(pair) in known}

    def coming(self, table: Table, *where: Any, also: Sequence[Any] = ()) -> Iterator[list[Any]]:
        """Read the old rows, and count them."""
        for rows in batches(self.scratch, table, table.c.verdict.is_(None), *where, also=also):
            yield rows
            self.advance(len(rows))

    def lines(self, table: Table, *columns: Any) -> Iterator[list[Sequence[Any]]]:
        """Read columns of what comes in, as they are stored, and count the rows."""
        for rows in lines(self.scratch, table, columns, table.c.verdict.is_(None)):
            yield rows
            self.advance(len(rows))

    def settle(self, table: Table, rows: Sequence[Any], ids: Sequence[int]) -> None:
        """Note the ids of new rows, for those that refer to them and for the next import."""
        both = list(zip(rows, ids, strict=True))
        put(self.scratch, table, [{"row": row.row, "target": each} for row, each in both])
        self.remember(table.name, [(row.origin, row.label, each) for row, each in both])

    def remember(self, table: str, origins: Iterable[tuple[str, str, int | None]]) -> None:
        """Remember old rows for good: a key, a label, and the id here."""
        insert_carried(
            self.session,
            ImportOrigin,
            ("key", "label", "row_id"),
            ((key, label[:255], row_id) for key, label, row_id in origins),
            school_id=self.school_id,
            table_name=table,
        )

    def forget(self, table: str, keys: Sequence[str]) -> None:
        """Forget what was remembered of this school under these keys."""
        self.session.execute(
            delete(ImportOrigin).where(
                ImportOrigin.school_id == self.school_id,
                ImportOrigin.table_name == table,
                ImportOrigin.key.in_(keys),
            )
        )

    def remember_pairs(self, table: str, pairs: Iterable[Sequence[int]]) -> None:
        """Remember for good what is known by two ids here, the first of each row."""
        self.remember(table, ((_pair_key(pair), "", None) for pair in pairs))


def recognize(job: Job) -> None:
    """Find the school by the people and courses in it.

    Most of the people, and most of the courses, must be the same under the same old ids: an address
    alone proves nothing, since files are replaced and moved.
    """
    same = _same(job)
    known = {
        (row.school_id, row.table_name): row.number
        for row in job.session.execute(
            select(ImportOrigin.school_id, ImportOrigin.table_name, func.count().label("number"))
            .where(ImportOrigin.table_name.in_(_COMPARED))
            .group_by(ImportOrigin.school_id, ImportOrigin.table_name)
        )
    }
    staged = {
        name: job.scratch.scalar(
            select(func.count()).select_from(metadata.tables[name]).where(_stands_for_all(name))
        )
        or 0
        for name in _COMPARED
    }
    schools = job.session.execute(select(ImportSchool.id, ImportSchool.address)).all()
    for school in sorted(schools, key=lambda each: (each.address != job.address, each.id)):
        scores = [
            (same[school.id, name], min(known.get((school.id, name), 0), staged[name]))
            for name in _COMPARED
        ]
        compared = [(number, of) for number, of in scores if of]
        if (
            compared
            and all(2 * number >= of for number, of in compared)
            and any(2 * number > of for number, of in compared)
        ):
            job.school_id = int(school.id)
            return


def _same(job: Job) -> Counter[tuple[int, str]]:
    """Count the rows that have the same key and label there, by known school and table."""
    counts: Counter[tuple[int, str]] = Counter()
    for name in _COMPARED:
        for rows in batches(
            job.scratch, metadata.tables[name], _stands_for_all(name), size=AT_ONCE
        ):
            labels = {row.origin: row.label for row in rows}
            found = job.session.execute(
                select(ImportOrigin.school_id, ImportOrigin.key, ImportOrigin.label).where(
                    ImportOrigin.table_name == name, ImportOrigin.key.in_(labels)
                )
            )
            counts.update((row.school_id, name) for row in found if labels[row.key] == row.label)
    return counts


def _stands_for_all(name: str) -> ColumnElement[bool]:
    table = metadata.tables[name]
    return table.c.row == table.c.winner


def _pair_key(pair: Sequence[int]) -> str:
    return f"{pair[0]}/{pair[1]}"
