"""Access that was owed and not given, given and no longer owed, or given without a reason."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import case, delete, exists, func, insert, literal, select, update
from sqlalchemy.orm import aliased

from lms.db import now
from lms.enrollment.repair.changes import Pair, of_pairs, table_of
from lms.enrollment.repair.learning import existing, insert_mirrors
from lms.enrollment.repair.repair import Found, Repair, Step
from lms.models import (
    VISIBLE_STATUSES,
    AccessRequest,
    AccessSource,
    AccessWaiver,
    Course,
    Decision,
    Enrollment,
    Payment,
    SourceKind,
    StudentProgress,
    User,
    last_completion,
    share_completed,
    stands,
)
from lms.models.payment_status import GIVING_ACCESS
from lms.upsert import insert as upsert

_SOURCES = table_of(AccessSource)


class Source(NamedTuple):
    """A reason for access that a repair adds."""

    pair: Pair
    kind: SourceKind
    reference: int = 0


def enroll_pairs(step: Step, pairs: list[Pair]) -> set[Pair]:
    """Enroll those who are not yet, while there are seats; return who is enrolled now.

    Their pending requests go, as with every enrollment; the trigger for that may be missing.
    """
    missing: dict[int, list[int]] = defaultdict(list)
    enrolled = existing(step.session, pairs)
    for student_id, course_id in pairs:
        if (student_id, course_id) not in enrolled:
            missing[course_id].append(student_id)
    for course_id, students in missing.items():
        _insert_enrollments(step, course_id, students[: _free_seats(step, course_id)])
    insert_mirrors(step, pairs)
    enrolled_now = existing(step.session, pairs)
    _drop_pending(step, enrolled_now - enrolled)
    return enrolled_now


def add_sources(step: Step, sources: Iterable[Source]) -> None:
    """Add the reasons for access that are not there yet."""
    present = {
        (row.user_id, row.course_id, row.kind, row.reference)
        for row in step.session.execute(
            select(
                AccessSource.user_id,
                AccessSource.course_id,
                AccessSource.kind,
                AccessSource.reference,
            ).where(of_pairs(_SOURCES, step.pairs))
        )
    }
    moment = now()
    rows = [
        {
            "user_id": source.pair[0],
            "course_id": source.pair[1],
            "kind": source.kind,
            "reference": source.reference,
            "granted_at": moment,
            "granted_by": step.by,
        }
        for source in dict.fromkeys(sources)
        if (*source.pair, source.kind, source.reference) not in present
    ]
    if rows:
        step.session.execute(upsert(step.session, AccessSource).on_conflict_do_nothing(), rows)


def infer_sources(step: Step, pairs: Iterable[Pair]) -> list[Source]:
    """Return the best reason in evidence for each access that has none."""
    pairs = list(pairs)
    open_to_all = _open_to_all(step, pairs)
    approved = _latest(
        step,
        select(Decision.student_id, Decision.course_id, func.max(Decision.id))
        .where(of_pairs(table_of(Decision), pairs), Decision.status == "approved", stands())
        .group_by(Decision.student_id, Decision.course_id),
    )
    paid = _latest(
        step,
        select(Payment.user_id, Payment.course_id, func.max(Payment.id))
        .where(
            of_pairs(table_of(Payment), pairs),
            Payment.status.in_(GIVING_ACCESS),
            Payment.access_ended_at.is_(None),
        )
        .group_by(Payment.user_id, Payment.course_id),
    )
    sources = []
    for pair in pairs:
        if pair in open_to_all:
            sources.append(Source(pair, "default"))
        elif pair in approved:
            sources.append(Source(pair, "approval", approved[pair]))
        elif pair in paid:
            sources.append(Source(pair, "payment", paid[pair]))
        else:
            sources.append(Source(pair, "import"))
    return sources


def end_pairs(step: Step, pairs: list[Pair]) -> None:
    """End the access; what the student completed is kept."""
    for model in (AccessSource, StudentProgress, Enrollment):
        table = table_of(model)
        step.run(delete(table).where(of_pairs(table, pairs)))


def _insert_enrollments(step: Step, course_id: int, students: list[int]) -> None:
    share = share_completed(User.id, course_id)
    # What is left of a lost enrollment tells since when it was there: its sources, its mirror.
    enrolled_at = func.coalesce(
        select(func.min(AccessSource.granted_at))
        .where(AccessSource.user_id == User.id, AccessSource.course_id == course_id)
        .scalar_subquery(),
        select(func.min(StudentProgress.last_activity_at))
        .where(StudentProgress.student_id == User.id, StudentProgress.course_id == course_id)
        .scalar_subquery(),
        literal(now(), Enrollment.enrolled_at.type),
    )
    completed_at = func.coalesce(last_completion(User.id, course_id), enrolled_at)
    step.run(
        insert(Enrollment).from_select(
            ["user_id", "course_id", "progress", "enrolled_at", "completed_at"],
            select(
                *(User.id, literal(course_id), share, enrolled_at),
                case((share == 100, completed_at)),
            ).where(User.id.in_(students)),
        )
    )


def _drop_pending(step: Step, pairs: Iterable[Pair]) -> None:
    status = func.lower(func.trim(AccessRequest.status, " \t\r\n"))
    is_pending = status.not_in(("approved", "rejected"))
    step.run(delete(AccessRequest).where(of_pairs(table_of(AccessRequest), pairs), is_pending))


def _free_seats(step: Step, course_id: int) -> int | None:
    enrollment = aliased(Enrollment)
    taken = select(func.count()).where(enrollment.course_id == Course.id).scalar_subquery()
    row = step.session.execute(
        select(Course.capacity, taken.label("taken")).where(Course.id == course_id)
    ).one_or_none()
    if row is None or row.capacity is None:
        return None
    free: int = row.capacity - row.taken
    return max(free, 0)


def _open_to_all(step: Step, pairs: list[Pair]) -> set[Pair]:
    waived = exists().where(
        AccessWaiver.user_id == Enrollment.user_id, AccessWaiver.course_id == Enrollment.course_id
    )
    rows = step.session.execute(
        select(Enrollment.user_id, Enrollment.course_id)
        .join(Course, Course.id == Enrollment.course_id)
        .where(
            of_pairs(table_of(Enrollment), pairs),
            Course.is_default_unlocked,
            Course.status.in_(VISIBLE_STATUSES),
            ~waived,
        )
    )
    return {(row.user_id, row.course_id) for row in rows}


def _latest(step: Step, query: object) -> dict[Pair, int]:
    return {(row[0], row[1]): row[2] for row in step.run(query)}


def _restore(step: Step) -> None:
    """Enroll again, and give a reason to those who come without one."""
    enrolled = enroll_pairs(step, step.pairs)
    add_sources(step, infer_sources(step, enrolled - _with_source(step)))


def _infer(step: Step) -> None:
    add_sources(step, infer_sources(step, step.pairs))


def _deliver(step: Step) -> None:
    students = step.session.scalars(
        select(User.id).where(User.role == "student", User.id.in_([pair[0] for pair in step.pairs]))
    ).all()
    enrolled = enroll_pairs(step, [pair for pair in step.pairs if pair[0] in students])
    sources = []
    for row in step.found:
        pair = (row.student_id, row.course_id)
        if pair in enrolled:
            sources.append(Source(pair, "payment", row.row_id))
        else:
            _call_undeliverable(
                step, row, "The buyer cannot be let in: add a seat to the course, or refund it."
            )
    add_sources(step, sources)


def _mark_undeliverable(step: Step) -> None:
    for row in step.found:
        gone = "course" if row.course_id is None else "account"
        _call_undeliverable(step, row, f"The {gone} is gone: refund the payment.")


def _call_undeliverable(step: Step, row: Found, reason: str) -> None:
    step.run(
        update(Payment)
        .where(Payment.id == row.row_id)
        .values(status="undeliverable", attention=reason)
    )
    step.ask(row, reason)


def _end(step: Step) -> None:
    end_pairs(step, step.pairs)


def _grant_defaults(step: Step) -> None:
    enrolled = enroll_pairs(step, step.pairs)
    add_sources(step, [Source(pair, "default") for pair in sorted(enrolled)])


def _drop_sources(step: Step) -> None:
    """Take invalid sources away, never the access: who would be left with none was let in before.

    But where an admin has ended the access to everybody's course, its default was the last reason.
    """
    step.run(delete(AccessSource).where(AccessSource.id.in_(step.ids)))
    left = existing(step.session, step.pairs) - _with_source(step)
    waived = {
        (row.user_id, row.course_id)
        for row in step.session.execute(
            select(AccessWaiver.user_id, AccessWaiver.course_id).where(
                of_pairs(table_of(AccessWaiver), left)
            )
        )
    }
    end_pairs(step, sorted(left & waived))
    add_sources(step, infer_sources(step, sorted(left - waived)))


def _with_source(step: Step) -> set[Pair]:
    rows = step.session.execute(
        select(AccessSource.user_id, AccessSource.course_id).where(of_pairs(_SOURCES, step.pairs))
    )
    return {(row.user_id, row.course_id) for row in rows}


_ALL = (Enrollment, StudentProgress, AccessSource, AccessRequest)

REPAIRS = {
    ("missing_enrollment", "student_progress"): Repair(_restore, also=_ALL),
    ("source_without_enrollment", "access_sources"): Repair(_restore, also=_ALL),
    ("access_without_source", "enrollments"): Repair(_infer, also=_ALL),
    ("paid_not_enrolled", "payments"): Repair(_deliver, also=(*_ALL, Payment)),
    ("paid_without_course", "payments"): Repair(_mark_undeliverable),
    ("refunded_still_enrolled", "enrollments"): Repair(_end, also=_ALL),
    ("default_not_granted", "users"): Repair(_grant_defaults, also=_ALL),
    ("source_not_valid", "access_sources"): Repair(_drop_sources, also=_ALL),
}
