"""Students: the list, and one student with everything about their access."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.models import VISIBLE_STATUSES
from lms.queries import erasures
from lms.queries.admin import audit
from lms.queries.admin import courses as offered
from lms.queries.admin import offers as held
from lms.queries.admin import students as people
from lms.queries.admin.offers import HeldOffer
from lms.queries.admin.students import CourseAccess, StudentDetail, StudentRow
from lms.queries.student import (
    StudentCertificate,
    StudentPayment,
    StudentRequest,
    certificates,
)
from lms.refusals import AddressNotConfirmed, CourseFull, Invalid, NotEnrolled
from lms.sync.explain import SOURCES
from lms.texts import counted
from lms.web.addresses import mailed
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import addresses, listed
from lms.web.admin.forms import EnrollForm, ReasonForm, RequiredReasonForm
from lms.web.admin.spreadsheets import export
from lms.web.admin.trail import happening
from lms.web.forms import NameForm, refuse, search_text, status_of
from lms.web.invitations import invite
from lms.web.session import person


@bp.get("/students")
@live("people", "access", "requests", "progress")
def students() -> str:
    """List the students with their figures."""
    q = search_text()
    address = addresses("admin.students", q=q)
    found = listed(lambda page: people.students(page=page, q=q), address)
    return render_template("admin/students.html", found=found, q=q, address=address)


@bp.get("/students.csv")
def students_csv() -> Response:
    """Export the students."""
    q = search_text()
    return export(
        "students",
        StudentRow,
        lambda: people.every_student(q=q),
        first=("id", "name", "email"),
    )


@bp.get("/students/<int:student_id>")
@live("people", "access", "requests", "progress", "payments", "catalogue")
def student(student_id: int) -> str:
    """Show one student."""
    return _student_page(student_id, EnrollForm(), NameForm())


@bp.get(
    "/students/<int:student_id>"
    "/<any('courses', 'requests', 'offers', 'certificates', 'payments'):sheet>.csv"
)
def student_csv(student_id: int, sheet: str) -> Response:
    """Export one of the lists of a student's page."""
    found = people.detail(student_id)
    lists: dict[str, tuple[type, Callable[[], Iterable[Any]]]] = {
        "courses": (CourseAccess, lambda: found.enrollments),
        "requests": (StudentRequest, lambda: found.requests),
        "offers": (HeldOffer, lambda: held.every_open_offer("student", student_id)),
        "certificates": (StudentCertificate, lambda: certificates(student_id)),
        "payments": (StudentPayment, lambda: found.payments),
    }
    return export(f"student-{student_id}-{sheet}", *lists[sheet])


@bp.post("/students/<int:student_id>/enroll")
def enroll(student_id: int) -> Response | tuple[str, int]:
    """Enroll the student in the chosen course."""
    form = EnrollForm()
    form.offer(offered.titles())
    if not form.validate():
        return _student_page(student_id, form, NameForm(formdata=None)), 422
    try:
        made = enrollment.enroll(
            student_id, form.course_id.data, by=person().id, reason=form.reason.data or ""
        )
    except (CourseFull, AddressNotConfirmed) as refusal:
        flash(refusal.detail, "warning")
    else:
        again = "Already enrolled. “Enrolled by an admin” was added as a source of access."
        new = "Enrolled." if made.is_new else again
        flash(new, "success")
    return _back(student_id)


@bp.get("/students/<int:student_id>/courses/<int:course_id>/unenroll")
def confirm_unenroll(student_id: int, course_id: int) -> str | Response:
    """Show what unenrolling means for this student."""
    found = people.detail(student_id)
    access = _access(found, course_id)
    if access is None:
        flash(NotEnrolled.detail, "warning")
        return _back(student_id)
    bought = [
        payment
        for payment in found.payments
        if payment.course_id == course_id and payment.gives_access
    ]
    course = offered.course(course_id)
    is_visible = course.status in VISIBLE_STATUSES
    return render_template(
        "admin/unenroll.html",
        student=found.student,
        access=access,
        may_return=is_visible and course.is_joined_freely,
        payments=bought,
        form=ReasonForm(),
        sources=SOURCES,
    )


@bp.post("/students/<int:student_id>/courses/<int:course_id>/unenroll")
def unenroll(student_id: int, course_id: int) -> Response:
    """End the student's access to a course."""
    form = ReasonForm()
    if not form.validate():
        flash("Nothing was changed. " + " ".join(form.reason.errors), "danger")
        return _back(student_id)
    try:
        enrollment.unenroll(student_id, course_id, by=person().id, reason=form.reason.data or "")
    except NotEnrolled as refusal:
        flash(refusal.detail, "warning")
    else:
        flash("Unenrolled. The student's progress is kept.", "success")
    return _back(student_id)


@bp.get("/students/<int:student_id>/courses/<int:course_id>/reset-progress")
def confirm_reset_progress(student_id: int, course_id: int) -> Response | tuple[str, int]:
    """Show what resetting means for this student, and ask for the reason."""
    return _reset_page(student_id, course_id, RequiredReasonForm(formdata=None), 200)


@bp.post("/students/<int:student_id>/courses/<int:course_id>/reset-progress")
def reset_progress(student_id: int, course_id: int) -> Response | tuple[str, int]:
    """Mark all chapters incomplete."""
    form = RequiredReasonForm()
    if not form.validate():
        return _reset_page(student_id, course_id, form, status_of(form))
    try:
        reopened = enrollment.reset_progress(
            student_id, course_id, by=person().id, reason=str(form.reason.data)
        )
    except NotEnrolled as refusal:
        flash(refusal.detail, "warning")
    except Invalid as refusal:
        refuse(form, refusal)
        return _reset_page(student_id, course_id, form, 422)
    else:
        was = f"{counted(reopened, 'chapter')} marked incomplete"
        flash(f"{was}." if reopened else "There was nothing to reset.", "success")
    return _back(student_id)


@bp.post("/students/<int:student_id>/confirm")
def vouch(student_id: int) -> Response:
    """Say that the address is the student's, who then chooses a password by e-mail."""
    people.student(student_id)
    mailed("auth.login")  # refuses where no link could be sent, before anything is changed
    if enrollment.vouch_for(student_id, by=person().id, invite=invite()):
        flash("Address confirmed. We've sent the student a link to choose a password.", "success")
    else:
        flash("This address is already confirmed.", "info")
    return _back(student_id)


@bp.post("/students/<int:student_id>/rename")
def rename(student_id: int) -> Response | tuple[str, int]:
    """Change the student's name."""
    people.student(student_id)
    form = NameForm()
    if not form.validate():
        return _student_page(student_id, EnrollForm(formdata=None), form), 422
    enrollment.rename_user(student_id, form.name.data or "", by=person().id)
    flash("Renamed.", "success")
    return _back(student_id)


def _access(found: StudentDetail, course_id: int) -> CourseAccess | None:
    return next((row for row in found.enrollments if row.course_id == course_id), None)


def _reset_page(
    student_id: int, course_id: int, form: RequiredReasonForm, status: int
) -> Response | tuple[str, int]:
    found = people.detail(student_id)
    access = _access(found, course_id)
    if access is None:
        flash(NotEnrolled.detail, "warning")
        return _back(student_id)
    template = "admin/reset_progress.html"
    return render_template(template, student=found.student, access=access, form=form), status


def _student_page(student_id: int, enroll_form: EnrollForm, name_form: NameForm) -> str:
    found = people.detail(student_id)
    enroll_form.offer(
        (number, title if status in VISIBLE_STATUSES else f"{title} ({status})")
        for number, title, status in people.open_courses(student_id)
    )
    if not name_form.is_submitted() or not name_form.errors:
        name_form.name.data = found.student.name
    return render_template(
        "admin/student.html",
        student=found.student,
        enrollments=found.enrollments,
        requests=found.requests,
        payments=found.payments,
        offers=held.open_offers("student", student_id),
        most_offers=held.MOST,
        certificates=certificates(student_id),
        trail=[happening(entry) for entry in audit.of_student(student_id)],
        enroll_form=enroll_form,
        name_form=name_form,
        sources=SOURCES,
        asks_for_erasure=erasures.person(student_id).is_waiting,
    )


def _back(student_id: int) -> Response:
    return redirect(url_for("admin.student", student_id=student_id), 303)
