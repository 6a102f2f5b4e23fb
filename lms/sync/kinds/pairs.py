"""Enrollments and their progress rows: one of each per student and course, never one alone."""

from typing import Any

from sqlalchemy import Select, func, select
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
from lms.sync.conditions import both_exist, has_mirror, is_further
from lms.sync.finding import find, subject
from lms.sync.kind import Check, Kind, Phase, Step


def _further_completions() -> Select[Any]:
    same = ChapterCompletion.student_id, ChapterCompletion.chapter_id
    return find(
        ChapterCompletion, expected="one completion per student and chapter", actual="a duplicate"
    ).where(is_further(ChapterCompletion, *same))


def _further_enrollments() -> Select[Any]:
    return find(
        Enrollment, expected="one enrollment per student and course", actual="a duplicate"
    ).where(is_further(Enrollment, *subject(Enrollment)))


def _further_mirrors() -> Select[Any]:
    """Find all progress rows of a pair except the oldest; completions hold the learning."""
    return find(
        StudentProgress,
        expected="one progress record per student and course",
        actual="a duplicate",
    ).where(is_further(StudentProgress, *subject(StudentProgress)))


def _without_mirror() -> Select[Any]:
    pair = subject(Enrollment)
    return find(Enrollment, expected=share_completed(*pair), actual="no progress record").where(
        ~has_mirror(*pair), both_exist(*pair)
    )


def _merge_enrollments(step: Step) -> None:
    other = aliased(Enrollment)
    _keep_first(
        step,
        enrolled_at=_of_pair(step, other, func.min(other.enrolled_at)),
        completed_at=_of_pair(step, other, func.min(other.completed_at)),
    )


def _merge_mirrors(step: Step) -> None:
    other = aliased(StudentProgress)
    _keep_first(step, last_activity_at=_of_pair(step, other, func.max(other.last_activity_at)))


def _keep_first(step: Step, **values: Any) -> None:
    row_id = table_of(step.model).c.id
    mine = of_pairs(step.model, step.pairs)
    first = select(func.min(row_id)).where(mine).group_by(*subject(step.model))
    kept = step.session.scalars(first).all()
    step.rewrite(row_id.in_(kept), **values)
    step.delete_rows()


def _of_pair(step: Step, other: Any, value: Any) -> Any:
    """Return a value of all rows of the pair that the rewritten row is about."""
    (user_id, course_id), (own_user, own_course) = subject(other), subject(step.model)
    return select(value).where(user_id == own_user, course_id == own_course).scalar_subquery()


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
        "The oldest enrollment stays and takes the earliest dates of the duplicates.",
        Phase.DUPLICATES,
        (Check(Enrollment, _further_enrollments, _merge_enrollments, also=_MERGED),),
    ),
    Kind(
        "duplicate_progress",
        "Duplicate progress records",
        "The oldest record stays and takes the latest activity of the duplicates.",
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
