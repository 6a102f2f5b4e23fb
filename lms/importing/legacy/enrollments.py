"""The old school's enrollments and progress rows: each is evidence of access."""

import json
from typing import Any

from sqlalchemy import Column, Integer, String, Table, Text, case, func, update

from lms.db import UtcDateTime
from lms.importing.legacy import ended
from lms.importing.legacy.access import describe, gather, has_pair, of_pair, pairs, together
from lms.importing.legacy.courses import courses
from lms.importing.legacy.ended import why_ended
from lms.importing.legacy.job import Job
from lms.importing.legacy.lists import listed
from lms.importing.legacy.names import COURSE, USER
from lms.importing.legacy.people import note_closed, users
from lms.importing.legacy.questions import ACCESS, about
from lms.importing.legacy.row import OldRow
from lms.importing.legacy.rules import change, merge_all_but_first, refer_or_refuse, repair
from lms.importing.legacy.staging import Kind, scratch_table
from lms.importing.legacy.values import Row
from lms.importing.legacy.words import ENROLLMENTS as ENROLLMENTS_WORDS
from lms.importing.legacy.words import spelled

enrollments = scratch_table(
    "enrollments",
    Column("progress", Integer),
    Column("written", String),  # the figure as it was written
    Column("listed", Text),  # the ids of completed chapters, in JSON
    Column("count", Integer),  # or how many there are
    Column("ended", String),  # why it gives no access any more; blank where it does
    Column("enrolled_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
    refers_to={"user": users, "course": courses},
)
student_progress = scratch_table(
    "student_progress",
    Column("progress", Integer),
    Column("written", String),
    Column("listed", Text),
    Column("count", Integer),
    Column("ended", String),
    Column("started_at", UtcDateTime),
    Column("last_activity_at", UtcDateTime),
    refers_to={"user": users, "course": courses},
)


def _read_enrollment(row: OldRow) -> Row:
    return row.staged(
        user_key=row.key("user_id"),
        course_key=row.key("course_id"),
        **_figure(row, "progress"),
        ended=why_ended(row),
        enrolled_at=row.moment("enrolled_at"),
        completed_at=row.moment("completed_at"),
    )


def _read_progress(row: OldRow) -> Row:
    return row.staged(
        user_key=row.key("student_id"),
        course_key=row.key("course_id"),
        **_figure(row, "total_progress"),
        ended=why_ended(row),
        started_at=row.moment("started_at"),
        last_activity_at=row.moment("last_activity_at"),
    )


def _figure(row: OldRow, column: str) -> Row:
    """Return the progress: of a figure, of a list of chapters, or of a word that says finished."""
    figure, is_given = row.percent(column), row.is_given(column)
    given = row.get("completed_chapters")
    chapters = None if given is None else listed(given)
    if figure is None and chapters is None and _is_finished(row):
        figure = 100
    elif figure is None and chapters is None and row.has(column):
        row.repaired(
            "the progress isn't a percentage: it is computed from the chapters"
            if is_given
            else "no progress is given: it is computed from the chapters"
        )
    return {
        "progress": figure,
        "written": row.shown(column) if is_given else None,
        "listed": json.dumps(chapters) if isinstance(chapters, list) else None,
        "count": chapters if isinstance(chapters, int) else None,
    }


def _is_finished(row: OldRow) -> bool:
    is_said = ENROLLMENTS_WORDS.get(spelled(row.get("status"))) == "completed"
    return is_said or row.is_set("completed_at") or row.is_set("is_completed")


_LEARNING = ("completed_chapters", "completed_at", "is_completed")
_ALIASES = {
    **ended.ALIASES,
    "completed_chapters": (
        *("completedchapterids", "chapterscompleted", "completedlessons", "completedlessonids"),
        *("finishedchapters", "donechapters"),
    ),
    "completed_at": ("finishedat", "completiondate", "completedon"),
    "is_completed": ("completed", "isfinished", "finished"),
}
ENROLLMENTS = Kind(
    enrollments,
    ("id", "user_id", "course_id", "progress", "enrolled_at", *_LEARNING, *ended.COLUMNS),
    _read_enrollment,
    {
        **_ALIASES,
        "user_id": USER,
        "course_id": COURSE,
        "progress": ("progresspercent", "percent", "percentage", "totalprogress", "completion"),
        "enrolled_at": ("createdat", "enrolledon", "enrollmentdate", "joinedat", "startedat"),
    },
    called=("enrollment", "enrolment", "enrolments", "registrations", "usercourses", "usercourse"),
    needs=("user_id", "course_id"),
    progress="progress",
)
PROGRESS = Kind(
    student_progress,
    (
        *("id", "student_id", "course_id", "total_progress", "started_at", "last_activity_at"),
        *_LEARNING,
        *ended.COLUMNS,
    ),
    _read_progress,
    {
        **_ALIASES,
        "student_id": USER,
        "course_id": COURSE,
        "total_progress": ("progress", "progresspercent", "percent", "percentage", "completion"),
        "started_at": ("createdat",),
        "last_activity_at": ("lastaccessedat", "lastactivity", "lastseenat", "updatedat"),
    },
    called=("studentprogress", "progress", "courseprogress", "userprogress", "progresses"),
    needs=("student_id", "course_id"),
    progress="total_progress",
)


def merge_same(job: Job) -> None:
    """Resolve the rows' references, and merge duplicate pairs; a row that gives access counts."""
    for table in (enrollments, student_progress):
        refer_or_refuse(job.scratch, table)
        note_closed(job, table)
        change(
            job.scratch,
            table,
            table.c.user_is_closed,
            table.c.ended == "",
            ended="the account was deactivated or deleted",
        )
        merge_all_but_first(
            job.scratch,
            table,
            "the same student and course as another row; the earliest date counts",
            [table.c.user_row, table.c.course_row],
            order=[table.c.ended != ""],
        )
        gather(job, table)
    _describe(job, student_progress, "progress_row", **_progress_dates())
    # Where there is an enrollment, it alone says whether the access has ended.
    enrolled_at = func.min(enrollments.c.enrolled_at)
    _describe(job, enrollments, "enrollment_row", enrolled_at=enrolled_at)


def _progress_dates() -> dict[str, Any]:
    activity = student_progress.c.last_activity_at
    began = func.coalesce(student_progress.c.started_at, activity)
    return {"began_at": func.min(began), "last_activity_at": func.max(activity)}


def _describe(job: Job, table: Table, giving: str, **dates: Any) -> None:
    """Add to the pairs what one of the tables says: dates, figures, the row that gives access."""
    found = together(
        table,
        **{giving: func.min(case((table.c.ended == "", table.c.row)))},
        ended=func.max(case((table.c.verdict.is_(None), table.c.ended))),
        figure=func.max(table.c.progress),
        count=func.max(table.c["count"]),
        **dates,
    )
    best = {
        name: func.max(pairs.c[name], func.coalesce(found.c[name], 0))
        for name in ("figure", "count")
    }
    describe(job, found, ended=func.coalesce(found.c.ended, pairs.c.ended), **best)


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
        about(
            ACCESS, "progress without an enrollment: the student had access and is enrolled again"
        ),
        has_pair(student_progress, pairs.c.enrollment_row.is_(None)),
    )
