"""What students are told of repairs: only that they are in where they should have been before."""

from collections import defaultdict

from sqlalchemy import String, cast, literal, select
from sqlalchemy.orm import Session

from lms.enrollment.repair.changes import Change, Pair, of_pairs, table_of
from lms.enrollment.repair.repair import Step
from lms.messages.catalogue import ApprovalDelivered, PurchaseDelivered, RepairUndone
from lms.messages.notices import announce, announce_all
from lms.models import Course, Enrollment, SyncChange

_OWED: dict[str, type[ApprovalDelivered | PurchaseDelivered]] = {
    "approved_not_enrolled": ApprovalDelivered,
    "paid_not_enrolled": PurchaseDelivered,
}

_TOLD = {*_OWED, "payment_behind_stripe"}
"""Repairs of which students hear that they are in, here or from the verbs that do them."""


def tell_students(step: Step, changes: list[Change]) -> None:
    """Tell those who come in now that they do, and that it was owed to them."""
    message = _OWED.get(step.kind)
    if message is None:
        return
    pairs: dict[int, list[Pair]] = defaultdict(list)
    for change in changes:
        if _let_in(change.table, change.before) and change.pair is not None:
            pairs[change.pair[1]].append(change.pair)
    for course in step.session.scalars(select(Course).where(Course.id.in_(pairs))).all():
        key = literal("enrolled-") + cast(Enrollment.id, String)
        students = of_pairs(table_of(Enrollment), pairs[course.id])
        let_in = select(Enrollment.user_id, key).where(students)
        announce_all(step.session, message(course.id, course.title), let_in)


def tell_of_undoing(session: Session, changes: list[SyncChange]) -> None:
    """Tell those who had been told that they are in, and by the undoing no longer are."""
    for change in changes:
        row = change.after or {}
        if change.kind in _TOLD and _let_in(change.table_name, change.before):
            course = session.get_one(Course, row["course_id"])
            undone = RepairUndone(course.id, course.title)
            announce(session, undone, row["user_id"], key=f"undone-{change.id}")


def _let_in(table: str, before: object) -> bool:
    return table == Enrollment.__tablename__ and before is None
