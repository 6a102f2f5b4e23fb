"""What forms share: text that both databases can hold, errors at their field, the way back."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import DecimalField, EmailField, Field, StringField, TextAreaField
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    Optional,
    StopValidation,
    ValidationError,
)
from wtforms.widgets import TextInput

from lms.amounts import TypedAmount, read_amount
from lms.models.columns import LONGEST_EMAIL, LONGEST_NAME
from lms.money import decimals
from lms.refusals import Invalid
from lms.texts import UNSTORABLE, is_storable, one_line, typed_line
from lms.web.addresses import inside
from lms.web.bounds import SEARCH_LENGTH


class AmountField(DecimalField):
    """An amount of money in a currency's own units, as people write it, such as 49.00 or 49,00.

    Nothing else that `Decimal` reads is one: neither NaN nor 1e999999. A field for numbers would
    take 49,00 for 4900 in a browser whose language writes 49.00.
    """

    widget = TextInput()

    def __init__(self, label: str, validators: list[Any], **settings: Any) -> None:
        super().__init__(label, validators, places=None, **settings)
        self._typed: TypedAmount | None = None

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Read what was typed."""
        text = str(valuelist[0]).strip() if valuelist else ""
        if not text:
            return
        self._typed = read_amount(text)
        self.data = self._typed.number if self._typed else None
        if self._typed is None:
            raise ValueError("Enter an amount.")

    def minor_units(self, currency: str) -> int | None:
        """Return the amount as it is stored; None if the currency has no such small units."""
        places = decimals(currency)
        if self._typed is not None and self._typed.number not in self._typed.meanings(places):
            return None
        minor = Decimal(self.data or 0).scaleb(places)
        return int(minor) if minor == minor.to_integral_value() else None

    def doubt(self, currency: str) -> str:
        """Say that what was typed may have a sign for thousands; blank if it has none."""
        places = decimals(currency)
        meant = self._typed.meanings(places) if self._typed else []
        if not meant or meant == [self.data]:
            return ""
        written = [f"{each:.{places}f}" for each in meant]
        if len(written) > 1:
            return f"This can be read in two ways. Write {written[0]} or {written[1]}."
        return f"Write {written[0]}, without a thousands separator."


def text_field(label: str, *, most: int, required: str = "", **settings: Any) -> StringField:
    """Return a one-line field; `required` is what to say when it is left empty."""
    return StringField(label, **_checked(most, required, is_line=True), **settings)


def long_text_field(label: str, *, most: int, required: str = "", **settings: Any) -> TextAreaField:
    """Return a field of several lines; `required` is what to say when it is left empty."""
    return TextAreaField(label, **_checked(most, required, is_line=False), **settings)


def email_field(label: str, *, required: str) -> EmailField:
    """Return a field for an address that is kept; `required` as above."""
    validators = [InputRequired(required), at_most(LONGEST_EMAIL), storable]
    return EmailField(label, filters=[trimmed], validators=validators)


def search_text() -> str:
    """Return the search text, bounded and storable."""
    return one_line(request.args.get("q", ""))[:SEARCH_LENGTH]


def page_number() -> int:
    """Return the requested page number; an invalid one is 1."""
    number = request.args.get("page", "1")
    return int(number) if number.isdecimal() and 0 < len(number) < 7 and int(number) else 1


def way_back(default: str) -> str:
    """Return the page of the portal that the form names as `back`, or the default."""
    return inside(request.form.get("back")) or default


def trimmed(text: Any) -> Any:
    """Leave out blanks around what was typed."""
    return text.strip() if isinstance(text, str) else text


def in_minor_units(amount: AmountField, currency: str) -> int:
    """Return an amount as it is stored; raises Invalid at its field."""
    if doubt := amount.doubt(currency):
        raise Invalid(str(amount.name), doubt)
    minor = amount.minor_units(currency)
    if minor is None:
        raise Invalid(amount.name, "Use no more decimal places than the currency allows.")
    return minor


def storable(_form: object, field: Field) -> None:
    """Refuse text that PostgreSQL can't store or no encoding can hold."""
    if not is_storable(field.data or ""):
        raise ValidationError(UNSTORABLE)


def at_most(longest: int) -> Length:
    """Refuse a longer text."""
    return Length(max=longest, message=f"Use at most {longest:,} characters.")


def a_number(message: str) -> Callable[[object, Field], None]:
    """Say `message`, rather than WTForms' own words, where no number was typed."""

    def check(_form: object, field: Field) -> None:
        if field.process_errors:
            field.errors = []
            raise StopValidation(message)

    return check


def refuse(form: FlaskForm, refusal: Invalid) -> None:
    """Show a verb's refusal at the field that has to change."""
    if refusal.field in form:
        field = form[refusal.field]
        field.errors = [*field.errors, refusal.detail]
    else:
        form.form_errors.append(refusal.detail)


def status_of(form: FlaskForm) -> int:
    """Return how a form that came back is answered: 400 where it had expired, else 422."""
    return 400 if "csrf_token" in form.errors else 422


def _line(most: int) -> Callable[[object, Field], None]:
    """Refuse what hides something, and store the same what looks the same."""

    def check(_form: object, field: Field) -> None:
        if len(field.data or "") > 4 * most:
            return  # too long, however it is composed: not worth a look
        try:
            field.data = typed_line(field.data or "")
        except ValueError as error:
            raise ValidationError(str(error)) from None

    return check


def _checked(most: int, required: str, *, is_line: bool) -> dict[str, Any]:
    def tidy(text: str | None) -> str:
        lines = (text or "").replace("\r\n", "\n").strip()
        return " ".join(lines.split()) if is_line else lines

    presence = DataRequired(required) if required else Optional()  # blanks are none
    return {
        "validators": [presence, _line(most) if is_line else storable, at_most(most)],
        "filters": [tidy],
        "render_kw": {"maxlength": most},
    }


class NameForm(FlaskForm):
    """A person's name."""

    name = text_field("Name", most=LONGEST_NAME, required="Enter a name.")
