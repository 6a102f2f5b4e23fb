"""Many rows and many of Stripe's objects, a bounded number at a time and in few calls."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol, TypeVar

from sqlalchemy import Row, literal, tuple_

from lms.db import db
from lms.ledger.facts import DisputeFact, RefundFact, SessionFact

CHUNK = 500
"""So many rows are in memory at a time."""
_WORTH_A_LIST = 4
_ROWS_PER_CALL = 2
"""A list is read on while that takes at most half of the calls of asking for each one."""
_MARGIN = timedelta(minutes=10)
"""By which Stripe's clock, and the time that opening took, may differ from ours."""

F = TypeVar("F", SessionFact, RefundFact, DisputeFact)


class Listing(Protocol[F]):
    """Lists what Stripe made in a time, a page at a time, the latest first."""

    def __call__(self, *, since: datetime, until: datetime | None = None) -> Iterator[list[F]]: ...


def read_rows(statement: Any) -> list[Row[Any]]:
    """Read rows without a snapshot behind which the verbs that follow would wait."""
    rows = list(db.session.execute(statement))
    db.session.rollback()
    return rows


def chunks(statement: Any, *keys: Any) -> Iterator[list[Row[Any]]]:
    """Yield the rows of a statement, ordered by keys that it selects; some may change meanwhile."""
    statement = statement.order_by(*keys).limit(CHUNK)
    rows = read_rows(statement)
    while rows:
        yield rows
        if len(rows) < CHUNK:
            return
        last = [literal(getattr(rows[-1], key.key), key.type) for key in keys]
        rows = read_rows(statement.where(tuple_(*keys) > tuple_(*last)))


def listed_facts(made: Mapping[str, datetime], listing: Listing[F]) -> dict[str, F]:
    """Return by id what lists say of objects made at these times.

    Those that few pages don't contain are left out, and have to be asked for one by one.
    """
    if len(made) < _WORTH_A_LIST:
        return {}
    found: dict[str, F] = {}
    pages = listing(since=min(made.values()) - _MARGIN, until=max(made.values()) + _MARGIN)
    for page in islice(pages, max(1, len(made) // _ROWS_PER_CALL)):
        found |= {fact.id: fact for fact in page if fact.id in made}
        if len(found) == len(made):
            break
    return found
