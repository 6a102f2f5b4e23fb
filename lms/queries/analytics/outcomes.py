"""What became of it: the way from request to completion, decisions, courses, students at risk."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Integer, and_, func, or_, select

from lms.db import db, now
from lms.models import (
    AccessRequest,
    Chapter,
    ChapterCompletion,
    Course,
    Decision,
    Enrollment,
    StudentProgress,
    User,
    stands,
)
from lms.queries.analytics.activity import requests_made
from lms.queries.analytics.period import Period
from lms.queries.elapsed import seconds_between
from lms.queries.read_model import read_model

QUIET_DAYS = 14
MOST_LISTED = 20
MOST_COURSES = 100


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


@read_model
class QuietStudent:
    """An enrolled student who has not been active in the course for a while."""

    student_id: int
    name: str
    course_id: int
    title: str
    progress: int
    last_seen_at: datetime


@read_model
class AtRisk:
    """How many unfinished enrollments are inactive, and the longest inactive of them."""

    quiet_days: int
    total: int
    students: list[QuietStudent]


def funnel(period: Period, course_id: int | None) -> Funnel:
    """Return the outcomes of the requests made in the period."""
    asked = requests_made()
    requested = select(func.count()).select_from(asked).where(period.covers(asked.c.at))
    approved = (
        select(
            func.count().label("approved"),
            func.count().filter(_has_started()).label("started"),
            func.count().filter(Enrollment.progress == 100).label("completed"),
        )
        .select_from(Decision)
        .outerjoin(
            Enrollment,
            and_(
                Enrollment.user_id == Decision.student_id,
                Enrollment.course_id == Decision.course_id,
            ),
        )
        .outerjoin(StudentProgress, _mirrors())
        .where(Decision.status == "approved", stands(), period.covers(Decision.requested_at))
    )
    if course_id is not None:
        requested = requested.where(asked.c.course_id == course_id)
        approved = approved.where(Decision.course_id == course_id)
    row = db.session.execute(approved).one()
    return Funnel(requested=db.session.scalar(requested) or 0, **row._asdict())


def decisions(period: Period, course_id: int | None) -> Decisions:
    """Return what was decided in the period, and how soon."""
    made = and_(stands(), period.covers(Decision.decided_at))
    waiting = select(func.count(), func.min(AccessRequest.created_at)).where(
        AccessRequest.status == "pending"
    )
    if course_id is not None:
        made = and_(made, Decision.course_id == course_id)
        waiting = waiting.where(AccessRequest.course_id == course_id)
    approved, rejected = db.session.execute(
        select(
            func.count().filter(Decision.status == "approved"),
            func.count().filter(Decision.status == "rejected"),
        ).where(made)
    ).one()
    wait = seconds_between(Decision.requested_at, Decision.decided_at)
    middle = (approved + rejected) // 2
    median = db.session.scalar(select(wait).where(made).order_by(wait).limit(1).offset(middle))
    number, since = db.session.execute(waiting).one()
    return Decisions(
        approved=approved,
        rejected=rejected,
        median_seconds=None if median is None else max(0, int(median)),
        waiting=number,
        longest_waiting_since=since,
    )


def courses(course_id: int | None) -> list[CourseFigures]:
    """Return the courses with the most students."""
    # Each table is added up by itself: joining them row by row costs ten times as much.
    enrolled = (
        select(
            Enrollment.course_id,
            func.count().label("enrolled"),
            func.count().filter(Enrollment.progress == 100).label("completed"),
            func.sum(Enrollment.progress).label("total"),
        )
        .group_by(Enrollment.course_id)
        .subquery()
    )
    active = (
        select(StudentProgress.course_id, func.count().label("started"))
        .where(_has_started())
        .group_by(StudentProgress.course_id)
        .subquery()
    )
    count = func.coalesce(enrolled.c.enrolled, 0, type_=Integer)
    found = (
        select(
            Course.id,
            Course.title,
            count.label("enrolled"),
            func.coalesce(active.c.started, 0).label("started"),
            func.coalesce(enrolled.c.completed, 0).label("completed"),
            func.coalesce(enrolled.c.total // enrolled.c.enrolled, 0).label("average_progress"),
        )
        .outerjoin(enrolled, enrolled.c.course_id == Course.id)
        .outerjoin(active, active.c.course_id == Course.id)
        .order_by(count.desc(), Course.title, Course.id)
        .limit(MOST_COURSES)
    )
    if course_id is not None:
        found = found.where(Course.id == course_id)
    return [CourseFigures(**row._asdict()) for row in db.session.execute(found)]


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


def at_risk(course_id: int | None) -> AtRisk:
    """Return the unfinished enrollments in which nothing has happened for a while."""
    seen = func.coalesce(StudentProgress.last_activity_at, Enrollment.enrolled_at)
    locked_out = select(User.id).where(~User.is_active)
    quiet = (
        select(Enrollment.id, seen.label("last_seen_at"))
        .join(StudentProgress, _mirrors())
        .where(
            Enrollment.progress < 100,
            Enrollment.user_id.not_in(locked_out),
            seen < now() - timedelta(days=QUIET_DAYS),
        )
    )
    if course_id is not None:
        quiet = quiet.where(Enrollment.course_id == course_id)
    longest = quiet.order_by(seen, Enrollment.id).limit(MOST_LISTED).subquery()
    rows = db.session.execute(
        select(
            User.id.label("student_id"),
            User.name,
            Course.id.label("course_id"),
            Course.title,
            Enrollment.progress,
            longest.c.last_seen_at,
        )
        .join(longest, longest.c.id == Enrollment.id)
        .join(User, User.id == Enrollment.user_id)
        .join(Course, Course.id == Enrollment.course_id)
        .order_by(longest.c.last_seen_at, Enrollment.id)
    )
    counted = quiet.with_only_columns(func.count(), maintain_column_froms=True)
    return AtRisk(
        quiet_days=QUIET_DAYS,
        total=db.session.scalar(counted) or 0,
        students=[QuietStudent(**row._asdict()) for row in rows],
    )


def _mirrors() -> ColumnElement[bool]:
    return and_(
        StudentProgress.student_id == Enrollment.user_id,
        StudentProgress.course_id == Enrollment.course_id,
    )


def _has_started() -> ColumnElement[bool]:
    # The first of very many chapters is less than one percent, rounded down to none.
    return or_(StudentProgress.total_progress > 0, StudentProgress.last_activity_at.is_not(None))
