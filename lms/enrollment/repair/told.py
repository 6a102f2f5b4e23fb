"""What students are told of repairs: only that they are in where they should have been before."""

from typing import Any

from sqlalchemy import String, cast, literal, select
from sqlalchemy.orm import Session

from lms.enrollment.notices import News, announce, announce_all
from lms.enrollment.repair.changes import Change, Pair, of_pairs, table_of
from lms.enrollment.repair.repair import Step
from lms.models import Enrollment, NoticeKind, SyncChange

_OWED: dict[str, tuple[NoticeKind, str]] = {
    "approved_not_enrolled": ("approved", "Your request had been approved"),
    "paid_not_enrolled": ("paid", "You had paid for it"),
}

_TOLD = {*_OWED, "payment_behind_stripe"}
"""Repairs of which students hear that they are in, here or from the verbs that do them."""


def tell_students(step: Step, changes: list[Change]) -> None:
    """Tell those who come in now that they do, and that it was owed to them."""
    pairs = [change.pair for change in changes if _let_in(change.table, change.before)]
    if step.kind not in _OWED or not (known := [pair for pair in pairs if pair is not None]):
        return
    kind, why = _OWED[step.kind]
    news = News(
        kind,
        "You are in: {course}",
        f"{why}, but the course did not open for you. It does now.",
    )
    announce_all(step.session, news, _enrollments(known))


def tell_of_undoing(session: Session, changes: list[SyncChange]) -> None:
    """Tell those who had been told that they are in, and by the undoing no longer are."""
    for change in changes:
        row = change.after or {}
        if change.kind in _TOLD and _let_in(change.table_name, change.before):
            news = News(
                "unenrolled",
                "Your access to {course} has ended",
                "An admin has taken back the repair that had opened it.",
            )
            key = f"undone-{change.id}"
            announce(session, news, row["user_id"], row["course_id"], key=key)


def _let_in(table: str, before: object) -> bool:
    return table == Enrollment.__tablename__ and before is None


def _enrollments(pairs: list[Pair]) -> Any:
    return select(
        Enrollment.user_id,
        Enrollment.course_id,
        literal("enrolled-") + cast(Enrollment.id, String),
    ).where(of_pairs(table_of(Enrollment), pairs))
