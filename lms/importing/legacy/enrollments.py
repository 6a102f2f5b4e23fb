"""The old school's enrollments and progress rows: each is evidence of access."""

from sqlalchemy import Column, Integer, String, func, update

from lms.db import UtcDateTime
from lms.importing.legacy.access import gather, has_pair, of_pair, of_rows, pairs
from lms.importing.legacy.courses import courses
from lms.importing.legacy.job import Job
from lms.importing.legacy.people import users
from lms.importing.legacy.rules import merge_all_but_first, refer_or_refuse, repair
from lms.importing.legacy.staging import Kind, scratch_table
from lms.importing.legacy.values import OldRow, Row, percent

enrollments = scratch_table(
    "enrollments",
    Column("progress", Integer),
    Column("written", String),  # the figure as it was written
    Column("enrolled_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
    refers_to={"user": users, "course": courses},
)
student_progress = scratch_table(
    "student_progress",
    Column("progress", Integer),
    Column("written", String),
    Column("last_activity_at", UtcDateTime),
    refers_to={"user": users, "course": courses},
)


def _read_enrollment(row: OldRow) -> Row:
    return row.staged(
        user_key=row.key("user_id"),
        course_key=row.key("course_id"),
        **_figure(row, "progress"),
        enrolled_at=row.moment("enrolled_at"),
        completed_at=row.moment("completed_at"),
    )


def _read_progress(row: OldRow) -> Row:
    return row.staged(
        user_key=row.key("student_id"),
        course_key=row.key("course_id"),
        **_figure(row, "total_progress"),
        last_activity_at=row.moment("last_activity_at"),
    )


def _figure(row: OldRow, column: str) -> Row:
    figure = percent(row.get(column))
    is_given = row.is_given(column)
    if figure is None and row.has(column):
        row.repaired(
            "the progress isn't a percentage: it is computed from the chapters"
            if is_given
            else "no progress is given: it is computed from the chapters"
        )
    return {"progress": figure, "written": row.shown(column) if is_given else None}


ENROLLMENTS = Kind(
    enrollments,
    ("id", "user_id", "course_id", "progress", "enrolled_at", "completed_at"),
    _read_enrollment,
    {"user_id": ("studentid",), "enrolled_at": ("createdat",)},
)
PROGRESS = Kind(
    student_progress,
    ("id", "student_id", "course_id", "total_progress", "last_activity_at"),
    _read_progress,
    {
        "student_id": ("userid",),
        "total_progress": ("progress",),
        "last_activity_at": ("updatedat",),
    },
)


def merge_same(job: Job) -> None:
    """Resolve the rows' references, and merge duplicate pairs."""
    for table in (enrollments, student_progress):
        refer_or_refuse(job.scratch, table)
        merge_all_but_first(
            job.scratch,
            table,
            "the same student and course as another row; the earliest date counts",
            [table.c.user_row, table.c.course_row],
        )
        gather(job, table)
    enrolled_at = of_rows(enrollments, func.min(enrollments.c.enrolled_at))
    activity = student_progress.c.last_activity_at
    figures = [
        func.coalesce(of_rows(table, func.max(table.c.progress)), 0)
        for table in (enrollments, student_progress)
    ]
    job.scratch.execute(
        update(pairs).values(
            enrollment_row=of_rows(enrollments, func.min(enrollments.c.row)),
            progress_row=of_rows(student_progress, func.min(student_progress.c.row)),
            enrolled_at=func.coalesce(enrolled_at, of_rows(student_progress, func.min(activity))),
            last_activity_at=of_rows(student_progress, func.max(activity)),
            figure=func.max(*figures),
        )
    )


def decide(job: Job) -> None:
    """Let enrollments and progress rows go the way of their pair."""
    for table in (enrollments, student_progress):
        for verdict in ("merged", "refused"):
            job.scratch.execute(
                update(table)
                .where(table.c.verdict.is_(None), has_pair(table, pairs.c.verdict == verdict))
                .values(verdict=verdict, reason=of_pair(table, pairs.c.reason))
            )
    repair(
        job.scratch,
        student_progress,
        "progress without an enrollment: the student had access and is enrolled again",
        has_pair(student_progress, pairs.c.enrollment_row.is_(None)),
    )
