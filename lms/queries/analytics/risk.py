"""Students at risk: enrolled, not finished, and not seen in the course for a while.

Nearly all of a school may be. So those seen of late are subtracted from all who are unfinished: of
a course by an index; of the school by the sums of days, but for what is left of the first of them.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from lms.db import UtcDateTime, now
from lms.models import SCHOOL, Course, DailyCount, Enrollment, StudentProgress, User, is_odd
from lms.queries.read_model import COURSE, execute, read, read_model, stream
from lms.queries.sums import current, summed
from lms.times import day_of, start_of

QUIET_DAYS = 14
MOST_LISTED = 20
_SINCE = bindparam("since", type_=UtcDateTime)
_DAY_AFTER = bindparam("day_after", type_=Date)
_MIDNIGHT = bindparam("midnight", type_=UtcDateTime)
# As they stand in the conditions of the indexes: a parameter would fit none of them.
_NONE, _ALL = literal_column("0", Integer), literal_column("100", Integer)
_ACTIVE, _ENROLLED = StudentProgress.last_activity_at, Enrollment.enrolled_at
_NOT_BEGUN = Enrollment.progress == _NONE
_UNFINISHED = StudentProgress.total_progress < _ALL
_HAS_NONE = StudentProgress.total_progress == _NONE
_ODD = is_odd(StudentProgress.total_progress, _ACTIVE)
_MIRRORS = and_(
    StudentProgress.student_id == Enrollment.user_id,
    StudentProgress.course_id == Enrollment.course_id,
)
# Asked for each of the few odd rows: joined, SQLite may read all enrollments first.
_ITS_START = select(_ENROLLED).where(_MIRRORS).correlate(StudentProgress).scalar_subquery()


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


def at_risk(course_id: int | None, zone: str) -> AtRisk:
    """Return the unfinished enrollments in which nothing has happened for a while.

    `zone` is that by whose days sums are kept.
    """
    since = now() - timedelta(days=QUIET_DAYS)
    day_after: date = day_of(since, zone) + timedelta(days=1)
    values = {"since": since, "day_after": day_after, "midnight": start_of(day_after, zone)}
    is_one = course_id is not None
    return AtRisk(
        quiet_days=QUIET_DAYS,
        total=execute(_total(is_one), course_id=course_id, **values).scalar() or 0,
        students=read(
            QuietStudent, _longest(is_one, MOST_LISTED), course_id=course_id, since=since
        ),
    )


def every_quiet_student(course_id: int | None) -> Iterator[QuietStudent]:
    """Yield all whose unfinished enrollments are inactive, the longest inactive first."""
    since = now() - timedelta(days=QUIET_DAYS)
    found = _longest(course_id is not None, None)
    return stream(QuietStudent, found, course_id=course_id, since=since)


@cache
def _total(is_one: bool) -> Select[*tuple[Any, ...]]:
    course: Any = COURSE if is_one else SCHOOL
    unfinished = current("enrolled", course_id=course) - current("completed", course_id=course)
    active = select(func.count()).where(_UNFINISHED, _ACTIVE >= _SINCE)
    enrolled = select(func.count()).where(_NOT_BEGUN, _ENROLLED >= _SINCE)
    # Whoever is active at 0 % is among both; whoever is not in spite of progress, in neither.
    twice = case((_HAS_NONE, 1), else_=-1)
    odd = select(func.coalesce(func.sum(twice), 0)).where(_ODD, _ITS_START >= _SINCE)
    theirs = (
        select(func.count())
        .select_from(Enrollment)
        .join(StudentProgress, _MIRRORS)
        .where(Enrollment.user_id == User.id, Enrollment.progress < _ALL)
        .where(func.coalesce(_ACTIVE, _ENROLLED) < _SINCE)
        .correlate(User)
    )
    if is_one:
        active, odd = (each.where(StudentProgress.course_id == COURSE) for each in (active, odd))
        enrolled, theirs = (
            each.where(Enrollment.course_id == COURSE) for each in (enrolled, theirs)
        )
    else:
        active, enrolled = active.where(_ACTIVE < _MIDNIGHT), enrolled.where(_ENROLLED < _MIDNIGHT)
        unfinished = unfinished - _since(_DAY_AFTER)
    # Of each person who can't sign in: joined, SQLite may read all enrollments.
    locked_out = select(summed(theirs.scalar_subquery())).where(~User.is_active)
    for each in (active, enrolled, locked_out):
        unfinished = unfinished - each.scalar_subquery()
    return select(unfinished + odd.scalar_subquery())


def _since(day: ColumnElement[date]) -> ColumnElement[int]:
    """Return how many of the school were active or enrolled from a day on, from the sums."""
    lately = select(summed(DailyCount.value)).where(
        DailyCount.course_id == SCHOOL,
        or_(DailyCount.name == "active", DailyCount.name == "not_begun"),
        DailyCount.day >= day,
    )
    return lately.scalar_subquery()


@cache
def _longest(is_one: bool, most: int | None) -> Select[*tuple[Any, ...]]:
    """Select those quiet for longest: active once, not begun, or restored without any activity."""
    learns = (StudentProgress.student_id, StudentProgress.course_id)
    never = select(_ACTIVE.is_(None)).where(_MIRRORS).correlate(Enrollment).scalar_subquery()
    first = [
        _first(select(*learns, _ACTIVE).where(_UNFINISHED), StudentProgress, is_one, most),
        _first(
            select(Enrollment.user_id, Enrollment.course_id, _ENROLLED).where(_NOT_BEGUN, never),
            *(Enrollment, is_one, most),
        ),
        _first(
            select(*learns, _ITS_START).where(_ODD, case((_HAS_NONE, 0), else_=1) == 1),
            *(StudentProgress, is_one, most),
        ),
    ]
    quiet = union_all(*(select(*way.c) for way in first)).subquery()
    student, course, seen = quiet.c
    return (
        select(
            Enrollment.user_id.label("student_id"),
            User.name,
            Enrollment.course_id,
            Course.title,
            Enrollment.progress,
            seen.label("last_seen_at"),
        )
        .select_from(quiet)
        .join(Enrollment, and_(Enrollment.user_id == student, Enrollment.course_id == course))
        .join(User, User.id == student)
        .join(Course, Course.id == course)
        .order_by(seen, Enrollment.id)
        .limit(most)
    )


def _first(
    found: Select[*tuple[Any, ...]],
    table: type[Enrollment | StudentProgress],
    is_one: bool,
    most: int | None,
) -> Subquery:
    """Return the first of them, of people who may sign in; the index has them in this order."""
    student, _, seen = found.selected_columns
    # Asked for each row: joined, or as EXISTS, engines may read all people first.
    can_sign_in = select(User.is_active).where(User.id == student).scalar_subquery()
    found = found.where(seen < _SINCE, can_sign_in)
    if is_one:
        found = found.where(table.course_id == COURSE)
    return found.order_by(seen, table.id).limit(most).subquery()
