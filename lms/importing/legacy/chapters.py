"""The chapters of the old school's courses."""

from sqlalchemy import (
    Column,
    Integer,
    String,
    Text,
    cast,
    func,
    literal,
    select,
    update,
)

from lms.db import UtcDateTime
from lms.enrollment import intake
from lms.importing.legacy.courses import courses
from lms.importing.legacy.job import Job
from lms.importing.legacy.names import COURSE
from lms.importing.legacy.questions import ACCESS, NOT_READ, about
from lms.importing.legacy.row import OldRow
from lms.importing.legacy.rules import (
    comes_in,
    index_keys,
    merge_all_but_first,
    refer_or_refuse,
    set_origins,
)
from lms.importing.legacy.staging import Kind, marks, referred, scratch_table
from lms.importing.legacy.values import Row
from lms.models import Chapter
from lms.models.columns import LONGEST_TITLE

chapters = scratch_table(
    "chapters",
    Column("title", String),
    Column("position", Integer),
    Column("body", Text),
    Column("created_at", UtcDateTime),
    Column("ordinal", Integer),  # its place among the chapters of its course, from 1
    refers_to={"course": courses},
    is_referred_to=True,
)


def _read_chapter(row: OldRow) -> Row:
    if row.is_set("deleted_at"):
        row.refusal = about(ACCESS, "deleted in the earlier system")
    elif row.has("is_published") and not row.flag("is_published", default=True):
        row.refusal = about(
            ACCESS, "not published in the earlier system: write it again as an admin"
        )
    title = row.line("title", LONGEST_TITLE)
    if not title:
        row.repaired("no title: its position is used")
    position = row.whole("position")
    if row.is_given("position") and position is None:
        row.repaired("the position is unreadable: the chapter comes last", NOT_READ)
    return row.staged(
        natural=row.digest(),
        course_key=row.key("course_id"),
        title=title,
        position=position,
        body=_body(row),
        created_at=row.moment("created_at"),
    )


def _body(row: OldRow) -> str:
    """Return the text, with a link to the video where there is one."""
    video = row.line("video_url", 500)
    link = f"[Video]({video})" if video.startswith(("http://", "https://")) else video
    return "\n\n".join(filter(None, (row.text("body"), link)))


CHAPTERS = Kind(
    chapters,
    (
        *("id", "course_id", "title", "position", "body", "video_url", "created_at"),
        *("is_published", "deleted_at"),
    ),
    _read_chapter,
    {
        "course_id": COURSE[1:],
        "title": ("name", "chaptertitle", "lessontitle"),
        "position": (
            *("order", "orderindex", "sortorder", "orderno", "ordernumber", "ordering", "sequence"),
            *("chapterorder", "lessonorder", "displayorder", "chapternumber", "number", "ordinal"),
            *("index", "idx", "sort", "seq", "rank", "weight"),
        ),
        "body": ("content", "text", "markdown", "html", "description"),
        "video_url": ("video", "videolink"),
        "is_published": ("published", "isvisible", "visible"),
        "deleted_at": marks("deleted removed"),
        "created_at": ("createdon",),
    },
    called=("chapter", "lesson", "lessons"),
    needs=("course_id", "title"),
)


def decide(job: Job) -> None:
    """Put chapters into their courses, in their order."""
    refer_or_refuse(job.scratch, chapters)
    merge_all_but_first(
        job.scratch,
        chapters,
        "the same chapter as an earlier row",
        [chapters.c.key, chapters.c.course_row, chapters.c.title, chapters.c.position],
    )
    set_origins(job.scratch, chapters)
    job.merge_known(chapters, Chapter)
    _number(job)
    index_keys(job.scratch, chapters)


def _number(job: Job) -> None:
    """Give each chapter its place, and name those without a title by it."""
    place = func.row_number().over(
        partition_by=[chapters.c.course_row],
        order_by=[
            chapters.c.position.asc().nulls_last(),
            chapters.c.created_at.asc().nulls_last(),
            chapters.c.row,
        ],
    )
    own = (chapters.c.row == chapters.c.winner, comes_in(chapters))
    placed = select(chapters.c.row, place.label("place")).where(*own).subquery()
    named = literal("Chapter ") + cast(chapters.c.ordinal, String)
    number = (
        select(func.count())
        .where(chapters.c.course_row == courses.c.row, chapters.c.ordinal.is_not(None))
        .correlate(courses)
        .scalar_subquery()
    )
    for statement in (
        update(chapters).where(chapters.c.row == placed.c.row).values(ordinal=placed.c.place),
        update(chapters).where(chapters.c.title == "").values(title=named),
        update(courses).values(chapters=number),
    ):
        job.scratch.execute(statement)


def write(job: Job) -> None:
    """Add the chapters."""
    for rows in job.coming(chapters, also=[referred(chapters, "course")]):
        new = [
            {
                "course_id": row.course_id,
                "title": row.title,
                "body": row.body,
                "position": row.ordinal,
            }
            for row in rows
        ]
        job.settle(chapters, rows, intake.add_chapters(job.session, new))
