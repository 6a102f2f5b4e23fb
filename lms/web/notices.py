"""A student's notices: the list, and the unread count on every page's bell."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.db import LARGEST_ID
from lms.queries import student as queries
from lms.web.forms import page_number, way_back
from lms.web.live import live
from lms.web.session import person, require

bp = Blueprint("notices", __name__, url_prefix="/student/notices")
bp.before_request(require("student"))


@bp.get("")
@live("catalogue")
def index() -> str:
    """Show the student's notices, newest first."""
    return render_template(
        "student/notices.html", found=queries.notices(person().id, page_number()), href_for=_page
    )


@bp.post("/read")
def read() -> Response:
    """Mark one notice as read, or all."""
    chosen = request.form.get("notice", type=int)
    is_possible = chosen is None or 1 <= chosen <= LARGEST_ID
    if is_possible:
        enrollment.read_notices(person().id, None if chosen is None else [chosen])
    return redirect(way_back(url_for(".index")), 303)


def _page(number: int) -> str:
    return url_for(".index", page=number) if number > 1 else url_for(".index")
