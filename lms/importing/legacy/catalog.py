"""What becomes of the old school's people, courses, chapters and completions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, String, cast, func, literal, select, update

from lms.importing.legacy.portal import Portal, pair_key
from lms.importing.legacy.rules import (
    chunks,
    comes_in,
    index_keys,
    merge_all_but_first,
    put,
    refer,
    refuse_dangling,
    set_origins,
    set_winners,
)
from lms.importing.legacy.source import Row
from lms.importing.legacy.staging import (
    batches,
    chapter_completions,
    chapters,
    courses,
    target_of,
    users,
)
from lms.models import Chapter, Course

_DELETED = "it was imported before, and deleted here since"


def elect_people_and_courses(scratch: Connection) -> None:
    """Merge the same person, and the same course, told more than once."""
    set_winners(
        scratch,
        users,
        "the same e-mail address as an earlier row, whose name, role and password count",
        [users.c.email],
    )
    scratch.execute(update(users).where(users.c.verdict.is_(None)).values(origin=users.c.email))
    set_winners(
        scratch, courses, "the same course as an earlier row", [courses.c.key, courses.c.title]
    )
    set_origins(scratch, courses)


def decide_people(scratch: Connection, portal: Portal) -> None:
    """Find the accounts that are here already; nobody who was deleted here comes back."""
    for rows in batches(scratch, users, users.c.verdict.is_(None)):
        for part in chunks(rows):
            here = portal.accounts([row.email for row in part])
            remembered = portal.origins("users", [row.email for row in part])
            put(
                scratch,
                users,
                [
                    {
                        "row": row.row,
                        "target": here[row.email][0],
                        "is_admin_here": here[row.email][1],
                        "verdict": "merged",
                        "reason": "there is an account with this e-mail address already; it stays"
                        " as it is",
                    }
                    for row in part
                    if row.email in here
                ],
            )
            put(
                scratch,
                users,
                [
                    {"row": row.row, "verdict": "refused", "reason": _DELETED}
                    for row in part
                    if row.email in remembered and row.email not in here
                ],
            )
    index_keys(scratch, users)


def decide_courses(scratch: Connection, portal: Portal) -> None:
    """Find the courses that came from this school before."""
    for rows in batches(scratch, courses, courses.c.verdict.is_(None)):
        for part in chunks(rows):
            known = portal.origins("courses", [row.origin for row in part])
            present = portal.present(Course, known.values())
            put(scratch, courses, _found(part, known, present))
    index_keys(scratch, courses)


def decide_chapters(scratch: Connection, portal: Portal) -> None:
    """Put chapters into their courses, in their order."""
    refer(scratch, chapters, "courses", "course")
    refuse_dangling(scratch, chapters, "courses", "course", "course")
    set_winners(
        scratch,
        chapters,
        "the same chapter as an earlier row",
        [chapters.c.key, chapters.c.course_row, chapters.c.title, chapters.c.position],
    )
    set_origins(scratch, chapters)
    for rows in batches(scratch, chapters, chapters.c.verdict.is_(None)):
        for part in chunks(rows):
            known = portal.origins("chapters", [row.origin for row in part])
            put(scratch, chapters, _found(part, known, portal.present(Chapter, known.values())))
    _number(scratch)
    index_keys(scratch, chapters)


def decide_completions(scratch: Connection, portal: Portal) -> None:
    """Keep what was completed, once; what was taken back here stays so."""
    table = chapter_completions
    refer(scratch, table, "users", "user")
    refer(scratch, table, "chapters", "chapter")
    refuse_dangling(scratch, table, "users", "user", "student")
    refuse_dangling(scratch, table, "chapters", "chapter", "chapter")
    merge_all_but_first(
        scratch,
        table,
        "the same completion as another row; the earliest date counts",
        [table.c.user_row, table.c.chapter_row],
        order=[table.c.completed_at.asc().nulls_last()],
    )
    located = (
        target_of(users, table.c.user_row).label("user_id"),
        target_of(chapters, table.c.chapter_row).label("chapter_id"),
    )
    for rows in batches(scratch, table, table.c.verdict.is_(None), also=located):
        known = [row for row in rows if row.user_id and row.chapter_id]
        for part in chunks(known):
            pairs = {row.row: (row.user_id, row.chapter_id) for row in part}
            here = portal.completed(list(pairs.values()))
            before = portal.origins(table.name, [pair_key(pair) for pair in pairs.values()])
            put(
                scratch,
                table,
                [
                    {
                        "row": row,
                        "verdict": "merged" if pair in here else "refused",
                        "reason": "it is completed here already"
                        if pair in here
                        else "it was imported before, and taken back here since",
                    }
                    for row, pair in pairs.items()
                    if pair in here or pair_key(pair) in before
                ],
            )
    _mark_courses_with_completions(scratch, portal)


def _found(part: Sequence[Any], known: dict[str, int | None], present: set[int]) -> list[Row]:
    """Return what becomes of rows that were imported before."""
    return [
        {
            "row": row.row,
            "target": known[row.origin] if known[row.origin] in present else None,
            "verdict": "merged" if known[row.origin] in present else "refused",
            "reason": "it was imported before" if known[row.origin] in present else _DELETED,
        }
        for row in part
        if row.origin in known
    ]


def _number(scratch: Connection) -> None:
    """Give each chapter its place, and name those without a title by it."""
    own = (chapters.c.row == chapters.c.winner, comes_in(chapters))
    place = func.row_number().over(
        partition_by=[chapters.c.course_row],
        order_by=[chapters.c.position.asc().nulls_last(), chapters.c.row],
    )
    placed = select(chapters.c.row, place.label("place")).where(*own).subquery()
    scratch.execute(
        update(chapters).where(chapters.c.row == placed.c.row).values(ordinal=placed.c.place)
    )
    scratch.execute(
        update(chapters)
        .where(chapters.c.title == "")
        .values(title=literal("Chapter ") + cast(chapters.c.ordinal, String))
    )
    counted = (
        select(func.count())
        .where(chapters.c.course_row == courses.c.row, chapters.c.ordinal.is_not(None))
        .correlate(courses)
        .scalar_subquery()
    )
    scratch.execute(update(courses).values(chapters=counted))


def _mark_courses_with_completions(scratch: Connection, portal: Portal) -> None:
    """Remember where completions tell the truth: there no figure stands for one."""
    told = (
        select(chapters.c.course_row)
        .join(chapter_completions, chapter_completions.c.chapter_row == chapters.c.row)
        .where(comes_in(chapter_completions))
    )
    scratch.execute(update(courses).where(courses.c.row.in_(told)).values(has_completions=True))
    for rows in batches(scratch, courses, courses.c.target.is_not(None)):
        for part in chunks(rows):
            here = portal.has_completions([row.target for row in part])
            put(
                scratch,
                courses,
                [{"row": row.row, "has_completions": True} for row in part if row.target in here],
            )
