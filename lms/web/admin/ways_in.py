"""Helping a student in: another address, and a link for a new password to hand over."""

from flask import flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from lms import accounts, enrollment
from lms.queries.admin import students as people
from lms.refusals import Invalid
from lms.web.addresses import is_mail_sent, origin, whole
from lms.web.admin.blueprint import bp
from lms.web.admin.forms import ReasonForm, StudentAddressForm
from lms.web.forms import refuse, status_of
from lms.web.invitations import invite
from lms.web.session import person, require_proof
from lms.web.signing import keys


@bp.route("/students/<int:student_id>/address", methods=["GET", "POST"])
def change_address(student_id: int) -> Response:
    """Give the student another address; it counts as theirs by the admin's word."""
    student = people.detail(student_id).student
    form = StudentAddressForm()
    if form.is_submitted() and form.validate():
        require_proof()
        try:
            enrollment.set_email(
                student_id,
                str(form.email.data),
                by=person().id,
                reason=str(form.reason.data),
                portal=origin(),
                invite=invite(),
            )
        except Invalid as refusal:
            refuse(form, refusal)
        else:
            mail = ""
            if is_mail_sent():
                keeps = student.is_proven and student.has_accepted
                mail = (
                    " We've e-mailed both addresses."
                    if keeps
                    else " We've sent an invitation to the new address."
                )
            flash(f"Address changed. The student is signed out everywhere.{mail}", "success")
            return redirect(url_for("admin.student", student_id=student_id), 303)
    page = render_template("admin/student_address.html", student=student, form=form)
    return make_response(page, status_of(form) if form.is_submitted() else 200)


@bp.route("/students/<int:student_id>/password-link", methods=["GET", "POST"])
def password_link(student_id: int) -> Response:
    """Show a link for a new password once, for the student who can't get one by e-mail."""
    student = people.detail(student_id).student
    form = ReasonForm()
    made = ""
    if form.is_submitted() and form.validate():
        require_proof()
        made = accounts.reset_link(
            student_id,
            by=person().id,
            reason=form.reason.data or "",
            link=lambda token: whole("auth.reset", token=token),
            secret=keys(),
        )
    page = render_template("admin/password_link.html", student=student, form=form, link=made)
    return make_response(page, status_of(form) if form.errors else 200)
