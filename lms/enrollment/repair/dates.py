"""Times that are none: nobody knows them any more, so they become unknown, or the present."""

from sqlalchemy import update

from lms.db import UtcDateTime, now, unreadable
from lms.enrollment.repair.changes import table_of
from lms.enrollment.repair.repair import Repair, Step
from lms.models import (
    AccessRequest,
    AccessSource,
    Certificate,
    ChapterCompletion,
    Course,
    Enrollment,
    Notice,
    Payment,
    SignIn,
    StudentProgress,
    User,
)

_TOLD_BY_COMPLETIONS = {("enrollments", "completed_at"), ("student_progress", "last_activity_at")}


def _date_anew(step: Step) -> None:
    table = table_of(step.model)
    for column in table.columns:
        if isinstance(column.type, UtcDateTime):
            # Any other time says that something has happened: empty, it would say the contrary.
            is_told = (table.name, column.name) in _TOLD_BY_COMPLETIONS
            step.run(
                update(table)
                .where(table.c.id.in_(step.ids), unreadable(column))
                .values({column.name: None if is_told else now()})
            )


REPAIRS = {
    ("unreadable_date", model.__tablename__): Repair(_date_anew)
    for model in (
        AccessRequest,
        AccessSource,
        Certificate,
        ChapterCompletion,
        Course,
        Enrollment,
        Notice,
        Payment,
        SignIn,
        StudentProgress,
        User,
    )
}
