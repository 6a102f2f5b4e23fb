"""Progress: both rows of a student and a course say the share of chapters completed."""

from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, exists, func, select

from lms.db import wrong_type
from lms.ledger.progress import rebuild_progress
from lms.models import Enrollment, StudentProgress, share_completed
from lms.sync.conditions import both_exist, has_mirror
from lms.sync.finding import Column, find, subject
from lms.sync.kind import Check, Kind, Phase, Step


def _out_of_range() -> Select[Any]:
    pair = subject(Enrollment)
    return find(Enrollment, expected=share_completed(*pair), actual=Enrollment.progress).where(
        ~_in_range(Enrollment.progress), both_exist(*pair)
    )


def _mirror_out_of_range() -> Select[Any]:
    """Find mirrors out of range whose enrollment is in range: the others are found there."""
    pair = subject(StudentProgress)
    return find(
        StudentProgress, expected=share_completed(*pair), actual=StudentProgress.total_progress
    ).where(
        ~_in_range(StudentProgress.total_progress),
        both_exist(*pair),
        exists().where(
            Enrollment.user_id == StudentProgress.student_id,
            Enrollment.course_id == StudentProgress.course_id,
            _in_range(Enrollment.progress),
        ),
    )


def _mismatch() -> Select[Any]:
    mirrored = (
        select(func.max(StudentProgress.total_progress))
        .where(_mirrors_enrollment(), _differs())
        .scalar_subquery()
    )
    return find(Enrollment, expected=Enrollment.progress, actual=mirrored).where(
        exists().where(_mirrors_enrollment(), _differs()), both_exist(*subject(Enrollment))
    )


def _drift() -> Select[Any]:
    """Find pairs whose two rows agree on a progress that was not learned."""
    pair = subject(Enrollment)
    share = share_completed(*pair)
    return find(Enrollment, expected=share, actual=Enrollment.progress).where(
        Enrollment.progress != share,
        _in_range(Enrollment.progress),
        has_mirror(*pair),
        ~exists().where(_mirrors_enrollment(), _differs()),
        both_exist(*pair),
    )


def _wrongly_dated() -> Select[Any]:
    """Find courses complete without a date, or with a date though not complete."""
    is_dated = Enrollment.completed_at.is_not(None)
    return find(
        Enrollment,
        expected="a completion date at 100%, and none below",
        actual=cast(Enrollment.progress, String)
        + case((is_dated, "%, with a date"), else_="%, no date"),
    ).where((Enrollment.progress == 100) != is_dated, both_exist(*subject(Enrollment)))


def _in_range(progress: Column) -> ColumnElement[bool]:
    # NULL is as much out of range as 150: by BETWEEN alone it would be neither. A function instead
    # of two conditions would hide from PostgreSQL that nearly all are in range.
    return progress.is_not(None) & progress.between(0, 100) & ~wrong_type(progress)


def _mirrors_enrollment() -> ColumnElement[bool]:
    return (StudentProgress.student_id == Enrollment.user_id) & (
        StudentProgress.course_id == Enrollment.course_id
    )


def _differs() -> ColumnElement[bool]:
    return StudentProgress.total_progress.is_distinct_from(Enrollment.progress)


def _recompute(step: Step) -> None:
    rebuild_progress(step.session, step.pairs)


def _kind(name: str, label: str, repair: str, *checks: Any) -> Kind:
    also = (Enrollment, StudentProgress)
    return Kind(
        *(name, label, repair, Phase.PROGRESS),
        tuple(Check(model, find, _recompute, also=also) for model, find in checks),
    )


_RECOMPUTED = "Both rows are set to the share of chapters completed."

KINDS = (
    _kind(
        *("progress_out_of_range", "Progress below 0 or above 100%", _RECOMPUTED),
        (Enrollment, _out_of_range),
        (StudentProgress, _mirror_out_of_range),
    ),
    _kind(
        *("progress_mismatch", "Progress record differs from enrollment", _RECOMPUTED),
        (Enrollment, _mismatch),
    ),
    _kind(
        *("progress_drift", "Progress differs from chapters completed", _RECOMPUTED),
        (Enrollment, _drift),
    ),
    _kind(
        *("completion_date_mismatch", "Completion date doesn't match progress"),
        "At 100%, the date of the last chapter is set; below 100%, the date is removed.",
        (Enrollment, _wrongly_dated),
    ),
)
