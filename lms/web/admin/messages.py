"""A message to the students of a course: written, seen as it will be sent, and sent once."""

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import HiddenField
from wtforms.validators import Regexp

from lms import enrollment
from lms.enrollment.messages import LONGEST_SUBJECT, LONGEST_TEXT
from lms.payments.recording import new_key
from lms.queries.admin import course_people as listed_people
from lms.queries.admin import courses as offered
from lms.queries.admin.courses import CourseRow
from lms.refusals import Invalid, RateLimited
from lms.texts import counted
from lms.web.admin.blueprint import bp
from lms.web.admin.course_people import chosen_people
from lms.web.errors import too_many
from lms.web.forms import long_text_field, refuse, status_of, text_field
from lms.web.session import person


class MessageForm(FlaskForm):
    """A message; its key names this form, so that it is sent once."""

    subject = text_field("Subject", most=LONGEST_SUBJECT, required="Enter a subject.")
    text = long_text_field("Message", most=LONGEST_TEXT, required="Enter a message.")
    key = HiddenField("Key", [Regexp(r"[\w-]{8,60}\Z", message="Reload this page and try again.")])


@bp.get("/courses/<int:course_id>/people/message")
def write_message(course_id: int) -> str:
    """Ask what to write to the students of a course who are looked for."""
    form = MessageForm(formdata=None)
    form.key.data = new_key()
    return _page(offered.course(course_id), form, _students(course_id))


@bp.post("/courses/<int:course_id>/people/message")
def send_message(course_id: int) -> ResponseReturnValue:
    """Show the message with the number of those who get it, then send it."""
    course, form, students = offered.course(course_id), MessageForm(), _students(course_id)
    if not form.validate():
        return _page(course, form, students), status_of(form)
    # Whoever has come or gone since was not in the number that was confirmed.
    if request.form.get("confirmed") != str(len(students)) or not students:
        return _page(course, form, students, is_preview=bool(students))
    try:
        sent = enrollment.message_students(
            course_id,
            students,
            subject=form.subject.data or "",
            text=form.text.data or "",
            key=form.key.data or "",
            by=person().id,
        )
    except Invalid as refusal:
        refuse(form, refusal)
        return _page(course, form, students), status_of(form)
    except RateLimited as refusal:
        form.form_errors.append(refusal.detail)
        return too_many(_page(course, form, students), refusal)
    told = counted(sent.students, "student")
    if sent.is_repeat:
        flash(f"This message was already sent to {told}. It wasn't sent again.", "info")
    else:
        flash(f"Message sent to {told}.", "success")
    return redirect(url_for(".course_people", course_id=course_id, **_filters()), 303)


def _filters() -> dict[str, Any]:
    return {name: value for name, value in chosen_people().items() if value}


def _students(course_id: int) -> list[int]:
    return listed_people.student_ids(course_id, **chosen_people())


def _page(
    course: CourseRow, form: MessageForm, students: Sequence[int], *, is_preview: bool = False
) -> str:
    return render_template(
        "admin/course_message.html",
        course=course,
        form=form,
        recipients=len(students),
        filters=_filters(),
        is_preview=is_preview,
    )
