"""Enrollments and their progress rows: one of each per student and course, never one alone."""

from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import aliased

from lms.ledger.changes import table_of
from lms.ledger.progress import rebuild_progress
from lms.ledger.rows import of_pairs
from lms.models import (
    AccessSource,
    ChapterCompletion,
    Enrollment,
    StudentProgress,
    share_completed,
)
from lms.sync.conditions import both_exist, has_mirror
from lms.sync.finding import find, place, subject
from lms.sync.kind import Check, Kind, Phase, Step


def _further_completions() -> Select[Any]:
    older = aliased(ChapterCompletion)
    return find(
        ChapterCompletion, expected="one completion of the chapter", actual="a further one"
    ).where(
        exists().where(
            older.student_id == ChapterCompletion.student_id,
            older.chapter_id == ChapterCompletion.chapter_id,
            place(older.id) < place(ChapterCompletion.id),
        )
    )


def _further_enrollments() -> Select[Any]:
    older = aliased(Enrollment)
    return find(
        Enrollment, expected="one enrollment of the student in the course", actual="a further one"
    ).where(
        exists().where(
            older.user_id == Enrollment.user_id,
            older.course_id == Enrollment.course_id,
            place(older.id) < place(Enrollment.id),
        )
    )


def _further_mirrors() -> Select[Any]:
    """Find all progress rows of a pair except the oldest; completions hold the learning."""
    older = aliased(StudentProgress)
    return find(
        StudentProgress,
        expected="one progress row of the student in the course",
        actual="a further one",
    ).where(
        exists().where(
            older.student_id == StudentProgress.student_id,
            older.course_id == StudentProgress.course_id,
            place(older.id) < place(StudentProgress.id),
        )
    )


def _without_mirror() -> Select[Any]:
    pair = subject(Enrollment)
    return find(Enrollment, expected=share_completed(*pair), actual="no progress row").where(
        ~has_mirror(*pair), both_exist(*pair)
    )


def _merge_enrollments(step: Step) -> None:
    other = aliased(Enrollment)
    same = (other.user_id == Enrollment.user_id, other.course_id == Enrollment.course_id)
    _keep_first(
        step,
        enrolled_at=_of_all(func.min(other.enrolled_at), *same),
        completed_at=_of_all(func.min(other.completed_at), *same),
    )


def _merge_mirrors(step: Step) -> None:
    other = aliased(StudentProgress)
    same = (
        other.student_id == StudentProgress.student_id,
        other.course_id == StudentProgress.course_id,
    )
    _keep_first(step, last_activity_at=_of_all(func.max(other.last_activity_at), *same))


def _keep_first(step: Step, **values: Any) -> None:
    row_id = table_of(step.model).c.id
    mine = of_pairs(step.session, step.model, step.pairs)
    first = select(func.min(row_id)).where(mine).group_by(*subject(step.model))
    kept = step.session.scalars(first).all()
    step.rewrite(row_id.in_(kept), **values)
    step.delete_rows()


def _of_all(value: Any, *same: Any) -> Any:
    return select(value).where(*same).scalar_subquery()


def _insert_mirrors(step: Step) -> None:
    rebuild_progress(step.session, step.pairs)


_MERGED = (Enrollment, StudentProgress, AccessSource)

KINDS = (
    Kind(
        "duplicate_completion",
        "Duplicate chapter completions",
        "The first completion stays.",
        Phase.DUPLICATES,
        (Check(ChapterCompletion, _further_completions, Step.delete_rows),),
    ),
    Kind(
        "duplicate_enrollment",
        "Duplicate enrollments",
        "The oldest enrollment stays, with the earliest dates of all.",
        Phase.DUPLICATES,
        (Check(Enrollment, _further_enrollments, _merge_enrollments, also=_MERGED),),
    ),
    Kind(
        "duplicate_progress",
        "Duplicate progress records",
        "The oldest record stays, with the latest activity of all.",
        Phase.DUPLICATES,
        (Check(StudentProgress, _further_mirrors, _merge_mirrors, also=_MERGED),),
    ),
    Kind(
        "missing_progress",
        "Enrollments without a progress record",
        "A progress record is added with the share of chapters completed.",
        Phase.PAIRS,
        (
            Check(
                *(Enrollment, _without_mirror, _insert_mirrors),
                also=(Enrollment, StudentProgress),
            ),
        ),
    ),
)
