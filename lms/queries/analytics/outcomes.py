"""What became of it: the way from request to completion, decisions, courses and chapters."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, and_, func, select

from lms.db import db
from lms.ledger.elapsed import seconds_between
from lms.ledger.truth import WAIT_STEPS
from lms.models import (
    SCHOOL,
    AccessRequest,
    Chapter,
    ChapterCompletion,
    Course,
    CurrentCount,
    Decision,
    Enrollment,
    is_pending,
    stands,
)
from lms.queries.analytics.period import Period
from lms.queries.read_model import COURSE, execute, read, read_model
from lms.queries.sums import Sums, current, distribution, summed

MOST_COURSES = 100
"""As many as a page lists."""


@read_model
class Funnel:
    """Outcomes of the requests made in the period."""

    requested: int
    approved: int
    started: int
    completed: int


@read_model
class Decisions:
    """The decisions of the period, and how long students waited for them."""

    approved: int
    rejected: int
    median_seconds: int | None
    waiting: int
    longest_waiting_since: datetime | None


@read_model
class CourseFigures:
    """A course's current figures."""

    id: int
    title: str
    enrolled: int
    started: int
    completed: int
    average_progress: int


@read_model
class ChapterFigures:
    """How many of the enrolled have completed a chapter, and their share in percent."""

    id: int
    title: str
    completed: int
    share: int


def funnel(counted: Sums) -> Funnel:
    """Return the outcomes of the requests made in the period."""
    return Funnel(
        requested=_total(counted, "requested"),
        approved=_total(counted, "admitted"),
        started=_total(counted, "admitted_started"),
        completed=_total(counted, "admitted_completed"),
    )


def decisions(period: Period, course_id: int | None, counted: Sums) -> Decisions:
    """Return what was decided in the period, and how soon."""
    queue = execute(_waiting(course_id is not None), course_id=course_id).one()
    approved, rejected = _total(counted, "approved"), _total(counted, "rejected")
    middle = (approved + rejected) // 2
    return Decisions(
        approved=approved,
        rejected=rejected,
        median_seconds=_wait_at(middle, period, course_id),
        waiting=queue.number,
        longest_waiting_since=queue.since,
    )


def courses(course_id: int | None, *, limit: int | None = None) -> list[CourseFigures]:
    """Return the one course or all of them, those with the most students first."""
    return read(CourseFigures, _courses(course_id is not None, limit), course_id=course_id)


def chapters(course_id: int) -> list[ChapterFigures]:
    """Return where the enrolled of a course stop: each chapter with those who completed it."""
    enrolled = select(func.count()).where(Enrollment.course_id == course_id).scalar_subquery()
    completed = func.count(Enrollment.id)
    rows = db.session.execute(
        select(
            Chapter.id,
            Chapter.title,
            completed.label("completed"),
            (completed * 100 // func.coalesce(func.nullif(enrolled, 0), 1, type_=Integer)).label(
                "share"
            ),
        )
        .outerjoin(ChapterCompletion, ChapterCompletion.chapter_id == Chapter.id)
        .outerjoin(
            Enrollment,
            and_(
                Enrollment.user_id == ChapterCompletion.student_id,
                Enrollment.course_id == Chapter.course_id,
            ),
        )
        .where(Chapter.course_id == course_id)
        .group_by(Chapter.id, Chapter.title, Chapter.position)
        .order_by(Chapter.position, Chapter.id)
    )
    return [ChapterFigures(**row._asdict()) for row in rows]


def _total(counted: Sums, name: str) -> int:
    return sum(counted.get((name, ""), {}).values())


def _wait_at(rank: int, period: Period, course_id: int | None) -> int | None:
    """Return the wait at a rank: of the school in ever shorter steps, as all are too many."""
    if course_id is not None:
        wait = seconds_between(Decision.requested_at, Decision.decided_at)
        made = (Decision.course_id == course_id, stands(), period.covers(Decision.decided_at))
        return db.session.scalar(select(wait).where(*made).order_by(wait).limit(1).offset(rank))
    name, step = "waited", None
    for _ in WAIT_STEPS:
        for step, number in distribution(name, period.starts_on, period.ends_on):  # noqa: B007
            if rank < number:
                break
            rank -= number
        name += f" {step}"
    return step


@cache
def _waiting(is_of_one_course: bool) -> Select[*tuple[Any, ...]]:
    longest = select(func.min(AccessRequest.created_at)).where(is_pending())
    if is_of_one_course:
        longest = longest.where(AccessRequest.course_id == COURSE)
    number = current("waiting", course_id=COURSE if is_of_one_course else SCHOOL)
    return select(number.label("number"), longest.scalar_subquery().label("since"))


@cache
def _courses(is_one: bool, limit: int | None) -> Select[*tuple[Any, ...]]:
    sums = (
        select(
            CurrentCount.course_id,
            *(
                summed(CurrentCount.value, CurrentCount.name == name).label(name)
                for name in ("enrolled", "started", "completed", "progress")
            ),
        )
        .where(CurrentCount.course_id != SCHOOL)
        .group_by(CurrentCount.course_id)
        .subquery()
    )
    enrolled = func.coalesce(sums.c.enrolled, 0, type_=Integer)
    average = sums.c.progress // func.nullif(sums.c.enrolled, 0, type_=Integer)
    found = (
        select(
            Course.id,
            Course.title,
            enrolled.label("enrolled"),
            func.coalesce(sums.c.started, 0).label("started"),
            func.coalesce(sums.c.completed, 0).label("completed"),
            func.coalesce(average, 0).label("average_progress"),
        )
        .outerjoin(sums, sums.c.course_id == Course.id)
        .order_by(enrolled.desc(), Course.title, Course.id)
        .limit(limit)
    )
    return found.where(Course.id == COURSE) if is_one else found
