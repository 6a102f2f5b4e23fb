"""Who had access on a day of the past: to a course, and of a student."""

from flask import render_template, request
from werkzeug.wrappers import Response

from lms.db import now
from lms.queries import past
from lms.queries.past import AsOf, PastSource, Whole
from lms.refusals import Invalid
from lms.sync.explain import SOURCES
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import addresses, listed
from lms.web.admin.spreadsheets import export


def asked_moment() -> str:
    """Return the day or time that the page is asked for; blank for now."""
    return request.args.get("at", "").strip()


@bp.get("/courses/<int:course_id>/access")
@live("access", "people", "catalogue")
def course_access(course_id: int) -> str | tuple[str, int]:
    """List who had access to a course."""
    return _page("course", course_id)


@bp.get("/courses/<int:course_id>/access.csv")
def course_access_csv(course_id: int) -> Response:
    """Export who had access to a course, a row for each source."""
    return _export("course", course_id)


@bp.get("/students/<int:student_id>/access")
@live("access", "people", "catalogue")
def student_access(student_id: int) -> str | tuple[str, int]:
    """List what a student had access to."""
    return _page("student", student_id)


@bp.get("/students/<int:student_id>/access.csv")
def student_access_csv(student_id: int) -> Response:
    """Export what a student had access to, a row for each source."""
    return _export("student", student_id)


def _page(whole: Whole, number: int) -> str | tuple[str, int]:
    asked = asked_moment()
    concerned, refusal = past.course if whole == "course" else past.student, ""
    try:
        moment = _moment(asked)
        subject = concerned(number, moment)
    except Invalid as error:
        asked, moment, refusal = "", _moment(""), error.detail
        subject = concerned(number, moment)
    address = addresses(f"admin.{whole}_access", at=asked, **{f"{whole}_id": number})
    page = render_template(
        "admin/past.html",
        whole=whole,
        subject=subject,
        moment=moment,
        asked=asked,
        refusal=refusal,
        found=listed(lambda page: past.accesses(whole, number, moment, page=page), address),
        address=address,
        today=now().date(),
        sources=SOURCES,
    )
    return (page, 422) if refusal else page


def _export(whole: Whole, number: int) -> Response:
    moment = _moment(asked_moment())
    (past.course if whole == "course" else past.student)(number, moment)
    name = f"{whole}-{number}-access-{moment.day}"
    return export(name, PastSource, past.every_source(whole, number, moment))


def _moment(asked: str) -> AsOf:
    return past.as_of(asked or str(now().date()))
