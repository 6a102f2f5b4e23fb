"""The old school's courses and their chapters."""

from typing import get_args

from sqlalchemy import Boolean, Column, Integer, String, Text, cast, func, literal, select, update

from lms.db import UtcDateTime, now
from lms.enrollment import intake
from lms.importing.legacy.job import Job
from lms.importing.legacy.rules import (
    change,
    comes_in,
    index_keys,
    merge_all_but_first,
    refer_or_refuse,
    set_origins,
)
from lms.importing.legacy.staging import Kind, referred, scratch_table
from lms.importing.legacy.values import OldRow, Row
from lms.models import Chapter, Course, CourseStatus
from lms.models.catalog import COURSE_FIELDS
from lms.models.columns import LONGEST_TITLE
from lms.money import DEFAULT_CURRENCY, MAX_PRICE

courses = scratch_table(
    "courses",
    Column("title", String),
    Column("description", Text),
    Column("status", String),
    Column("is_public", Boolean),
    Column("is_default_unlocked", Boolean),
    Column("price_cents", Integer),
    Column("currency", String),
    Column("capacity", Integer),
    Column("created_at", UtcDateTime),
    Column("chapters", Integer, server_default="0"),
    Column("has_completions", Boolean, server_default="0"),
    is_referred_to=True,
)
chapters = scratch_table(
    "chapters",
    Column("title", String),
    Column("position", Integer),
    Column("body", Text),
    Column("ordinal", Integer),  # its place among the chapters of its course, from 1
    refers_to={"course": courses},
    is_referred_to=True,
)
_FIELDS = tuple(name for name in (*COURSE_FIELDS, "created_at") if name in courses.c)


def _read(row: OldRow) -> Row:
    title = row.line("title", LONGEST_TITLE)
    if not title:
        row.repaired("no title: the old id is used")
        title = f"Course {row.key('id') or 'without id'}"[:LONGEST_TITLE]
    status = row.word("status", get_args(CourseStatus), otherwise="draft", missing="published")
    is_public = row.flag("is_public", default=False)
    is_open_to_all = row.flag("is_default_unlocked", default=False)
    price = row.whole("price_cents", missing=0)
    if price is None or not 0 <= price <= MAX_PRICE:
        row.repaired("the price is unreadable: the course is a draft until the price is set")
        price, status, is_public = 0, "draft", False
    currency = row.currency()
    if currency is None:
        row.repaired("the currency is unknown: the course is a draft until the currency is set")
        currency, status = DEFAULT_CURRENCY, "draft"
    capacity = row.whole("capacity")
    if row.is_given("capacity") and (capacity is None or capacity < 0):
        row.repaired("the capacity is unreadable: seats are unlimited")
        capacity = None
    if is_open_to_all and capacity is not None:
        row.repaired("a course open to everyone can't have a seat limit: the limit is removed")
        capacity = None
    return row.staged(
        natural=row.digest(),
        title=title,
        description=row.text("description").strip(),
        status=status,
        is_public=is_public,
        is_default_unlocked=is_open_to_all,
        price_cents=price,
        currency=currency,
        capacity=capacity,
        created_at=row.moment("created_at") or now(),
    )


COURSES = Kind(courses, ("id", *_FIELDS), _read, {"title": ("name",)})


def merge_same(job: Job) -> None:
    """Let rows of the same id and title be one course."""
    same = [courses.c.key, courses.c.title]
    merge_all_but_first(job.scratch, courses, "the same course as an earlier row", same)
    set_origins(job.scratch, courses)
    change(job.scratch, courses, label=courses.c.title)


def decide(job: Job) -> None:
    """Find the courses that came from this school before."""
    job.merge_known(courses, Course)
    index_keys(job.scratch, courses)


def write(job: Job) -> None:
    """Add the courses."""
    for rows in job.coming(courses):
        new = [{name: getattr(row, name) for name in _FIELDS} for row in rows]
        job.settle(courses, rows, intake.add_courses(job.session, new))


def open_to_all(job: Job) -> None:
    """Let every student into every course that is open to all, old or new."""
    intake.grant_default_courses(job.session)


def _read_chapter(row: OldRow) -> Row:
    title = row.line("title", LONGEST_TITLE)
    if not title:
        row.repaired("no title: its position is used")
    position = row.whole("position")
    if row.is_given("position") and position is None:
        row.repaired("the position is unreadable: the chapter comes last")
    return row.staged(
        natural=row.digest(),
        course_key=row.key("course_id"),
        title=title,
        position=position,
        body=row.text("body"),
    )


CHAPTERS = Kind(
    chapters,
    ("id", "course_id", "title", "position", "body"),
    _read_chapter,
    {"title": ("name",), "body": ("content",)},
)


def decide_chapters(job: Job) -> None:
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
        order_by=[chapters.c.position.asc().nulls_last(), chapters.c.row],
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


def write_chapters(job: Job) -> None:
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
