"""What a rule does to staged rows: refuse, merge or repair them, in one statement each."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    String,
    Table,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from lms.importing.legacy.raw import metadata
from lms.importing.legacy.staging import batches, index
from lms.importing.legacy.values import Row
from lms.importing.present import AT_ONCE, parts

_keys = Table(
    "keys",
    metadata,
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("winner", Integer),  # none where what has this id was refused
    Column("is_ambiguous", Boolean),
)


def comes_in(table: FromClause) -> ColumnElement[bool]:
    """Return whether a row was imported: created, or merged into another."""
    return or_(table.c.verdict.is_(None), table.c.verdict == "merged")


def refuse(scratch: Connection, table: Table, reason: str, *where: Any) -> None:
    """Refuse rows that have no verdict yet."""
    change(scratch, table, *where, verdict="refused", reason=reason)


def merge(scratch: Connection, table: Table, reason: str, *where: Any) -> None:
    """Let rows go into others that say the same, or more."""
    change(scratch, table, *where, verdict="merged", reason=reason)


def repair(scratch: Connection, table: Table, reason: str, *where: Any, **values: Any) -> None:
    """Repair rows that are imported, and record how."""
    noted = case((table.c.repairs == "", reason), else_=table.c.repairs + "\n" + reason)
    change(scratch, table, *where, repairs=noted, **values)


def change(scratch: Connection, table: Table, *where: Any, **values: Any) -> None:
    """Change values of rows that are imported, without reporting it."""
    scratch.execute(update(table).where(table.c.verdict.is_(None), *where).values(values))


def judge(
    scratch: Connection,
    table: Table,
    by: Callable[[Sequence[Any]], Iterable[Row]],
    *where: Any,
    also: Sequence[Any] = (),
    size: int = AT_ONCE,
) -> None:
    """Let `by` decide, in batches, about the rows that have no verdict yet."""
    undecided = (table.c.verdict.is_(None), *where)
    for rows in batches(scratch, table, *undecided, also=also, size=size):
        put(scratch, table, list(by(rows)))


def put(scratch: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write values into staged rows, each found by its `row`."""
    if not rows:
        return
    names = [name for name in rows[0] if name != "row"]
    statement = update(table).where(table.c.row == bindparam("b_row"))
    statement = statement.values({name: bindparam(f"b_{name}") for name in names})
    scratch.execute(statement, [{f"b_{key}": value for key, value in row.items()} for row in rows])


def elect(table: Table, partition: Sequence[Any], *where: Any, order: Sequence[Any] = ()) -> Any:
    """Return for each row the first one with the same columns: `row`, `first`."""
    first = func.first_value(table.c.row).over(
        partition_by=list(partition), order_by=[*order, table.c.row]
    )
    return (
        select(table.c.row, first.label("first")).where(table.c.verdict.is_(None), *where)
    ).subquery()


def merge_all_but_first(
    scratch: Connection,
    table: Table,
    reason: str,
    partition: Sequence[Any],
    *where: Any,
    order: Sequence[Any] = (),
) -> None:
    """Merge duplicates into the first of them; what others refer to remembers which that is."""
    elected = elect(table, partition, *where, order=order)
    if "winner" not in table.c:
        others = select(elected.c.row).where(elected.c.row != elected.c.first)
        merge(scratch, table, reason, table.c.row.in_(others))
        return
    scratch.execute(
        update(table).where(table.c.row == elected.c.row).values(winner=elected.c.first)
    )
    merge(scratch, table, reason, table.c.row != table.c.winner)


def set_origins(scratch: Connection, table: Table) -> None:
    """Say what each row is remembered by: its old id, or where that is not its own, all of it."""
    number = func.count().over(partition_by=[table.c.key])
    unique = (
        select(table.c.row, number.label("number"))
        .where(table.c.verdict.is_(None), table.c.key.is_not(None))
        .subquery()
    )
    own_key = table.c.row.in_(select(unique.c.row).where(unique.c.number == 1))
    change(scratch, table, origin=case((own_key, table.c.key), else_=table.c.natural))


def index_keys(scratch: Connection, table: Table) -> None:
    """Note which row stands for an old id, for those that refer to it.

    An id that stands for two different things stands for none: nobody may get what is another's.
    """
    first = table.alias("first")
    refused = table.alias("refused")
    # Rows merged into a refused row are refused too.
    scratch.execute(
        update(table)
        .where(
            table.c.row != table.c.winner,
            exists().where(refused.c.row == table.c.winner, refused.c.verdict == "refused"),
        )
        .values(
            verdict="refused",
            reason=select(first.c.reason).where(first.c.row == table.c.winner).scalar_subquery(),
        )
    )
    usable = case((table.c.verdict == "refused", None), else_=table.c.winner)
    known = func.coalesce(usable, 0)
    scratch.execute(
        insert(_keys).from_select(
            ["kind", "key", "winner", "is_ambiguous"],
            select(
                literal(table.name),
                table.c.key,
                func.max(usable),
                func.min(known) != func.max(known),
            )
            .where(table.c.key.is_not(None))
            .group_by(table.c.key),
        )
    )


def rows_of_keys(scratch: Connection, table: Table, keys: Collection[str]) -> dict[str, int | None]:
    """Return the rows that stand for these old ids; none where two could be meant."""
    found: dict[str, int | None] = {}
    for part in parts(sorted(keys)):
        rows = scratch.execute(
            select(_keys.c.key, _keys.c.winner).where(
                _keys.c.kind == table.name, _keys.c.key.in_(part), ~_keys.c.is_ambiguous
            )
        )
        found |= {row.key: row.winner for row in rows}
    return found


def refer(scratch: Connection, table: Table) -> None:
    """Find the rows that references mean: `user_key` becomes `user_row`."""
    winners = {
        f"{other}_row": select(_keys.c.winner)
        .where(_means(table, other, meant), ~_keys.c.is_ambiguous)
        .scalar_subquery()
        for other, meant in table.info["refers_to"].items()
    }
    scratch.execute(update(table).values(winners))
    index(scratch, table, *winners)  # not before: rows that change cost twice as much with it


def refer_or_refuse(scratch: Connection, table: Table) -> None:
    """Find what references mean; refuse rows where it is nothing, two things, or refused itself."""
    refer(scratch, table)
    for other, meant in table.info["refers_to"].items():
        key, row = table.c[f"{other}_key"], table.c[f"{other}_row"]
        noun = "student" if other == "user" else other
        found = _means(table, other, meant)
        refuse(scratch, table, f"it refers to no {noun}", key.is_(None))
        refuse(scratch, table, f"its {noun} does not exist", row.is_(None), ~exists().where(found))
        refuse(
            scratch,
            table,
            f"two different {noun}s have the id it refers to",
            exists().where(found, _keys.c.is_ambiguous),
        )
        refuse(scratch, table, f"its {noun} was refused", row.is_(None))


def _means(table: Table, other: str, meant: Table) -> ColumnElement[bool]:
    return (_keys.c.kind == meant.name) & (_keys.c.key == table.c[f"{other}_key"])
