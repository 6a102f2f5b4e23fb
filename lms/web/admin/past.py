"""Who had access on a day of the past: to a course, and of a student."""

from functools import partial

from flask import render_template, request
from werkzeug.wrappers import Response

from lms.db import now
from lms.live import Topic
from lms.queries import past
from lms.queries.past import AsOf, PastAccesses, PastSource, Whole
from lms.refusals import Invalid
from lms.sync.explain import SOURCES
from lms.times import day_of
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import addresses, listed
from lms.web.admin.spreadsheets import export
from lms.web.school import school


def asked_moment() -> str:
    """Return the day or time that the page is asked for; blank for now."""
    return request.args.get("at", "").strip()


def _settled() -> tuple[Topic, ...]:
    """Of a day that is over only names change."""
    try:
        return ("access",) if _moment(asked_moment()).is_settled else ()
    except Invalid:
        return ()


@bp.get("/courses/<int:course_id>/access")
@live("access", "people", "catalogue", settled=_settled)
def course_access(course_id: int) -> str | tuple[str, int]:
    """List who had access to a course."""
    return _page("course", course_id)


@bp.get("/courses/<int:course_id>/access.csv")
def course_access_csv(course_id: int) -> Response:
    """Export who had access to a course, a row for each source."""
    return _export("course", course_id)


@bp.get("/students/<int:student_id>/access")
@live("access", "people", "catalogue", settled=_settled)
def student_access(student_id: int) -> str | tuple[str, int]:
    """List what a student had access to."""
    return _page("student", student_id)


@bp.get("/students/<int:student_id>/access.csv")
def student_access_csv(student_id: int) -> Response:
    """Export what a student had access to, a row for each source."""
    return _export("student", student_id)


def _page(whole: Whole, number: int) -> str | tuple[str, int]:
    asked = asked_moment()
    concerned = past.course if whole == "course" else past.student
    address = addresses(f"admin.{whole}_access", at=asked, **{f"{whole}_id": number})
    subject, moment, refusal = concerned(number), None, ""
    try:
        moment = _moment(asked)
        concerned(number, moment)
        found = listed(partial(_accesses, whole, number, moment), address)
    except Invalid as error:
        moment, found, refusal = None, None, error.detail
    page = render_template(
        "admin/past.html",
        whole=whole,
        subject=subject,
        moment=moment,
        asked=asked,
        refusal=refusal,
        found=found,
        address=address,
        today=day_of(now(), school().time_zone),
        sources=SOURCES,
    )
    return (page, 422) if refusal else page


def _accesses(whole: Whole, number: int, moment: AsOf, page: int) -> PastAccesses:
    return past.accesses(whole, number, moment, page=page)


def _export(whole: Whole, number: int) -> Response:
    moment = _moment(asked_moment())
    (past.course if whole == "course" else past.student)(number, moment)
    name = f"{whole}-{number}-access-{moment.day}"
    return export(name, PastSource, lambda: past.every_source(whole, number, moment))


def _moment(asked: str) -> AsOf:
    there = school().time_zone
    return past.as_of(asked or str(day_of(now(), there)), there)
