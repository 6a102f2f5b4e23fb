"""Resetting a student's progress in a course."""

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.queries.admin import students as people
from lms.refusals import Invalid, NotEnrolled
from lms.texts import counted
from lms.web.admin.blueprint import bp
from lms.web.admin.forms import RequiredReasonForm
from lms.web.forms import refuse, status_of
from lms.web.session import person

_ADDRESS = "/students/<int:student_id>/courses/<int:course_id>/reset-progress"


@bp.get(_ADDRESS)
def confirm_reset_progress(student_id: int, course_id: int) -> Response | tuple[str, int]:
    """Show what resetting means for this student, and ask for the reason."""
    return _page(student_id, course_id, RequiredReasonForm(formdata=None), 200)


@bp.post(_ADDRESS)
def reset_progress(student_id: int, course_id: int) -> Response | tuple[str, int]:
    """Mark all chapters incomplete."""
    form = RequiredReasonForm()
    if not form.validate():
        return _page(student_id, course_id, form, status_of(form))
    try:
        reopened = enrollment.reset_progress(
            student_id, course_id, by=person().id, reason=str(form.reason.data)
        )
    except NotEnrolled as refusal:
        flash(refusal.detail, "warning")
    except Invalid as refusal:
        refuse(form, refusal)
        return _page(student_id, course_id, form, 422)
    else:
        was = f"{counted(reopened, 'chapter')} marked incomplete"
        flash(f"{was}." if reopened else "There was nothing to reset.", "success")
    return _back(student_id)


def _page(
    student_id: int, course_id: int, form: RequiredReasonForm, status: int
) -> Response | tuple[str, int]:
    found = people.detail(student_id)
    access = next((row for row in found.enrollments if row.course_id == course_id), None)
    if access is None:
        flash(NotEnrolled.detail, "warning")
        return _back(student_id)
    template = "admin/reset_progress.html"
    return render_template(template, student=found.student, access=access, form=form), status


def _back(student_id: int) -> Response:
    return redirect(url_for("admin.student", student_id=student_id), 303)
