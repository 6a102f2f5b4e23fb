"""The sums in daily and current counts: triggers keep them, and only this module corrects them."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    delete,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from lms import schema
from lms.ledger.truth import Counts, keys, truth
from lms.models import SCHOOL, CurrentCount, DailyCount
from lms.upsert import insert

_FOLDING = 7233004
"""Two that fold at once would wait for each other's rows."""


def differences(model: Counts) -> Select[Any]:
    """Select the sums that are not what the rows say: their keys, `expected` and `actual`.

    In one statement, hence of one moment: whatever others change meanwhile is in both or in none.
    """
    true = truth(model).cte("truth")
    names = [key.name for key in keys(model)]
    others = [true.c[name] for name in names[1:]]
    both = union_all(
        select(*(true.c[name] for name in names), true.c.number.label("expected"), _none("actual")),
        select(literal(SCHOOL, Integer), *others, true.c.number, _none("actual")),
        select(*keys(model), _none("expected"), model.value),
    ).subquery()
    wanted = [both.c[name] for name in names]
    expected, actual = func.sum(both.c.expected), func.sum(both.c.actual)
    return (
        select(*wanted, expected.label("expected"), actual.label("actual"))
        .where(*(key.is_not(None) for key in wanted))
        .group_by(*wanted)
        .having(expected != actual)
    )


def recount(session: Session, model: Counts, courses: Collection[int] | None = None) -> None:
    """Add to the sums what is missing from them, of some courses or of all.

    Writers need not wait: it adds a difference, and to a row of this transaction's own.
    """
    wrong = differences(model).subquery()
    missing = select(
        *(wrong.c[key.name] for key in keys(model)),
        literal_column(_own_shard(session)),
        wrong.c.expected - wrong.c.actual,
    ).where(wrong.c.course_id.in_(courses) if courses is not None else literal_column("1 = 1"))
    session.execute(_adding(model, missing))


@contextmanager
def counting_once(session: Session) -> Iterator[None]:
    """Let a change of very many rows be counted at its end, in the same transaction.

    On SQLite, whose triggers count row by row and nobody else writes; PostgreSQL's count what a
    statement has done as a whole.
    """
    if session.get_bind().dialect.name != "sqlite":
        yield
        return
    models = (DailyCount, CurrentCount)
    sums = [model.__tablename__ for model in models]
    taken = schema.take_triggers(session.connection(), writing_to=sums)
    yield
    session.flush()
    schema.restore_triggers(session.connection(), taken)
    for model in models:
        recount(session, model)


def fold(session: Session) -> None:
    """Add up in one row each what ended transactions have added to the sums on PostgreSQL.

    Nobody waits: rows of other transactions are seen only once these have ended.
    """
    if session.get_bind().dialect.name == "sqlite":
        return  # its one writer adds to the one row
    session.execute(select(func.pg_advisory_xact_lock(_FOLDING)))
    for model in (DailyCount, CurrentCount):
        gone = (
            delete(model).where(model.shard != 0).returning(*keys(model), model.value).cte("gone")
        )
        wanted = [gone.c[key.name] for key in keys(model)]
        sums = select(*wanted, literal(0), func.sum(gone.c.value)).group_by(*wanted)
        session.execute(_adding(model, sums))


def _adding(model: Counts, sums: Select[Any]) -> Any:
    statement = insert(model).from_select(
        [*(key.name for key in keys(model)), "shard", "value"], sums
    )
    return statement.on_conflict_do_update(
        index_elements=[*keys(model), model.shard],
        set_={"value": model.value + statement.excluded.value},
    )


def _own_shard(session: Session) -> str:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return "0" if is_sqlite else "pg_current_xact_id()::text::bigint"


def _none(name: str) -> ColumnElement[int]:
    return literal(0, BigInteger).label(name)
