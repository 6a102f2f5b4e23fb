"""Enrollments and their mirrors: one of each per pair, with the progress that was learned."""

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, select
from sqlalchemy.orm import aliased

from lms.db import wrong_type
from lms.models import (
    Chapter,
    ChapterCompletion,
    Course,
    Enrollment,
    StudentProgress,
    share_completed,
)
from lms.queries.integrity.finding import (
    Column,
    Scope,
    both_exist,
    find,
    full,
    has_mirror,
    is_enrolled,
    place,
)


def duplicate_enrollment(scope: Scope) -> Select[Any]:
    """Find all rows of a pair but the oldest."""
    older = aliased(Enrollment)
    return find(
        scope,
        Enrollment.id,
        Enrollment.user_id,
        Enrollment.course_id,
        expected="one enrollment of the student in the course",
        actual="a further one",
    ).where(
        exists().where(
            older.user_id == Enrollment.user_id,
            older.course_id == Enrollment.course_id,
            place(older.id) < place(Enrollment.id),
        )
    )


def duplicate_progress(scope: Scope) -> Select[Any]:
    """Find all mirrors of a pair but the oldest; what was learned is in the completions."""
    older = aliased(StudentProgress)
    return find(
        scope,
        StudentProgress.id,
        StudentProgress.student_id,
        StudentProgress.course_id,
        expected="one progress row of the student in the course",
        actual="a further one",
    ).where(
        exists().where(
            older.student_id == StudentProgress.student_id,
            older.course_id == StudentProgress.course_id,
            place(older.id) < place(StudentProgress.id),
        )
    )


def duplicate_completion(scope: Scope) -> Select[Any]:
    """Find all completions of a chapter by a student but the first."""
    older = aliased(ChapterCompletion)
    course_id = (
        select(Chapter.course_id)
        .where(Chapter.id == ChapterCompletion.chapter_id)
        .scalar_subquery()
    )
    return find(
        scope,
        ChapterCompletion.id,
        ChapterCompletion.student_id,
        course_id,
        expected="one completion of the chapter",
        actual="a further one",
    ).where(
        exists().where(
            older.student_id == ChapterCompletion.student_id,
            older.chapter_id == ChapterCompletion.chapter_id,
            place(older.id) < place(ChapterCompletion.id),
        )
    )


def missing_progress(scope: Scope) -> Select[Any]:
    pair = (Enrollment.user_id, Enrollment.course_id)
    return find(
        scope,
        Enrollment.id,
        *pair,
        expected=share_completed(*pair),
        actual="no progress row",
    ).where(~has_mirror(*pair), both_exist(*pair))


def missing_enrollment(scope: Scope) -> Select[Any]:
    pair = (StudentProgress.student_id, StudentProgress.course_id)
    return find(
        scope,
        StudentProgress.id,
        *pair,
        expected="enrolled",
        actual="not enrolled, with a progress row",
        attention=full(StudentProgress.course_id),
    ).where(~is_enrolled(*pair), both_exist(*pair))


def progress_out_of_range(scope: Scope) -> Select[Any]:
    pair = (Enrollment.user_id, Enrollment.course_id)
    return find(
        scope,
        Enrollment.id,
        *pair,
        expected=share_completed(*pair),
        actual=Enrollment.progress,
    ).where(~_in_range(Enrollment.progress), both_exist(*pair))


def mirror_out_of_range(scope: Scope) -> Select[Any]:
    """Find mirrors out of range whose enrollment is in range: the others are found there."""
    pair = (StudentProgress.student_id, StudentProgress.course_id)
    return find(
        scope,
        StudentProgress.id,
        *pair,
        expected=share_completed(*pair),
        actual=StudentProgress.total_progress,
    ).where(
        ~_in_range(StudentProgress.total_progress),
        both_exist(*pair),
        exists().where(
            Enrollment.user_id == StudentProgress.student_id,
            Enrollment.course_id == StudentProgress.course_id,
            _in_range(Enrollment.progress),
        ),
    )


def progress_mismatch(scope: Scope) -> Select[Any]:
    pair = (Enrollment.user_id, Enrollment.course_id)
    mirrored = (
        select(func.max(StudentProgress.total_progress))
        .where(_mirrors_enrollment(), _differs())
        .scalar_subquery()
    )
    return find(scope, Enrollment.id, *pair, expected=Enrollment.progress, actual=mirrored).where(
        exists().where(_mirrors_enrollment(), _differs()), both_exist(*pair)
    )


def progress_drift(scope: Scope) -> Select[Any]:
    """Find pairs whose two rows agree on a progress that was not learned."""
    pair = (Enrollment.user_id, Enrollment.course_id)
    share = share_completed(*pair)
    return find(scope, Enrollment.id, *pair, expected=share, actual=Enrollment.progress).where(
        Enrollment.progress != share,
        _in_range(Enrollment.progress),
        has_mirror(*pair),
        ~exists().where(_mirrors_enrollment(), _differs()),
        both_exist(*pair),
    )


def completion_date_mismatch(scope: Scope) -> Select[Any]:
    """Find courses complete without a date, or with a date though not complete."""
    pair = (Enrollment.user_id, Enrollment.course_id)
    is_dated = Enrollment.completed_at.is_not(None)
    return find(
        scope,
        Enrollment.id,
        *pair,
        expected="a date of completion exactly at 100 %",
        actual=Enrollment.progress,
    ).where((Enrollment.progress == 100) != is_dated, both_exist(*pair))


def over_capacity(scope: Scope) -> Select[Any]:
    """Find courses with more students than seats; who has to leave, a person decides."""
    taken = (
        select(func.count())
        .select_from(Enrollment)
        .where(Enrollment.course_id == Course.id)
        .scalar_subquery()
    )
    return find(
        scope,
        Course.id,
        None,
        Course.id,
        expected=Course.capacity,
        actual=taken,
        attention=literal("Raise the capacity or unenroll somebody."),
    ).where(Course.capacity < taken)


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
