"""The students of a course: the list, filtered, and as a file."""

from typing import Any, get_args

from flask import render_template, request
from werkzeug.wrappers import Response

from lms.models import SourceKind
from lms.queries.admin import course_people as listed_people
from lms.queries.admin import courses as offered
from lms.queries.admin.course_people import CoursePerson, Standing
from lms.sync.explain import SOURCES, named
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import addresses, listed
from lms.web.admin.spreadsheets import export
from lms.web.forms import search_text

STANDINGS: dict[Standing, str] = {
    "not_started": "Not started",
    "in_progress": "In progress",
    "completed": "Completed",
}


@bp.get("/courses/<int:course_id>/people")
@live("access", "people", "progress", "payments", "catalogue")
def course_people(course_id: int) -> str:
    """List the students of a course."""
    course, chosen = offered.course(course_id), chosen_people()
    address = addresses("admin.course_people", course_id=course_id, **chosen)
    found = listed(lambda page: listed_people.people(course_id, page=page, **chosen), address)
    return render_template(
        "admin/course_people.html",
        course=course,
        found=found,
        people=[(each, named(each.sources)) for each in found.people],
        address=address,
        chosen=chosen,
        standings=STANDINGS,
        sources=SOURCES,
    )


@bp.get("/courses/<int:course_id>/people.csv")
def course_people_csv(course_id: int) -> Response:
    """Export the students of a course."""
    offered.course(course_id)
    chosen = chosen_people()
    return export(
        f"course-{course_id}-people",
        CoursePerson,
        lambda: listed_people.every_person(course_id, **chosen),
        first=("student_id", "name", "email"),
        called={"payments": "kept"},  # of each payment
    )


def chosen_people() -> dict[str, Any]:
    """Return by what the students of a course are looked for."""
    standing, source = (request.args.get(name, "") for name in ("standing", "source"))
    return {
        "q": search_text(),
        "standing": standing if standing in get_args(Standing) else None,
        "source": source if source in get_args(SourceKind) else None,
    }
