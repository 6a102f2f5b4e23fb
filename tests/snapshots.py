"""What the tables of access held, moment by moment, and what the trail says of it afterwards."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from lms.db import db
from lms.ledger.trail import Until
from lms.models import AccessSource, AuditEntry, Enrollment, User
from lms.queries import past
from lms.queries.past import AsOf

Held = Mapping[tuple[int, int, str, int], tuple[Any, ...]]
"""When each source was granted and by whom, and since when the student was enrolled."""
_NAMES = select(User.id, User.name)


class Snapshots:
    """The tables as they were, by how far the trail went."""

    def __init__(self) -> None:
        self.kept: dict[Until, Held] = {}
        self._called: set[tuple[int, str]] = set()
        """All names that anybody has ever had."""

    def take(self, moment: datetime) -> None:
        """Keep what the tables hold at this moment."""
        latest = db.session.scalar(select(func.max(AuditEntry.id))) or 0
        self.kept[Until(moment, latest)] = _held()
        self._called |= {(row.id, row.name) for row in db.session.execute(_NAMES)}
        db.session.rollback()

    def assert_told(self, *, each: int = 1) -> None:
        """Compare what the trail says with each snapshot, or with every so many of them."""
        last_of_moment = {until.at: until for until in self.kept}
        names = {row.id: row.name for row in db.session.execute(_NAMES)}
        for until, held in list(self.kept.items())[::-each]:
            is_last = last_of_moment[until.at] == until
            told = dict(_told(Until(until.at) if is_last else until))
            expected = {}
            for source, (since, by, entered) in held.items():
                expected[source] = since, names.get(by), entered
                if by is not None and by not in names and source in told:
                    # Deleted since: the trail has a name of that time.
                    told_since, name, told_entered = told[source]
                    assert (by, name) in self._called
                    told[source] = told_since, None, told_entered
            assert not (told.items() ^ expected.items()), (until, told.items() ^ expected.items())
        db.session.rollback()


def _held() -> Held:
    entered = {
        (row.user_id, row.course_id): row.enrolled_at
        for row in db.session.execute(
            select(Enrollment.user_id, Enrollment.course_id, Enrollment.enrolled_at)
        )
    }
    source = AccessSource
    rows = db.session.execute(
        select(
            *(source.user_id, source.course_id, source.kind, source.reference),
            *(source.granted_at, source.granted_by),
        )
    )
    return {
        (row.user_id, row.course_id, row.kind, row.reference): (
            *(row.granted_at, row.granted_by),
            entered[row.user_id, row.course_id],
        )
        for row in rows
    }


def _told(until: Until) -> Held:
    """Return what the lists of all courses that ever were say."""
    ever = select(AuditEntry.course_id).where(AuditEntry.course_id.is_not(None)).distinct()
    moment = AsOf("then", "then", until)
    return {
        (row.student_id, row.course_id, row.kind, row.reference): (
            *(row.granted_at, row.granted_by),
            row.enrolled_at,
        )
        for course in filter(None, db.session.scalars(ever).all())
        for row in past.every_source("course", course, moment)
    }
