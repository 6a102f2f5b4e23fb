"""Certificates: the student's download, and the public page that verifies one."""

import hashlib
from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from lms.queries import certificates as queries
from lms.queries import student
from lms.queries.student import StudentCertificate
from lms.refusals import CertificateNotFound, NotCompleted, StorageAway
from lms.web.addresses import whole
from lms.web.certificate_pdf import draw
from lms.web.school import logo_place, school
from lms.web.session import person, require

bp = Blueprint("certificates", __name__)
_require_student = require("student")


@bp.get("/student/courses/<int:course_id>/certificate")
def download(course_id: int) -> ResponseReturnValue:
    """Give the student the certificate of a completed course, as a PDF."""
    _require_student()
    found = student.certificates(person().id, course_id)
    if found:
        return _pdf(found[0])
    page = student.course(person().id, course_id)  # there may be no such course
    way = ("Open course", url_for("student.course", course_id=course_id))
    return _not_now(f"You haven't completed {page.card.title} yet", NotCompleted.detail, way)


@bp.get("/student/certificates/<int:certificate_id>")
def download_by_number(certificate_id: int) -> ResponseReturnValue:
    """Give the student a certificate whose course may be gone."""
    _require_student()
    for found in student.certificates(person().id):
        if found.id == certificate_id:
            return _pdf(found)
    raise CertificateNotFound


@bp.get("/certificates")
def check() -> ResponseReturnValue:
    """Ask for a certificate's code, and redirect to its page."""
    if code := queries.normalized(request.args.get("code", "")[:200]):
        return redirect(url_for(".certificate", code=code), 303)
    return _private(render_template("certificates/check.html", code="", unknown=False))


@bp.get("/certificates/<code>")
def certificate(code: str) -> ResponseReturnValue:
    """Show anyone who has the code who completed what and when, and whether it is valid."""
    try:
        found = queries.certificate(code[:200])
    except CertificateNotFound:
        page = render_template("certificates/check.html", code=code[:200], unknown=True)
        return _private(page, 404)
    return _private(render_template("certificates/certificate.html", certificate=found))


def _pdf(found: StudentCertificate) -> ResponseReturnValue:
    if found.revoked_at is not None:
        way = ("View certificates", url_for("student.progress") + "#certificates")
        return _not_now(
            "This certificate was revoked",
            "If the school gave a reason, you'll find it under Notices.",
            way,
        )
    response = current_app.response_class(mimetype="application/pdf")
    drawn: dict[str, Any] = {
        "school": school().name,
        "zone": school().time_zone,
        "address": whole(".certificate", code=found.code),
    }
    response.headers["Content-Disposition"] = f'attachment; filename="certificate-{found.code}.pdf"'
    try:
        drawn["logo"] = logo_place()
    except StorageAway:  # better without than not at all, and the next time it is drawn anew
        response.data = draw(found, **drawn)
        return response
    said = repr((current_app.config["LIVE_BUILD"], found, drawn))
    tag = hashlib.sha256(said.encode()).hexdigest()[:24]
    response.set_etag(tag)
    if request.if_none_match.contains(tag):
        response.status_code = 304
        return response
    response.data = draw(found, **drawn)
    return response


def _not_now(title: str, detail: str, way_out: tuple[str, str]) -> ResponseReturnValue:
    ways_out = [way_out]
    return render_template(
        "error.html", status=409, title=title, detail=detail, ways_out=ways_out
    ), 409


def _private(page: str, status: int = 200) -> Response:
    """Keep a page that names a person out of search engines."""
    response = current_app.make_response((page, status))
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
