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


class Snapshots:
    """The tables as they were, by how far the trail went."""

    def __init__(self) -> None:
        self.kept: dict[Until, Held] = {}

    def take(self, moment: datetime) -> None:
        """Keep what the tables hold at this moment."""
        latest = db.session.scalar(select(func.max(AuditEntry.id))) or 0
        self.kept[Until(moment, latest)] = _held()
        db.session.rollback()

    def assert_told(self, *, each: int = 1) -> None:
        """Compare what the trail says with each snapshot, or with every so many of them."""
        last_of_moment = {until.at: until for until in self.kept}
        names = {row.id: row.name for row in db.session.scalars(select(User))}
        for until, held in list(self.kept.items())[::-each]:
            # Whoever gave it may have been renamed since; or deleted, then it is the name of then.
            expected = {
                source: (since, names.get(by, gave), entered)
                for source, (since, by, gave, entered) in held.items()
            }
            is_last = last_of_moment[until.at] == until
            told = _told(Until(until.at) if is_last else until)
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
            *(source.granted_at, source.granted_by, User.name),
        ).outerjoin(User, User.id == source.granted_by)
    )
    return {
        (row.user_id, row.course_id, row.kind, row.reference): (
            *(row.granted_at, row.granted_by, row.name),
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
