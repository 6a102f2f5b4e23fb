"""Progress: what was completed is the truth, both rows follow it."""

from typing import Any

from sqlalchemy import case, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from lms.db import now
from lms.enrollment.certificates import issue
from lms.enrollment.repair.changes import Pair, of_pairs, table_of
from lms.enrollment.repair.repair import Repair, Step
from lms.models import Certificate, Enrollment, StudentProgress, last_completion, share_completed

_ENROLLMENTS, _MIRRORS = table_of(Enrollment), table_of(StudentProgress)


def recompute_pairs(step: Step, pairs: list[Pair]) -> None:
    """Set both rows of each pair to the share of chapters completed."""
    share = share_completed(Enrollment.user_id, Enrollment.course_id)
    moment = now()
    step.run(
        update(Enrollment)
        .where(of_pairs(_ENROLLMENTS, pairs))
        .values(
            progress=share,
            completed_at=case(
                (
                    share == 100,
                    func.coalesce(
                        Enrollment.completed_at,
                        last_completion(Enrollment.user_id, Enrollment.course_id),
                        moment,
                    ),
                ),
                else_=None,
            ),
        )
    )
    progress = (
        select(func.max(Enrollment.progress))
        .where(
            Enrollment.user_id == StudentProgress.student_id,
            Enrollment.course_id == StudentProgress.course_id,
        )
        .scalar_subquery()
    )
    # The key's cascade has carried along those mirrors that were equal before.
    step.run(
        update(StudentProgress)
        .where(
            of_pairs(_MIRRORS, pairs),
            StudentProgress.total_progress.is_distinct_from(progress),
            progress.is_not(None),
        )
        .values(total_progress=progress)
    )
    issue(step.session, of_pairs(_ENROLLMENTS, pairs))


def insert_mirrors(step: Step, pairs: list[Pair]) -> None:
    """Insert the missing mirrors of enrollments, then set both to what was completed."""
    mirror = aliased(StudentProgress)
    has_mirror = (
        select(mirror.id)
        .where(mirror.student_id == Enrollment.user_id, mirror.course_id == Enrollment.course_id)
        .exists()
    )
    progress = share_completed(Enrollment.user_id, Enrollment.course_id)
    step.run(
        insert(StudentProgress).from_select(
            ["student_id", "course_id", "total_progress", "last_activity_at"],
            select(
                Enrollment.user_id,
                Enrollment.course_id,
                progress,
                last_completion(Enrollment.user_id, Enrollment.course_id),
            ).where(of_pairs(_ENROLLMENTS, pairs), ~has_mirror),
        )
    )
    recompute_pairs(step, pairs)


def existing(session: Session, pairs: list[Pair]) -> set[Pair]:
    """Return which of the pairs are enrolled."""
    rows: Any = session.execute(
        select(Enrollment.user_id, Enrollment.course_id).where(of_pairs(_ENROLLMENTS, pairs))
    )
    return {(row.user_id, row.course_id) for row in rows}


def _issue(step: Step) -> None:
    issue(step.session, of_pairs(_ENROLLMENTS, step.pairs))


def _recompute(step: Step) -> None:
    recompute_pairs(step, step.pairs)


def _insert_mirrors(step: Step) -> None:
    insert_mirrors(step, step.pairs)


_BOTH = (Enrollment, StudentProgress)

REPAIRS = {
    ("missing_progress", "enrollments"): Repair(_insert_mirrors, also=_BOTH),
    ("progress_out_of_range", "enrollments"): Repair(_recompute, also=_BOTH),
    ("progress_out_of_range", "student_progress"): Repair(_recompute, also=_BOTH),
    ("progress_mismatch", "enrollments"): Repair(_recompute, also=_BOTH),
    ("progress_drift", "enrollments"): Repair(_recompute, also=_BOTH),
    ("completion_date_mismatch", "enrollments"): Repair(_recompute, also=_BOTH),
    ("missing_certificate", "enrollments"): Repair(_issue, also=(Certificate,)),
}
