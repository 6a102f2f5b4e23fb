"""The picture of a course, chosen among its own."""

from flask import flash, redirect, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField

from lms import enrollment
from lms.queries.admin import courses as offered
from lms.refusals import Invalid
from lms.web.admin.blueprint import bp
from lms.web.forms import trimmed
from lms.web.session import person


class CoverForm(FlaskForm):
    """The number of a picture; empty for none."""

    picture = StringField("Picture", filters=[trimmed])

    def number(self) -> int | None:
        """Return the number; raises Invalid."""
        typed = str(self.picture.data or "")
        if not typed:
            return None
        if not (typed.isascii() and typed.isdecimal() and len(typed) < 10):
            raise Invalid("picture", "Choose one of the course's pictures.")
        return int(typed)


@bp.post("/courses/<int:course_id>/picture")
def choose_cover(course_id: int) -> Response:
    """Make a picture that of the course."""
    offered.course(course_id)
    form = CoverForm()
    try:
        if form.validate():
            enrollment.choose_cover(course_id, form.number(), by=person().id)
            flash("Picture saved.", "success")
        else:
            flash("This form has expired. Send it again.", "warning")
    except Invalid as refusal:
        flash(refusal.detail, "warning")
    return redirect(url_for("admin.course", course_id=course_id, _anchor="picture"), 303)
