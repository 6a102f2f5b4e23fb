"""Days that are not the school's: of a zone that it has left, or of clocks that go otherwise now.

After a restore, a change of the environment or of the rules of a zone, until the worker follows.
"""

from typing import Any

from sqlalchemy import Integer, Select, String, bindparam, cast, exists, func, literal, null, select

from lms import school
from lms.db import UtcDateTime, db
from lms.ledger import clocks
from lms.models import SCHOOL, ClockChange
from lms.rows import Rows, as_table
from lms.sync.kind import Check, Kind, Phase, Step
from lms.times import UTC_NAME


def _others() -> Select[Any]:
    """Find, as one violation of the school, that clocks are not kept as they are known to go."""
    expected = as_table(
        bindparam("clocks", type_=Rows(), callable_=_expected),
        begins_at=UtcDateTime(),
        ahead_seconds=Integer(),
        zone=String(),
    )
    columns = ClockChange.__table__.columns
    is_same = [expected.c[column.name] == column for column in columns]
    lacking = exists().select_from(expected).where(~exists(ClockChange.begins_at).where(*is_same))
    found = exists(ClockChange.begins_at).where(
        ~exists().select_from(expected).where(*is_same).correlate(ClockChange)
    )
    return select(
        literal(SCHOOL, Integer).label("row_id"),
        null().label("student_id"),
        null().label("course_id"),
        _days_of(select(func.max(expected.c.zone))).label("expected"),
        _days_of(select(func.max(ClockChange.zone))).label("actual"),
        cast(null(), String).label("attention"),
    ).where(lacking | found)


def _days_of(zone: Select[Any]) -> Any:
    return literal("days in ", String) + func.coalesce(zone.scalar_subquery(), UTC_NAME)


def _expected() -> clocks.Changes:
    """Look up how the clocks of the school's zone go, whenever the statement runs.

    Within a repair nobody reads here: what was seen must not stay for those who will.
    """
    session = db.session()
    is_read = session.in_transaction()
    try:
        return clocks.changes_of(school.of(session).time_zone)
    finally:
        if not is_read:
            session.rollback()


def _follow(step: Step) -> None:
    clocks.count_anew(step.session)  # even where what is kept reads like what should be


KINDS = (
    Kind(
        "clocks_drift",
        "Figures counted in another time zone",
        "The figures are recounted in the school's time zone. No recorded time changes.",
        Phase.COUNTS,
        (Check(ClockChange, _others, _follow, is_derived=True),),
    ),
)
