"""The forms of the admins' pages."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    IntegerField,
    SelectField,
    StringField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.form import BaseForm
from wtforms.validators import AnyOf, InputRequired, NumberRange, Optional, StopValidation

from lms.currencies import CURRENCIES
from lms.db import LARGEST_ID
from lms.enrollment import normalize_status
from lms.models.catalog import COURSE_FIELDS, LONGEST_CODE, CourseFields
from lms.models.columns import LONGEST_TITLE
from lms.money import DEFAULT_CURRENCY, MAX_PRICE, decimals, prices
from lms.refusals import Invalid, ReasonMissing
from lms.web.bounds import MESSAGE_LENGTH
from lms.web.forms import (
    AmountField,
    NameForm,
    a_number,
    email_field,
    long_text_field,
    refuse,
    text_field,
)

BODY_LENGTH = 200_000
_SEATS = "Enter the number of seats."
_STATUSES = [
    ("draft", "Draft: hidden from students who aren't enrolled"),
    ("published", "Published: in the catalog, open to students"),
    ("active", "Active: the same as Published, as some older schools call it"),
    ("archived", "Archived: no longer in the catalog; whoever is enrolled keeps access"),
]


class DecisionForm(FlaskForm):
    """One decision for one or many requests."""

    reason = text_field("Reason", most=MESSAGE_LENGTH)


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
    """A chapter."""

    title = text_field("Title", most=LONGEST_TITLE, required="Enter a title.")
    body = long_text_field("Text", most=BODY_LENGTH)


def _price(form: FlaskForm, field: AmountField) -> None:
    """Refuse what is no number, what can be two, and what no course may cost."""
    typed = (form["currency"].data or "").strip().lower()
    currency = typed if typed in CURRENCIES else DEFAULT_CURRENCY
    words = prices(currency)
    a_number(words)(form, field)
    if doubt := field.doubt(currency):
        raise StopValidation(doubt)
    NumberRange(0, MAX_PRICE, message=words)(form, field)


class CourseForm(FlaskForm):
    """A course; the price in the currency's own units, as people write it."""

    title = text_field("Title", most=LONGEST_TITLE, required="Enter a title.")
    code = text_field("Code", most=LONGEST_CODE)
    description = long_text_field("Description", most=5000)
    status = SelectField(
        "Status",
        choices=[SelectChoice(*status) for status in _STATUSES],
        coerce=normalize_status,
        validators=[AnyOf([name for name, _ in _STATUSES], "Choose a status.")],
        validate_choice=False,
    )
    is_default_unlocked = BooleanField("Open to everyone")
    is_public = BooleanField("Open enrollment")
    price = AmountField(
        "Price", [InputRequired("Enter a price. 0 means free."), _price], default=Decimal(0)
    )
    currency = text_field(
        "Currency", most=3, required="Enter a currency, such as EUR.", default=DEFAULT_CURRENCY
    )
    allows_promotion_codes = BooleanField("Promotion codes")
    requires_approval = BooleanField("Requires approval")
    capacity = IntegerField(
        "Capacity", [Optional(), a_number(_SEATS), NumberRange(0, LARGEST_ID, message=_SEATS)]
    )

    def fields(self) -> CourseFields:
        """Return what the form says, in minor units."""
        currency = (self.currency.data or "").lower()
        minor = self.price.minor_units(currency)
        return CourseFields(
            **{name: self[name].data for name in COURSE_FIELDS if name in self},
            price_cents=-1 if minor is None else minor,
        )


def course_values(course: Any) -> dict[str, Any]:
    """Return a course as its form shows it."""
    price = Decimal(course.price_cents).scaleb(-decimals(course.currency))
    return {**vars(CourseFields.of(course)), "price": price}


def refuse_course(form: CourseForm, refusal: Invalid) -> None:
    """Show a verb's refusal at the field that has to change; the price is typed in whole units."""
    if refusal.field == "price_cents":
        refusal = Invalid("price", refusal.detail)
    refuse(form, refusal)
