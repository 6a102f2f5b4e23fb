"""What a rule does to staged rows: refuse, merge or repair them, in one statement each."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
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

from lms.importing.legacy.staging import BATCH, keys


def refuse(scratch: Connection, table: Table, reason: str, *where: Any) -> None:
    """Leave rows out that nothing speaks against yet."""
    scratch.execute(
        update(table)
        .where(table.c.verdict.is_(None), *where)
        .values(verdict="refused", reason=reason)
    )


def merge(scratch: Connection, table: Table, reason: str, *where: Any) -> None:
    """Let rows go into others that say the same, or more."""
    scratch.execute(
        update(table)
        .where(table.c.verdict.is_(None), *where)
        .values(verdict="merged", reason=reason)
    )


def repair(scratch: Connection, table: Table, reason: str, *where: Any, **values: Any) -> None:
    """Note what had to be put right in rows that come in, and put it right."""
    noted = case((table.c.repairs == "", reason), else_=table.c.repairs + "\n" + reason)
    scratch.execute(
        update(table).where(table.c.verdict.is_(None), *where).values(repairs=noted, **values)
    )


def elect(table: Table, partition: Sequence[Any], *where: Any, order: Sequence[Any] = ()) -> Any:
    """Return for each row the one that stands for all with the same columns: `row`, `first`."""
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
    """Merge duplicates into the first of them."""
    elected = elect(table, partition, *where, order=order)
    others = select(elected.c.row).where(elected.c.row != elected.c.first)
    merge(scratch, table, reason, table.c.row.in_(others))


def set_winners(scratch: Connection, table: Table, reason: str, partition: Sequence[Any]) -> None:
    """Merge duplicates into the first of them, and remember in each which that is."""
    elected = elect(table, partition)
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
    scratch.execute(
        update(table)
        .where(table.c.verdict.is_(None))
        .values(origin=case((own_key, table.c.key), else_=table.c.natural))
    )


def index_keys(scratch: Connection, table: Table) -> None:
    """Tell which row stands for an old id, for those that refer to it.

    An id that stands for two different things stands for none: nobody may get what is another's.
    """
    first = table.alias("first")
    refused = table.alias("refused")
    # What was merged into a row that is then refused goes with it.
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
        insert(keys).from_select(
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


def refer(scratch: Connection, table: Table, kind: str, column: str) -> None:
    """Find the row that a reference means: `user_key` becomes `user_row`."""
    meant = (
        select(keys.c.winner)
        .where(keys.c.kind == kind, keys.c.key == table.c[f"{column}_key"], ~keys.c.is_ambiguous)
        .scalar_subquery()
    )
    scratch.execute(update(table).values({f"{column}_row": meant}))


def refuse_dangling(scratch: Connection, table: Table, kind: str, column: str, noun: str) -> None:
    """Refuse rows whose reference means nothing, two things, or what was refused itself."""
    key = table.c[f"{column}_key"]
    row = table.c[f"{column}_row"]
    found = exists().where(keys.c.kind == kind, keys.c.key == key)
    ambiguous = exists().where(keys.c.kind == kind, keys.c.key == key, keys.c.is_ambiguous)
    refuse(scratch, table, f"it names no {noun}", key.is_(None))
    refuse(scratch, table, f"its {noun} does not exist", row.is_(None), ~found)
    refuse(scratch, table, f"two different {noun}s have the id that it names", ambiguous)
    refuse(scratch, table, f"its {noun} was refused", row.is_(None))


def put(
    scratch: Connection, table: Table, rows: Sequence[dict[str, Any]], where: Any = None
) -> None:
    """Write values into staged rows, each found by its `row`."""
    if not rows:
        return
    names = [name for name in rows[0] if name != "row"]
    statement = update(table).where(table.c.row == bindparam("b_row"))
    if where is not None:
        statement = statement.where(where)
    statement = statement.values({name: bindparam(f"b_{name}") for name in names})
    scratch.execute(statement, [{f"b_{key}": value for key, value in row.items()} for row in rows])


def chunks(items: Sequence[Any], size: int = BATCH // 2) -> Iterator[Sequence[Any]]:
    """Cut a list into parts that one statement can name."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def comes_in(table: Any) -> ColumnElement[bool]:
    """Return whether a row was not refused: it is here now, by itself or in another."""
    return or_(table.c.verdict.is_(None), table.c.verdict == "merged")
