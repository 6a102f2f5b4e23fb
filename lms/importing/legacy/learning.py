"""Which chapters were completed, and old figures of progress: evidence only where nothing else is.

See docs/decisions/0007.
"""

import json
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    ScalarSelect,
    Select,
    String,
    Table,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    union,
    union_all,
    update,
)

from lms.db import UtcDateTime
from lms.enrollment import intake
from lms.importing.legacy.access import has_pair, pairs, same_pair
from lms.importing.legacy.chapters import chapters
from lms.importing.legacy.courses import courses
from lms.importing.legacy.enrollments import enrollments, student_progress
from lms.importing.legacy.job import Job, Verdicts
from lms.importing.legacy.names import CHAPTER, USER
from lms.importing.legacy.people import users
from lms.importing.legacy.questions import NOT_READ, about
from lms.importing.legacy.raw import metadata
from lms.importing.legacy.row import OldRow
from lms.importing.legacy.rules import (
    change,
    comes_in,
    merge_all_but_first,
    put,
    refer_or_refuse,
    repair,
    rows_of_keys,
)
from lms.importing.legacy.staging import (
    Kind,
    batches,
    located,
    marks,
    referred,
    scratch_table,
    stored,
)
from lms.importing.legacy.values import Row
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
    Column("is_listed", Boolean),  # by the old school; else it follows from a figure
    Column("verdict", String),
    Column("reason", String),
    Index("uq_derived", "user_row", "chapter_row", unique=True),
    info=completions.info,
)


def _read_completion(row: OldRow) -> Row:
    if row.is_set("deleted_at"):
        row.refusal = "deleted in the earlier system"
    elif row.has("is_completed") and not row.flag("is_completed", default=True):
        row.refusal = "it says that the chapter isn't completed"
    return row.staged(
        user_key=row.key("student_id"),
        chapter_key=row.key("chapter_id"),
        completed_at=row.moment("completed_at"),
    )


COMPLETIONS = Kind(
    completions,
    ("student_id", "chapter_id", "completed_at", "is_completed", "deleted_at"),
    _read_completion,
    {
        "student_id": USER,
        "chapter_id": CHAPTER,
        "completed_at": ("finishedat", "createdat", "updatedat"),
        "is_completed": ("completed", "isfinished", "done"),
        "deleted_at": marks("deleted removed"),
    },
    called=(
        *("chaptercompletion", "completion", "completions", "completedchapters", "userprogress"),
        *("chapterprogress", "lessonprogress", "lessoncompletions", "lessoncompletion"),
    ),
    needs=("student_id", "chapter_id"),
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

    job.judge_pairs(completions, lambda found: _completed_before(job, found))


def _completed_before(job: Job, found: set[Pair]) -> Verdicts:
    student, chapter = ChapterCompletion.student_id, ChapterCompletion.chapter_id
    reopened = ("refused", "imported before, and since marked incomplete here")
    return dict.fromkeys(job.known_pairs(completions.name, found), reopened) | dict.fromkeys(
        pairs_present(job.session, student, chapter, found), ("merged", "already completed here")
    )


def write_completions(job: Job) -> None:
    """Keep what was completed."""
    for rows in job.lines(completions, *_completed_columns(job, completions)):
        intake.add_completions(job.session, rows)
        job.remember_pairs(completions.name, rows)


def _completed_columns(job: Job, table: Table) -> list[Any]:
    at = func.coalesce(table.c.completed_at, literal(stored(job.moment)))
    return [*located(table), at]


def decide_figures(job: Job) -> None:
    """Turn figures into chapters where there is no better evidence; otherwise record them."""
    for table in (enrollments, student_progress):
        _take_lists(job, table)
    _judge_lists(job)
    _mark_courses_with_completions(job)
    _derive(job)
    _compare(job)


def _take_lists(job: Job, table: Table) -> None:
    """Complete the chapters that a row lists, also where its access has ended."""
    is_known = (table.c.user_row.is_not(None), table.c.listed.is_not(None))
    for rows in batches(job.scratch, table, *is_known, size=AT_ONCE):
        lists = {row.row: json.loads(row.listed) for row in rows}
        known = rows_of_keys(
            job.scratch, chapters, {key for keys in lists.values() for key in keys}
        )
        taken = [
            {
                "user_row": row.user_row,
                "chapter_row": known[key],
                "completed_at": _done_at(row),
                "is_listed": True,
            }
            for row in rows
            for key in lists[row.row]
            if known.get(key) is not None
        ]
        if taken:
            job.scratch.execute(insert(derived).prefix_with("OR IGNORE"), taken)
        lost = [row for row, keys in lists.items() if any(known.get(key) is None for key in keys)]
        repair(
            job.scratch,
            table,
            about(NOT_READ, "some of the chapters listed as completed don't exist"),
            table.c.row.in_(lost),
        )


def _done_at(row: Any) -> Any:
    names = ("completed_at", "last_activity_at", "enrolled_at", "started_at")
    return next((found for name in names if (found := getattr(row, name, None))), None)


def _judge_lists(job: Job) -> None:
    """Leave out what rows of completions say already, and what was decided here since."""
    other = completions.alias()
    same = (other.c.user_row == derived.c.user_row, other.c.chapter_row == derived.c.chapter_row)
    job.scratch.execute(delete(derived).where(exists().where(*same, comes_in(other))))
    job.judge_pairs(derived, lambda found: _completed_before(job, found))


def _mark_courses_with_completions(job: Job) -> None:
    recorded = (
        select(chapters.c.course_row)
        .join(completions, completions.c.chapter_row == chapters.c.row)
        .where(comes_in(completions))
        .union(select(chapters.c.course_row).join(derived, derived.c.chapter_row == chapters.c.row))
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
        insert(derived)
        .prefix_with("OR IGNORE")
        .from_select(
            ["user_row", "chapter_row", "completed_at", "is_listed"],
            select(
                pairs.c.user_row,
                chapters.c.row,
                func.coalesce(pairs.c.last_activity_at, pairs.c.enrolled_at),
                false(),
            )
            .join(courses, courses.c.row == pairs.c.course_row)
            .join(chapters, chapters.c.course_row == courses.c.row)
            .where(
                or_(pairs.c.verdict.is_(None), pairs.c.ended != ""),  # kept for a return
                ~courses.c.has_completions,
                or_(
                    chapters.c.ordinal * 100 <= pairs.c.figure * courses.c.chapters,
                    chapters.c.ordinal <= pairs.c.count,
                ),
            )
            .order_by(pairs.c.row, chapters.c.ordinal),
        )
    )


def _compare(job: Job) -> None:
    """Note where the old figure is not what the chapters give: only they count."""
    total = referred(pairs, "course", "chapters")
    done = union_all(*map(_completed, (completions, derived))).subquery()
    pair = (done.c.user_row, done.c.course_row)
    found = select(*pair, func.sum(done.c.number).label("number")).group_by(*pair).subquery()
    share = func.coalesce(found.c.number * 100 // func.nullif(total, 0, type_=Integer), 0)
    change(job.scratch, pairs, same_pair(found), share=share)
    change(
        job.scratch,
        pairs,
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


def _completed(table: Table) -> Select[int, int, int]:
    # A merged duplicate is not counted twice; one that is here already counts.
    number = func.count(table.c.chapter_row.distinct()).label("number")
    return (
        select(table.c.user_row, chapters.c.course_row, number)
        .join(chapters, chapters.c.row == table.c.chapter_row)
        .where(comes_in(table))
        .group_by(table.c.user_row, chapters.c.course_row)
    )


def write_figures(job: Job) -> None:
    """Complete the chapters that the figures amount to; their origin is their enrollment."""
    for rows in job.lines(derived, *_completed_columns(job, derived), derived.c.is_listed):
        intake.add_completions(job.session, [row[:3] for row in rows])
        job.remember_pairs(completions.name, [row for row in rows if row[3]])


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
