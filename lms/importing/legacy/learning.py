"""Which chapters were completed, and old figures of progress: evidence only where nothing else is.

See docs/decisions/0007.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    ScalarSelect,
    Table,
    exists,
    func,
    insert,
    or_,
    select,
    union,
    update,
)

from lms.db import UtcDateTime
from lms.enrollment import intake
from lms.importing.legacy.access import has_pair, pairs
from lms.importing.legacy.courses import chapters, courses
from lms.importing.legacy.enrollments import enrollments, student_progress
from lms.importing.legacy.job import Job, Verdicts
from lms.importing.legacy.people import users
from lms.importing.legacy.rules import (
    change,
    comes_in,
    merge_all_but_first,
    put,
    refer_or_refuse,
    repair,
)
from lms.importing.legacy.staging import Kind, batches, located, metadata, referred, scratch_table
from lms.importing.legacy.values import OldRow, Row
from lms.importing.present import AT_ONCE, Pair, pairs_present
from lms.models import Chapter, ChapterCompletion

completions = scratch_table(
    "chapter_completions",
    Column("completed_at", UtcDateTime),
    refers_to={"user": users, "chapter": chapters},
)
derived = Table(
    "derived",
    metadata,
    Column("row", Integer, primary_key=True),
    Column("user_row", Integer),
    Column("chapter_row", Integer),
    Column("completed_at", UtcDateTime),
    Index("uq_derived", "user_row", "chapter_row", unique=True),
    info=completions.info,
)


def _read_completion(row: OldRow) -> Row:
    if row.has("is_completed") and not row.flag("is_completed", default=True):
        row.refusal = "it says that the chapter isn't completed"
    return row.staged(
        user_key=row.key("student_id"),
        chapter_key=row.key("chapter_id"),
        completed_at=row.moment("completed_at"),
    )


COMPLETIONS = Kind(
    completions,
    ("student_id", "chapter_id", "completed_at", "is_completed"),
    _read_completion,
    {
        "student_id": ("userid",),
        "completed_at": ("createdat",),
        "is_completed": ("completed",),
    },
)


def decide_completions(job: Job) -> None:
    """Keep each completion once; what was marked incomplete here stays so."""
    refer_or_refuse(job.scratch, completions)
    merge_all_but_first(
        job.scratch,
        completions,
        "the same completion as another row; the earliest date counts",
        [completions.c.user_row, completions.c.chapter_row],
        order=[completions.c.completed_at.asc().nulls_last()],
    )

    def by(found: set[Pair]) -> Verdicts:
        student, chapter = ChapterCompletion.student_id, ChapterCompletion.chapter_id
        reopened = ("refused", "imported before, and since marked incomplete here")
        return dict.fromkeys(job.known_pairs(completions.name, found), reopened) | dict.fromkeys(
            pairs_present(job.session, student, chapter, found),
            ("merged", "already completed here"),
        )

    job.judge_pairs(completions, by)


def write_completions(job: Job) -> None:
    """Keep what was completed."""
    for rows in job.coming(completions, also=located(completions)):
        _complete(job, rows)
        job.remember_pairs(completions.name, [(row.user_id, row.chapter_id) for row in rows])


def _complete(job: Job, rows: Sequence[Any]) -> None:
    intake.add_completions(
        job.session,
        [
            {
                "student_id": row.user_id,
                "chapter_id": row.chapter_id,
                "completed_at": row.completed_at or job.moment,
            }
            for row in rows
        ],
    )


def decide_figures(job: Job) -> None:
    """Turn figures into chapters where there is no better evidence; otherwise record them."""
    _mark_courses_with_completions(job)
    _derive(job)
    _compare(job)


def _mark_courses_with_completions(job: Job) -> None:
    recorded = (
        select(chapters.c.course_row)
        .join(completions, completions.c.chapter_row == chapters.c.row)
        .where(comes_in(completions))
    )
    job.scratch.execute(
        update(courses).where(courses.c.row.in_(recorded)).values(has_completions=True)
    )
    for rows in batches(job.scratch, courses, courses.c.target.is_not(None), size=AT_ONCE):
        here = set(
            job.session.scalars(
                select(Chapter.course_id)
                .join(ChapterCompletion, ChapterCompletion.chapter_id == Chapter.id)
                .where(Chapter.course_id.in_([row.target for row in rows]))
                .distinct()
            )
        )
        marked = [{"row": row.row, "has_completions": True} for row in rows if row.target in here]
        put(job.scratch, courses, marked)


def _derive(job: Job) -> None:
    """Complete the first chapters of a course, as many as the figure gives, rounded down."""
    job.scratch.execute(
        insert(derived).from_select(
            ["user_row", "chapter_row", "completed_at"],
            select(
                pairs.c.user_row,
                chapters.c.row,
                func.coalesce(pairs.c.last_activity_at, pairs.c.enrolled_at),
            )
            .join(courses, courses.c.row == pairs.c.course_row)
            .join(chapters, chapters.c.course_row == courses.c.row)
            .where(
                pairs.c.verdict.is_(None),
                ~courses.c.has_completions,
                chapters.c.ordinal * 100 <= pairs.c.figure * courses.c.chapters,
            )
            .order_by(pairs.c.row, chapters.c.ordinal),
        )
    )


def _compare(job: Job) -> None:
    """Note where the old figure is not what the chapters give: only they count."""
    done = _completed(completions, comes_in(completions)) + _completed(derived)
    total = referred(pairs, "course", "chapters")
    change(
        job.scratch,
        pairs,
        share=func.coalesce(done * 100 // func.nullif(total, 0, type_=Integer), 0),
        old_progress=_written(enrollments, pairs.c.enrollment_row),
        old_total_progress=_written(student_progress, pairs.c.progress_row),
    )
    for table in (enrollments, student_progress):
        differs = has_pair(table, pairs.c.share != table.c.progress)
        course = courses.c.row == table.c.course_row
        for reason, *where in (
            (
                "the course has no chapters, so progress is 0; the old figure is in the audit"
                " trail",
                courses.c.chapters == 0,
            ),
            (
                "no completions were recorded: the old figure became whole chapters and is kept in"
                " the audit trail",
                courses.c.chapters > 0,
                ~courses.c.has_completions,
            ),
            (
                "the completed chapters contradict the old figure: they count, and the figure is"
                " kept in the audit trail",
                courses.c.chapters > 0,
                courses.c.has_completions,
            ),
        ):
            repair(job.scratch, table, reason, differs, exists().where(course, *where))


def _written(table: Table, row: ColumnElement[int]) -> ScalarSelect[str]:
    return select(table.c.written).where(table.c.row == row).scalar_subquery()


def _completed(table: Any, *where: Any) -> Any:
    # A merged duplicate is not counted twice; one that is here already counts.
    return (
        select(func.count(table.c.chapter_row.distinct()))
        .select_from(table)
        .join(chapters, chapters.c.row == table.c.chapter_row)
        .where(
            table.c.user_row == pairs.c.user_row,
            chapters.c.course_row == pairs.c.course_row,
            *where,
        )
        .correlate(pairs)
        .scalar_subquery()
    )


def write_figures(job: Job) -> None:
    """Complete the chapters that the figures amount to; their origin is their enrollment."""
    for rows in batches(job.scratch, derived, also=located(derived)):
        _complete(job, rows)
        job.advance(len(rows))


def recompute(job: Job) -> None:
    """Make progress equal the chapters completed wherever students, chapters or those came in."""
    new_completion = (completions.c.chapter_row == chapters.c.row, completions.c.verdict.is_(None))
    moved = union(
        select(pairs.c.course_row).where(pairs.c.verdict.is_(None)),
        select(chapters.c.course_row).where(
            or_(chapters.c.verdict.is_(None), exists().where(*new_completion))
        ),
    )
    ids = job.scratch.scalars(select(courses.c.target).where(courses.c.row.in_(moved)))
    intake.recompute_progress(job.session, set(ids))
