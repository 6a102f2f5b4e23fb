"""Days, or months to come, that are not the school's: of a zone that it has left, or of old clocks.

After a restore, a change of the environment or of the rules of a zone, until the worker follows.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from sqlalchemy import Integer, Select, String, bindparam, cast, exists, func, literal, null, select
from sqlalchemy.orm import Session

from lms.db import UtcDateTime, db
from lms.ledger import clocks
from lms.ledger.book_clocks import Change, wanted_clocks
from lms.ledger.fact_rows import lock_facts
from lms.models import SCHOOL, BookClock, ClockChange
from lms.rows import Rows, as_table
from lms.sync.kind import Check, Kind, Phase, Step
from lms.times import UTC_NAME


def _other_days() -> Select[Any]:
    """Find, as one violation of the school, that clocks are not kept as they are known to go."""
    return _others(ClockChange, _clocks, "days in ")


def _other_months() -> Select[Any]:
    """Find that the books would not go by them from the next month on."""
    return _others(BookClock, _book_clocks, "months in ")


def _others(
    model: type[ClockChange | BookClock],
    wanted: Callable[[Session], Iterable[Change]],
    about: str,
) -> Select[Any]:
    expected = as_table(
        bindparam(model.__tablename__, type_=Rows(), callable_=partial(_expected, wanted)),
        begins_at=UtcDateTime(),
        ahead_seconds=Integer(),
        zone=String(),
    )
    columns = model.__table__.columns
    is_same = [expected.c[column.name] == column for column in columns]
    lacking = exists().select_from(expected).where(~exists(model.begins_at).where(*is_same))
    found = exists(model.begins_at).where(
        ~exists().select_from(expected).where(*is_same).correlate(model)
    )
    return select(
        literal(SCHOOL, Integer).label("row_id"),
        null().label("student_id"),
        null().label("course_id"),
        _by(expected.c, about).label("expected"),
        _by(columns, about).label("actual"),
        cast(null(), String).label("attention"),
    ).where(lacking | found)


def _by(clocks: Any, about: str) -> Any:
    last = select(clocks.zone).order_by(clocks.begins_at.desc()).limit(1).scalar_subquery()
    return literal(about, String) + func.coalesce(last, UTC_NAME)


def _expected(wanted: Callable[[Session], Iterable[Change]]) -> tuple[Change, ...]:
    """Look up how clocks should go, whenever the statement runs.

    Within a repair nobody reads here: what was seen must not stay for those who will.
    """
    session = db.session()
    is_read = session.in_transaction()
    try:
        return tuple(wanted(session))
    finally:
        if not is_read:
            session.rollback()


def _clocks(session: Session) -> Iterable[Change]:
    return clocks.changes_of(clocks.days_zone(session))


def _book_clocks(session: Session) -> Iterable[Change]:
    zone = clocks.books_zone(session)
    return wanted_clocks(session, zone, clocks.changes_of(zone)).changes


def _follow(step: Step) -> None:
    clocks.count_anew(step.session)  # even where what is kept reads like what should be


def _follow_in_books(step: Step) -> None:
    clocks.follow_in_books_anew(step.session)


KINDS = (
    Kind(
        "clocks_drift",
        "Figures or books kept in another time zone",
        "The figures are recounted in the school's time zone, and the books switch to it at the"
        " start of the next month. No recorded time changes.",
        Phase.COUNTS,
        (
            # Before what the books lack is booked, by which they have gone so far.
            Check(BookClock, _other_months, _follow_in_books, phase=Phase.VALUES, is_derived=True),
            Check(ClockChange, _other_days, _follow, is_derived=True),
        ),
        lock=lock_facts,
    ),
)
