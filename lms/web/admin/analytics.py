"""Analytics: the figures of the school with charts, and as files for a spreadsheet."""

from collections.abc import Iterable
from typing import Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from lms.money import plain
from lms.queries import analytics as school
from lms.queries.admin import courses as offered
from lms.queries.analytics import Analytics, Period
from lms.queries.analytics.activity import points, revenue, sums
from lms.queries.analytics.outcomes import courses as course_figures
from lms.queries.analytics.period import Step, period
from lms.queries.analytics.risk import QuietStudent, every_quiet_student
from lms.web import behind
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import chosen_date, chosen_id
from lms.web.admin.spreadsheets import export, spreadsheet
from lms.web.school import school as settings


@bp.get("/analytics")
@live("catalogue", "requests", "access", "progress", "people", "payments")
def analytics() -> str:
    """Show the figures of the chosen days and course."""
    found, courses = behind.read(_figures, may_lag=True)
    chosen = found.period
    address: dict[str, Any] = {
        "from": chosen.starts_on,
        "to": chosen.ends_on,
        "course": found.course_id,
    }
    return render_template(
        "admin/analytics.html",
        figures=found,
        courses=courses,
        label=_label,
        school_zone=settings().time_zone,
        exports=[
            (name, url_for("admin.export_analytics", table=name, **address))
            for name in ("days", "courses")
        ],
    )


@bp.get("/analytics/<any('days', 'courses'):table>.csv")
def export_analytics(table: str) -> Response:
    """Give the figures as a file."""
    course_id = chosen_id("course")
    return spreadsheet(
        f"{table}.csv", lambda: _days(course_id) if table == "days" else _courses(course_id)
    )


@bp.get("/analytics/at-risk.csv")
def students_at_risk_csv() -> Response:
    """Export the students at risk."""
    course_id = chosen_id("course")
    return export("at-risk", QuietStudent, lambda: every_quiet_student(course_id))


def _figures() -> tuple[Analytics, list[tuple[int, str]]]:
    """Return the figures of the chosen course, or of all, and the courses to choose from."""
    courses = offered.titles()
    course_id = chosen_id("course")
    if course_id not in {number for number, _ in courses}:
        course_id = None
    return school.figures(_period(), course_id), courses


def _period(step: Step | None = None) -> Period:
    return period(chosen_date("from"), chosen_date("to"), step=step)


def _days(course_id: int | None) -> Iterable[list[Any]]:
    chosen = _period("day")
    counted = sums(chosen, course_id)
    paid = revenue(chosen, counted)
    yield [
        *("date", "time_zone", "enrollments", "completions", "requests"),
        *(f"paid_{row.currency}" for row in paid),
    ]
    for number, point in enumerate(points(chosen, counted)):
        money = [plain(row.points[number].paid_cents, row.currency) for row in paid]
        happened = (point.enrollments, point.completions, point.requests)
        yield [point.starts_on, chosen.time_zone, *happened, *money]


def _courses(course_id: int | None) -> Iterable[list[Any]]:
    yield ["id", "title", "enrolled", "started", "completed", "average_progress"]
    for row in course_figures(course_id):
        yield [row.id, row.title, row.enrolled, row.started, row.completed, row.average_progress]


def _label(chosen: Period, start: Any) -> str:
    """Name a point of a chart."""
    return f"{start:%b %Y}" if chosen.step == "month" else f"{start:%-d %b}"
