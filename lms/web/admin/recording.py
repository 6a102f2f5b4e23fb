"""Recording money that did not go through Stripe."""

from typing import get_args

from flask import flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import DateField, HiddenField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import AnyOf, InputRequired, Optional, Regexp

from lms import payments as money_in
from lms.db import now
from lms.models.payment_status import GIVING_ACCESS
from lms.models.payments import LONGEST_REFERENCE, METHODS, ManualMethod
from lms.money import is_currency
from lms.payments.recording import new_key
from lms.queries.admin import courses as offered
from lms.queries.admin import students as people
from lms.refusals import Invalid, KeyReused, RateLimited, ReferenceUsed, Refusal
from lms.times import day_of
from lms.web.admin.blueprint import bp
from lms.web.admin.filters import chosen_id
from lms.web.admin.forms import CourseField
from lms.web.errors import too_many
from lms.web.forms import (
    AmountField,
    a_number,
    email_field,
    in_minor_units,
    refuse,
    status_of,
    text_field,
)
from lms.web.keys import KEY
from lms.web.school import school, suggested_currency
from lms.web.session import person, require_proof

_FIELDS = {"student_id": "email", "amount_cents": "amount", "paid_at": "paid_on"}
"""Which field of the form stands for which value."""
_METHODS = get_args(ManualMethod)
_CHOOSE = "Choose how it was paid."


class PaidForm(FlaskForm):
    """What was paid, by whom, for what, and what the bank or the receipt calls it."""

    key = HiddenField(
        "Key",
        [Optional(), Regexp(rf"{KEY.pattern}\Z", message="Reload this page and try again.")],
    )
    """Made when the form is shown: pressed twice, it is the same payment."""
    email = email_field("Student's e-mail address", required="Enter the student's e-mail address.")
    course_id = CourseField("Course", validators=[InputRequired("Choose a course.")])
    amount = AmountField(
        "Amount", [InputRequired("Enter an amount."), a_number("Enter an amount, such as 49.00.")]
    )
    currency = text_field("Currency", most=3, required="Enter a currency, such as EUR.")
    method = SelectField(
        "Method",
        choices=[
            SelectChoice("", "Choose a method"),
            *(SelectChoice(name, METHODS[name]) for name in _METHODS),
        ],
        validators=[InputRequired(_CHOOSE), AnyOf(_METHODS, _CHOOSE)],
        validate_choice=False,
    )
    reference = text_field(
        "Reference",
        most=LONGEST_REFERENCE,
        required="Enter the reference of the transfer, invoice or receipt.",
    )
    paid_on = DateField(
        "Paid on", [InputRequired("Enter the date."), a_number("Enter a date, such as 2026-10-31.")]
    )

    def money(self) -> money_in.ManualPayment:
        """Return what the verb takes; raises Invalid."""
        student_id = people.id_of(self.email.data or "")
        if student_id is None:
            raise Invalid(
                "email", "No student has this e-mail address. Search the list of students."
            )
        currency = (self.currency.data or "").lower()
        if not is_currency(currency):
            raise Invalid("currency", "Enter a currency, such as EUR.")
        return money_in.ManualPayment(
            student_id=student_id,
            course_id=int(self.course_id.data),
            amount_cents=in_minor_units(self.amount, currency),
            currency=currency,
            method=self.method.data,
            reference=self.reference.data or "",
            paid_at=self.paid_on.data,
        )


@bp.get("/payments/new")
def new_payment() -> str:
    """Ask what was paid."""
    form = _form()
    form.key.data = new_key()
    form.paid_on.data = day_of(now(), school().time_zone)
    form.currency.data = suggested_currency()
    if (student_id := chosen_id("student")) is not None:
        form.email.data = people.address_of(student_id)
    if (course_id := chosen_id("course")) is not None:
        form.course_id.data = str(course_id)
        form.currency.data = (offered.currency_of(course_id) or school().currency).upper()
    return _page(form)


@bp.post("/payments/new")
def record_payment() -> Response | tuple[str, int]:
    """Record what was paid."""
    form = _form()
    if not form.validate():
        return _page(form), status_of(form)
    require_proof()
    try:
        recorded = money_in.record_payment(form.money(), by=person().id, key=form.key.data or None)
    except RateLimited as refusal:
        form.form_errors.append(refusal.detail)
        return too_many(_page(form), refusal)
    except Refusal as refusal:
        status = _say(form, refusal)
        return _page(form), status
    if recorded.status in GIVING_ACCESS:
        flash("Payment recorded.", "success")
    else:
        flash("Payment recorded, but it gives no access yet. This page shows why.", "warning")
    if recorded.is_second:
        flash(
            "The student's bank is processing another payment for this course. If it arrives,"
            " refund one of the two.",
            "warning",
        )
    return redirect(url_for("admin.payment", payment_id=recorded.payment_id), 303)


def _say(form: PaidForm, refusal: Refusal) -> int:
    """Show a refusal where it can be met, and return its status."""
    match refusal:
        case Invalid():
            refuse(form, Invalid(_FIELDS.get(refusal.field, refusal.field), refusal.detail))
            return 422
        case ReferenceUsed():
            refuse(form, Invalid("reference", refusal.detail))
        case KeyReused():  # the page was gone back to: sent again, it is another payment
            form.key.data = new_key()
            form.form_errors.append(refusal.for_forms)
        case _:
            form.form_errors.append(refusal.detail)
    return 409


def _form() -> PaidForm:
    form = PaidForm()
    titles = [SelectChoice(str(number), title) for number, title in offered.titles()]
    form.course_id.choices = [SelectChoice("", "Choose a course"), *titles]
    return form


def _page(form: PaidForm) -> str:
    return render_template("admin/payment_new.html", form=form)
