"""The figures of the school over a period, for the page, its export and the JSON answer alike."""

from lms.queries.analytics.activity import Point, Revenue, points, revenue, sums
from lms.queries.analytics.outcomes import (
    MOST_COURSES,
    ChapterFigures,
    CourseFigures,
    Decisions,
    Funnel,
    chapters,
    courses,
    decisions,
    funnel,
)
from lms.queries.analytics.period import Period, period
from lms.queries.analytics.risk import AtRisk, at_risk
from lms.queries.read_model import read_model

__all__ = [
    "Analytics",
    "Period",
    "Point",
    "Revenue",
    "figures",
    "period",
    "points",
    "revenue",
    "sums",
]


@read_model
class Analytics:
    """Everything that `/admin/analytics` shows."""

    period: Period
    course_id: int | None
    enrollments: int
    completions: int
    requests: int
    points: tuple[Point, ...]
    revenue: list[Revenue]
    funnel: Funnel
    decisions: Decisions
    courses: list[CourseFigures]
    """Those with the most students."""
    chapters: list[ChapterFigures]
    """Of the chosen course; none are listed for all courses together."""
    at_risk: AtRisk


def figures(period: Period, course_id: int | None = None) -> Analytics:
    """Return the figures of a period, of one course or all."""
    counted = sums(period, course_id)
    over_time = points(period, counted)
    return Analytics(
        period=period,
        course_id=course_id,
        enrollments=sum(point.enrollments for point in over_time),
        completions=sum(point.completions for point in over_time),
        requests=sum(point.requests for point in over_time),
        points=over_time,
        revenue=revenue(period, counted),
        funnel=funnel(counted),
        decisions=decisions(period, course_id, counted),
        courses=courses(course_id, limit=MOST_COURSES),
        chapters=[] if course_id is None else chapters(course_id),
        at_risk=at_risk(course_id, period.time_zone),
    )
