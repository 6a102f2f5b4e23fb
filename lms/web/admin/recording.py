"""Recording money that did not go through Stripe."""

from collections.abc import Mapping
from typing import Any, get_args

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
from lms.payments.recording import check_amount, check_currency, in_future, new_key
from lms.queries.admin import courses as offered
from lms.queries.admin import offers as held
from lms.queries.admin import students as people
from lms.queries.admin.courses import CourseRow
from lms.queries.admin.offers import HeldOffer
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
from lms.web.school import suggested_currency
from lms.web.session import person, require_proof
from lms.web.zones import booked_in

_FIELDS = {"student_id": "email", "amount_cents": "amount", "paid_at": "paid_on"}
"""Which field of the form stands for which value."""
_METHODS = get_args(ManualMethod)
_NOBODY = Invalid("email", "No student has this e-mail address. Search the list of students.")
_NO_CURRENCY = Invalid("currency", "Enter a currency, such as EUR.")
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

    _student_id: int | None = None

    def validate(self, extra_validators: Mapping[str, Any] | None = None) -> bool:
        """Check the fields; where one is wrong, tell what the verb would say of the others, too."""
        super().validate(extra_validators)
        # What no database can store is said by then, and asks for nobody.
        self._student_id = None if self.email.errors else people.id_of(self.email.data or "")
        self._expect("email", _NOBODY if self._student_id is None else None)
        typed = (self.currency.data or "").lower()
        self._expect("currency", None if is_currency(typed) else _NO_CURRENCY)
        if self.errors or _amount_fault(self.amount, typed, is_whole=False):
            self._expect_price(typed)
            today = day_of(now(), booked_in(now()))
            is_late = self.paid_on.data is not None and self.paid_on.data > today
            self._expect("paid_on", in_future() if is_late else None)
        return not self.errors

    def _expect(self, name: str, fault: Invalid | None) -> None:
        if fault is not None and not self[name].errors:
            refuse(self, Invalid(name, fault.detail))

    def _expect_price(self, currency: str) -> None:
        if not self.course_id.errors:
            price = self._price()
            try:
                check_currency(currency, price)
            except Invalid as fault:
                self._expect("currency", fault)
                currency = price.currency
        self._expect("amount", _amount_fault(self.amount, currency))

    def _price(self) -> HeldOffer | CourseRow:
        """Return what the student would pay: what was offered, else the course."""
        number, mine = int(self.course_id.data), self._student_id
        offers = held.open_offers("student", mine) if mine else []
        mine_of_it = (each for each in offers if each.course_id == number)
        return next(mine_of_it, None) or offered.course(number)

    def money(self) -> money_in.ManualPayment:
        """Return what the verb takes, of a form that is valid; raises Invalid."""
        currency = (self.currency.data or "").lower()
        return money_in.ManualPayment(
            student_id=self._student_id or 0,
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
    form.paid_on.data = day_of(now(), booked_in(now()))
    form.currency.data = suggested_currency()
    if (student_id := chosen_id("student")) is not None:
        form.email.data = people.address_of(student_id)
    if (course_id := chosen_id("course")) is not None:
        form.course_id.data = str(course_id)
        form.currency.data = (offered.currency_of(course_id) or suggested_currency()).upper()
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


def _amount_fault(field: AmountField, currency: str, *, is_whole: bool = True) -> Invalid | None:
    """Return what is wrong with an amount in a currency; if not the `is_whole`, its form alone."""
    if field.errors:
        return None
    try:
        minor = in_minor_units(field, currency)
        if is_whole:
            check_amount(minor, currency)
    except Invalid as fault:
        return fault
    return None


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
    return render_template("admin/payment_new.html", form=form, there=booked_in(now()))
