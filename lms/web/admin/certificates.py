"""Revoking and reinstating a student's certificate."""

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.queries.admin import students as people
from lms.queries.student import StudentCertificate, certificates
from lms.refusals import CertificateNotFound
from lms.web.admin.blueprint import bp
from lms.web.admin.forms import ReasonForm
from lms.web.session import person

_ADDRESS = "/students/<int:student_id>/certificates/<int:certificate_id>"


@bp.get(f"{_ADDRESS}/revoke")
def confirm_revocation(student_id: int, certificate_id: int) -> str:
    """Show what revoking means."""
    return render_template(
        "admin/certificate_revoke.html",
        student=people.student(student_id),
        certificate=_certificate(student_id, certificate_id),
        form=ReasonForm(),
    )


@bp.post(f"{_ADDRESS}/revoke")
def revoke_certificate(student_id: int, certificate_id: int) -> Response:
    """Revoke the certificate."""
    _certificate(student_id, certificate_id)
    form = ReasonForm()
    if form.validate():
        enrollment.revoke_certificate(certificate_id, by=person().id, reason=form.reason.data or "")
        flash("Certificate revoked. The student was notified.", "success")
    else:
        flash("Nothing was changed. " + " ".join(form.reason.errors), "danger")
    return redirect(url_for("admin.student", student_id=student_id), 303)


@bp.post(f"{_ADDRESS}/reinstate")
def reinstate_certificate(student_id: int, certificate_id: int) -> Response:
    """Reinstate the certificate."""
    _certificate(student_id, certificate_id)
    enrollment.reinstate_certificate(certificate_id, by=person().id)
    flash("Certificate reinstated. The student was notified.", "success")
    return redirect(url_for("admin.student", student_id=student_id), 303)


def _certificate(student_id: int, certificate_id: int) -> StudentCertificate:
    for found in certificates(student_id):
        if found.id == certificate_id:
            return found
    raise CertificateNotFound
