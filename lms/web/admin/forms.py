"""The forms of the admins' pages."""

from collections.abc import Iterable

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import HiddenField, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.form import BaseForm
from wtforms.validators import InputRequired

from lms.models.columns import LONGEST_TITLE
from lms.refusals import ReasonMissing
from lms.web.bounds import MESSAGE_LENGTH
from lms.web.forms import NameForm, email_field, long_text_field, text_field

BODY_LENGTH = 200_000


class DecisionForm(FlaskForm):
    """One decision for one or many requests."""

    reason = text_field("Reason", most=MESSAGE_LENGTH)


class LogoForm(FlaskForm):
    """A picture for the school's logo."""

    file = FileField("Picture", validators=[FileRequired("Choose a picture.")])


class CourseField(SelectField):
    """A course of a list that may have changed since the page was made."""

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse in words that say why, unlike WTForms' own."""
        try:
            super().pre_validate(form)
        except ValidationError:
            raise ValidationError("This course doesn't exist. Choose another one.") from None


class EnrollForm(FlaskForm):
    """A course to let a student into."""

    course_id = CourseField(
        "Course", coerce=int, validators=[InputRequired("Choose one of the courses.")]
    )
    reason = text_field("Reason", most=MESSAGE_LENGTH)

    def offer(self, courses: Iterable[tuple[int, str]]) -> None:
        """Let one of these be chosen."""
        self.course_id.choices = [SelectChoice(str(number), title) for number, title in courses]


class ReasonForm(FlaskForm):
    """A change that is confirmed, with a reason for the trail."""

    reason = text_field("Reason", most=MESSAGE_LENGTH)


class RequiredReasonForm(FlaskForm):
    """A change whose reason its student has to know."""

    reason = text_field("Reason", most=MESSAGE_LENGTH, required=ReasonMissing.detail)


class InvitationForm(NameForm):
    """A student to add and to invite."""

    email = email_field("E-mail", required="Enter an address.")


class StudentAddressForm(FlaskForm):
    """Another address for a student, by an admin's word."""

    email = email_field("New address", required="Enter an address.")
    reason = text_field("Reason", most=MESSAGE_LENGTH, required="Enter a reason.")


class DeleteCourseForm(ReasonForm):
    """Deleting a course requires typing its title, so that no slip can do it."""

    title = StringField("Course title", [InputRequired("Enter the course title.")])


class ChapterForm(FlaskForm):
    """A chapter; `seen` is what the page showed of it."""

    seen = HiddenField()
    title = text_field("Title", most=LONGEST_TITLE, required="Enter a title.")
    body = long_text_field("Text", most=BODY_LENGTH)
