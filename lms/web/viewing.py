"""The portal as a student sees it, to look at: an admin's sign-in shows it, and changes nothing.

Whatever would change something, or shows what is the student's own secret, is refused here, before
any route is asked. What can be read is listed, so that a new page is refused until it stands here.
"""

import re

from flask import Blueprint, Flask, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from lms import accounts
from lms.queries.admin import students as people
from lms.refusals import Invalid, StudentNotFound
from lms.web import trace
from lms.web.bounds import MESSAGE_LENGTH
from lms.web.errors import answer, wants_json
from lms.web.forms import status_of, text_field
from lms.web.session import SessionUser, ViewEnded, note_view, person, require

bp = Blueprint("viewing", __name__)
_require_admin = require("admin")
_ENDS = {"viewing.end", "auth.logout"}
_SHOWN = re.compile(
    r"/|/(static|logo|legal|certificates)(/.*)?|/courses/<int:course_id>/files/.*"
    r"|/student/(?!payments/return$).*|/api/student/.*"
    r"|/api/(openapi\.json|session|sync/connection|sync/health)|/healthz|/metrics"
)
"""The rules of what can be read: what the student sees and what all see, but no account, and not
the one page that changes something.
"""
_READING = {"GET", "HEAD", "OPTIONS"}


class ViewForm(FlaskForm):
    """Why an admin looks, for the trail."""

    reason = text_field("Reason", most=MESSAGE_LENGTH)


def init_app(app: Flask) -> None:
    """Refuse what nobody may do as a student, before any route is asked.

    After the token: where the database is away, a form with a good one is kept, to be sent again.
    """
    app.before_request(_refuse)
    app.register_error_handler(ViewEnded, _ended)


@bp.route("/admin/students/<int:student_id>/view", methods=["GET", "POST"])
def begin(student_id: int) -> ResponseReturnValue:
    """Ask why, then show the portal as this student sees it."""
    _require_admin()
    student = people.student(student_id)
    form = ViewForm()
    if form.is_submitted() and form.validate():
        try:
            accounts.view_as(
                person().sign_in_id, student_id, by=person().id, reason=form.reason.data or ""
            )
        except Invalid as refusal:
            flash(refusal.detail, "warning")
            return redirect(url_for("admin.student", student_id=student_id), 303)
        note_view(student_id)
        return redirect(url_for("student.dashboard"), 303)
    page = render_template("admin/view_as.html", student=student, form=form)
    return page, status_of(form) if form.is_submitted() else 200


@bp.post("/viewing/end")
def end() -> Response:
    """End it, and lead back to the student's page."""
    if not current_user.is_authenticated:
        return redirect(url_for("auth.login"), 303)
    viewed = accounts.end_view(person().sign_in_id)
    note_view(None)
    if viewed is None:
        return redirect(url_for("home.index"), 303)
    return redirect(url_for("admin.student", student_id=viewed), 303)


def _refuse() -> Response | None:
    rule = request.url_rule.rule if request.url_rule else "/"
    if request.method in _READING and _SHOWN.fullmatch(rule):
        return None
    if request.endpoint in _ENDS or (viewed := _viewed()) is None:
        return None
    trace.refused("viewing as a student")
    told = f"You're viewing the portal as {viewed.name}."
    if request.method in _READING:
        what = "This page isn't shown while you're viewing as a student."
    else:
        what = "Nothing can be changed, and nothing was."
    way_out = "Send POST /viewing/end first." if wants_json() else "Choose “Stop viewing” first."
    return answer(403, "forbidden", f"{told} {what} {way_out}", title="You're viewing as a student")


def _ended(over: ViewEnded) -> Response:
    trace.refused("view ended")
    try:
        name = people.student(over.student_id).name
    except StudentNotFound:
        told = "You're no longer viewing the portal as a student: their account was deleted."
        way_out = ("Go to Students", url_for("admin.students"))
    else:
        told = f"You're no longer viewing the portal as {name}."
        way_out = (f"Go to {name}", url_for("admin.student", student_id=over.student_id))
    detail = f"{told} Nothing was changed."
    title = "Viewing has ended"
    return answer(403, "forbidden", detail, title=title, shown={"ways_out": [way_out]})


def _viewed() -> SessionUser | None:
    """Return the student as whom an admin sees the portal; asked only of who is signed in."""
    if "_user_id" not in session or not current_user.is_authenticated:
        return None
    return person() if person().viewer_id else None
