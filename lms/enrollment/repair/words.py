"""Statuses and e-mail addresses, stored as they should be."""

from sqlalchemy import update

from lms.enrollment.repair.changes import table_of
from lms.enrollment.repair.repair import Repair, Step
from lms.models import AccessRequest, Course, Payment, User


def _normalize_status(step: Step) -> None:
    for expected, ids in step.by_expected().items():
        table = table_of(step.model)
        step.run(update(table).where(table.c.id.in_(ids)).values(status=expected))
    for row in step.found:
        if row.actual.strip().lower() != row.expected:
            step.ask(
                row,
                f"The status was '{row.actual[:80]}', which nobody knows; it is now"
                f" '{row.expected}'. Set the right one.",
            )


def _normalize_email(step: Step) -> None:
    for row in step.found:
        step.run(update(User).where(User.id == row.row_id).values(email=row.expected))


REPAIRS = {
    ("status_not_normalized", Course.__tablename__): Repair(_normalize_status),
    ("status_not_normalized", Payment.__tablename__): Repair(_normalize_status),
    ("status_not_normalized", AccessRequest.__tablename__): Repair(_normalize_status),
    ("email_not_normalized", User.__tablename__): Repair(_normalize_email),
}
