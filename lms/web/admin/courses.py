"""Courses: the list, creating and editing, archiving, and deleting with a preview."""

from typing import get_args

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.enrollment import CourseFields
from lms.enrollment.seen import merged_course, of_course, seen_of
from lms.models import CourseStatus
from lms.queries import files, payments
from lms.queries.admin import courses as offered
from lms.queries.admin import offers as held
from lms.queries.admin.courses import ChapterRow, CourseRow
from lms.queries.admin.offers import HeldOffer
from lms.refusals import ContentChanged, Invalid
from lms.web import stripe
from lms.web.admin.blueprint import bp, live
from lms.web.admin.course_form import CourseForm, course_saved_now, course_values, refuse_course
from lms.web.admin.filters import addresses, listed
from lms.web.admin.forms import DeleteCourseForm
from lms.web.admin.saved_now import SavedNow
from lms.web.admin.spreadsheets import export
from lms.web.forms import search_text, status_of
from lms.web.session import person


@bp.get("/courses")
@live("catalogue", "access", "requests", "progress")
def courses() -> str:
    """List the courses with their figures."""
    q, status = _chosen()
    address = addresses("admin.courses", q=q, status=status)
    found = listed(lambda page: offered.courses(page=page, q=q, status=status), address)
    return render_template("admin/courses.html", found=found, q=q, status=status, address=address)


@bp.get("/courses.csv")
def courses_csv() -> Response:
    """Export the courses."""
    q, status = _chosen()
    return export(
        "courses",
        CourseRow,
        lambda: offered.every_course(q=q, status=status),
        first=("id", "code", "title"),
    )


@bp.get("/courses/<int:course_id>/chapters.csv")
def chapters_csv(course_id: int) -> Response:
    """Export the chapters of a course."""
    offered.course(course_id)
    return export(f"course-{course_id}-chapters", ChapterRow, lambda: offered.chapters(course_id))


@bp.get("/courses/<int:course_id>/offers.csv")
def course_offers_csv(course_id: int) -> Response:
    """Export the open offers of a course."""
    offered.course(course_id)
    return export(
        f"course-{course_id}-offers",
        HeldOffer,
        lambda: held.every_open_offer("course", course_id),
    )


@bp.get("/courses/new")
def new_course() -> str:
    """Show the form for a new course."""
    return _new_page(CourseForm())


@bp.post("/courses/new")
def create_course() -> Response | tuple[str, int]:
    """Create a course."""
    form = CourseForm()
    try:
        if form.validate_with_picture():
            course_id = enrollment.create_course(form.fields(), picture=form.chosen, by=person().id)
            flash("Course created. Now add its chapters.", "success")
            return redirect(url_for("admin.course", course_id=course_id), 303)
    except Invalid as refusal:
        refuse_course(form, refusal)
    return _new_page(form), status_of(form)


@bp.get("/courses/<int:course_id>")
@live("catalogue", "access", "requests", "progress", "payments")
def course(course_id: int) -> str:
    """Show a course with its chapters and its form."""
    found = offered.course(course_id)
    shown = course_values(found) | {"seen": seen_of(of_course(found))}
    return _course_page(found, CourseForm(formdata=None, data=shown))


@bp.post("/courses/<int:course_id>")
def edit_course(course_id: int) -> Response | str | tuple[str, int]:
    """Change a course; confirm first if that ends students' access.

    Nothing that was saved since the form was opened is overwritten unseen.
    """
    found = offered.course(course_id)
    form = CourseForm()
    if not form.validate_with_picture():
        return _course_page(found, form), status_of(form)
    fields, seen = form.fields(), form.seen.data or None
    try:
        picture = form.picture_to_save()
        if losing := _losing_access(found, merged_course(found, fields, seen)):
            return render_template(
                "admin/course_close.html", course=found, losing=losing, form=form, request=request
            )
        enrollment.edit_course(course_id, fields, picture=picture, seen=seen, by=person().id)
    except Invalid as refusal:
        refuse_course(form, refusal)
        return _course_page(found, form), status_of(form)
    except ContentChanged as refusal:
        saved = course_saved_now(form, refusal)
        return _course_page(offered.course(course_id), form, saved), 409
    flash("Course saved.", "success")
    return redirect(url_for("admin.course", course_id=course_id), 303)


@bp.post("/courses/<int:course_id>/archive")
def archive_course(course_id: int) -> Response:
    """Take a course off the catalog."""
    enrollment.archive_course(course_id, by=person().id)
    flash(
        "Course archived. It's no longer in the catalog; enrolled students keep access.", "success"
    )
    return redirect(url_for("admin.course", course_id=course_id), 303)


@bp.get("/courses/<int:course_id>/delete")
def confirm_delete_course(course_id: int) -> str:
    """Show what deleting a course takes along."""
    return _delete_page(offered.course(course_id), DeleteCourseForm(formdata=None))


@bp.post("/courses/<int:course_id>/delete")
def delete_course(course_id: int) -> Response | tuple[str, int]:
    """Delete a course whose title was typed."""
    found = offered.course(course_id)
    form = DeleteCourseForm()
    valid = form.validate()
    if valid and " ".join((form.title.data or "").split()) != " ".join(found.title.split()):
        form.title.errors = ["This doesn't match the title. Type it exactly as shown above."]
        valid = False
    if not valid:
        return _delete_page(found, form), status_of(form)
    enrollment.delete_course(course_id, by=person().id, reason=form.reason.data or "")
    flash(f"Deleted “{found.title}”. Payments and the audit trail are kept.", "success")
    return redirect(url_for("admin.courses"), 303)


def _chosen() -> tuple[str, str]:
    status = request.args.get("status", "")
    return search_text(), status if status in get_args(CourseStatus) else ""


def _new_page(form: CourseForm) -> str:
    return render_template("admin/course_new.html", form=form, sells=stripe.is_configured())


def _course_page(found: CourseRow, form: CourseForm, saved: SavedNow | None = None) -> str:
    pictures = [each for each in files.of_course(found.id) if each.kind == "picture"]
    form.offer(pictures)
    return render_template(
        "admin/course.html",
        course=found,
        finished=offered.finished(found.id),
        chapters=offered.chapters(found.id),
        cover=next((each for each in pictures if each.is_cover), None),
        offers=held.open_offers("course", found.id),
        most_offers=held.MOST,
        refused=payments.refusal(found.id, found.price_cents, found.currency),
        sells=stripe.is_configured(),
        form=form,
        saved=saved,
    )


def _delete_page(found: CourseRow, form: DeleteCourseForm) -> str:
    return render_template(
        "admin/course_delete.html", course=found, losses=offered.losses(found.id), form=form
    )


def _losing_access(found: CourseRow, fields: CourseFields) -> int:
    """Return how many would lose the course, unless that was confirmed as it is now."""
    if not found.is_default_unlocked or fields.is_default_unlocked:
        return 0
    losing = offered.only_by_default(found.id)
    return 0 if request.form.get("confirmed") == str(losing) else losing
