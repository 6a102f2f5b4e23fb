"""The outcomes of an import: counts with reasons and examples."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select

from lms.importing.legacy.people import users
from lms.importing.legacy.questions import Question, parted
from lms.importing.legacy.raw import as_read, metadata
from lms.importing.legacy.reading import Reading
from lms.importing.legacy.source import OldSchool
from lms.queries.read_model import read_model

SAMPLES = 3
OUTCOMES = ("created", "merged", "repaired", "refused")


@read_model
class Reason:
    """Why rows had an outcome, how many, and some of them as they were read."""

    outcome: str
    reason: str
    topic: str
    """Of what nobody may miss: money, access, sign-in, not read; blank for the rest."""
    count: int
    sample: list[dict[str, str | None]]


@read_model
class TableReport:
    """A table: `created`, `merged`, `repaired` and `refused` add up to `read`."""

    table: str
    read: int
    created: int
    merged: int
    repaired: int
    refused: int
    reasons: list[Reason]


@read_model
class ImportReport:
    """What an import did, or would do."""

    address: str
    applied: bool
    read: int
    created: int
    merged: int
    repaired: int
    refused: int
    without_password: int
    """New accounts whose owners set a password by e-mail."""
    questions: list[Question]
    """What is left open; what needs an answer is not imported before there is one."""
    clocks: list[str]
    """Columns with times without a zone, and which zone they were taken to be in."""
    not_read: list[str]
    """Tables and columns that the portal does not read."""
    tables: list[TableReport]


def summarize(
    scratch: Connection,
    school: OldSchool,
    reading: Reading,
    questions: Sequence[Question],
    *,
    applied: bool,
) -> ImportReport:
    """Count what was decided."""
    names = dict.fromkeys(old.name for old in school.tables)
    tables = [_table(scratch, metadata.tables[name]) for name in names]
    totals = {name: sum(getattr(table, name) for table in tables) for name in ("read", *OUTCOMES)}
    without_password = select(func.count()).where(
        users.c.verdict.is_(None), users.c.password_hash == ""
    )
    return ImportReport(
        address=school.address,
        applied=applied,
        **totals,
        without_password=scratch.scalar(without_password) or 0,
        questions=list(questions),
        clocks=reading.clocks(),
        not_read=school.unread,
        tables=tables,
    )


def _table(scratch: Connection, table: Any) -> TableReport:
    outcome = case(
        (table.c.verdict.is_not(None), table.c.verdict),
        (table.c.repairs != "", "repaired"),
        else_="created",
    )
    why = case(
        (table.c.verdict.is_not(None), table.c.reason),
        else_=table.c.repairs,
    )
    counts = dict.fromkeys(OUTCOMES, 0)
    reasons: dict[tuple[str, str], tuple[int, list[int]]] = {}
    groups = scratch.execute(
        select(outcome.label("outcome"), why.label("why"), func.count().label("number"))
        .group_by(outcome, why)
        .order_by(outcome, why)
    ).all()
    for group in groups:
        counts[group.outcome] += group.number
        rows = list(
            scratch.scalars(
                select(table.c.row)
                .where(outcome == group.outcome, why == group.why)
                .order_by(table.c.row)
                .limit(SAMPLES)
            )
        )
        for reason in filter(None, group.why.split("\n")):
            number, sample = reasons.get((group.outcome, reason), (0, []))
            reasons[group.outcome, reason] = (
                number + group.number,
                sorted([*sample, *rows])[:SAMPLES],
            )
    order = {name: place for place, name in enumerate(OUTCOMES)}
    return TableReport(
        table=table.name,
        read=sum(counts.values()),
        **counts,
        reasons=[
            Reason(
                outcome=name,
                topic=parted(reason)[0],
                reason=parted(reason)[1],
                count=number,
                sample=_shown(scratch, table, rows),
            )
            for (name, reason), (number, rows) in sorted(
                reasons.items(),
                key=lambda item: (order[item[0][0]], -item[1][0], parted(item[0][1])[1]),
            )
        ],
    )


def _shown(scratch: Connection, table: Any, rows: list[int]) -> list[dict[str, str | None]]:
    return [as_read(scratch, table, row) for row in sorted(rows)]
