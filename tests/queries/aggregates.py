"""The figures of analytics added up from all rows, as pages did before there were sums."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, func, or_, select, union_all

from lms.db import db, now
from lms.models import (
    AccessRequest,
    Course,
    Decision,
    DecisionReversal,
    Enrollment,
    Payment,
    StudentProgress,
    User,
    stands,
)
from lms.queries.analytics import Period
from lms.times import day_of, start_of

_MIRRORS = and_(
    StudentProgress.student_id == Enrollment.user_id,
    StudentProgress.course_id == Enrollment.course_id,
)
_HAS_STARTED = or_(
    StudentProgress.total_progress > 0, StudentProgress.last_activity_at.is_not(None)
)


def points(period: Period, course_id: int | None) -> list[tuple[date, int, int, int]]:
    """Return the start of each step with its enrollments, completions and requests."""
    returned = select(DecisionReversal.decision_id).where(DecisionReversal.request_id.is_not(None))
    asked = union_all(
        select(AccessRequest.created_at.label("at"), AccessRequest.course_id).where(
            AccessRequest.status == "pending"
        ),
        select(Decision.requested_at, Decision.course_id).where(Decision.id.not_in(returned)),
    ).subquery()
    counted = []
    for moment, course in (
        (Enrollment.enrolled_at, Enrollment.course_id),
        (Enrollment.completed_at, Enrollment.course_id),
        (asked.c.at, asked.c.course_id),
    ):
        found = select(moment).where(_covers(period, moment), *_of(course, course_id))
        times = [time for time in db.session.scalars(found) if time is not None]
        days = Counter(day_of(time, period.time_zone) for time in times)
        counted.append(period.points(days))
    return [
        (start, enrolled, completed, requests)
        for (start, enrolled), (_, completed), (_, requests) in zip(*counted, strict=True)
    ]


def revenue(period: Period, course_id: int | None) -> list[tuple[Any, ...]]:
    """Return the currencies with their payments, and the sums of each amount."""
    rows = db.session.execute(
        select(
            Payment.currency,
            func.count(),
            func.sum(Payment.amount_cents),
            func.sum(Payment.refunded_cents),
            func.sum(func.coalesce(Payment.subtotal_cents, Payment.amount_cents)),
            func.sum(Payment.discount_cents),
            func.sum(Payment.tax_cents),
            func.sum(Payment.lost_cents),
        )
        .where(_covers(period, Payment.paid_at), *_of(Payment.course_id, course_id))
        .group_by(Payment.currency)
        .order_by(Payment.currency)
    )
    return [(currency, *map(int, numbers)) for currency, *numbers in rows]


def funnel(period: Period, course_id: int | None) -> tuple[int, int, int]:
    """Return how many of the requests were approved, have been started and are completed."""
    approved, started, completed = db.session.execute(
        select(
            func.count(),
            func.count().filter(_HAS_STARTED),
            func.count().filter(Enrollment.progress == 100),
        )
        .select_from(Decision)
        .outerjoin(
            Enrollment,
            and_(
                Enrollment.user_id == Decision.student_id,
                Enrollment.course_id == Decision.course_id,
            ),
        )
        .outerjoin(StudentProgress, _MIRRORS)
        .where(
            *(Decision.status == "approved", stands(), _covers(period, Decision.requested_at)),
            *_of(Decision.course_id, course_id),
        )
    ).one()
    return approved, started, completed


def decisions(period: Period, course_id: int | None) -> tuple[int, int, int | None]:
    """Return how many were approved and rejected, and the median of the waits."""
    made = db.session.scalars(
        select(Decision).where(
            *(stands(), _covers(period, Decision.decided_at)), *_of(Decision.course_id, course_id)
        )
    ).all()
    waits = sorted((each.decided_at - each.requested_at).total_seconds() for each in made)
    statuses = Counter(each.status for each in made)
    median = max(0, int(waits[len(waits) // 2])) if waits else None
    return statuses["approved"], statuses["rejected"], median


def waiting(course_id: int | None) -> tuple[int, Any]:
    """Return how many wait for a decision, and since when."""
    found = [AccessRequest.status == "pending", *_of(AccessRequest.course_id, course_id)]
    since = db.session.scalars(
        select(AccessRequest.created_at).where(*found).order_by(AccessRequest.created_at)
    ).all()
    return len(since), since[0] if since else None


def courses() -> dict[int, tuple[int, ...]]:
    """Return of each course how many are enrolled, began and finished, and the mean progress."""
    rows = db.session.execute(
        select(
            Course.id,
            func.count(Enrollment.id),
            func.count(Enrollment.id).filter(_HAS_STARTED),
            func.count(Enrollment.id).filter(Enrollment.progress == 100),
            func.coalesce(
                func.sum(Enrollment.progress)
                // func.nullif(func.count(Enrollment.id), 0, type_=Integer),
                0,
            ),
        )
        .outerjoin(Enrollment, Enrollment.course_id == Course.id)
        .outerjoin(StudentProgress, _MIRRORS)
        .group_by(Course.id)
    )
    return {number: tuple(figures) for number, *figures in rows}


def at_risk(course_id: int | None, days: int) -> list[tuple[Any, ...]]:
    """Return since when which student was not seen in which course, the longest first."""
    seen = func.coalesce(StudentProgress.last_activity_at, Enrollment.enrolled_at)
    rows = db.session.execute(
        select(seen, Enrollment.user_id, Enrollment.course_id)
        .join(StudentProgress, _MIRRORS)
        .join(User, User.id == Enrollment.user_id)
        .where(
            *(Enrollment.progress < 100, User.is_active, seen < now() - timedelta(days=days)),
            *_of(Enrollment.course_id, course_id),
        )
        .order_by(seen, Enrollment.user_id, Enrollment.course_id)
    )
    return [tuple(row) for row in rows]


def _covers(period: Period, moment: Any) -> ColumnElement[bool]:
    after = period.ends_on + timedelta(days=1)
    return and_(
        moment >= start_of(period.starts_on, period.time_zone),
        moment < start_of(after, period.time_zone),
    )


def _of(course: Any, course_id: int | None) -> list[ColumnElement[bool]]:
    return [] if course_id is None else [course == course_id]
