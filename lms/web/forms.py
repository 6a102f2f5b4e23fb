"""What the forms of all pages share."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, ValidationError

from lms.refusals import Invalid


def trimmed(text: Any) -> Any:
    """Leave out blanks around what was typed."""
    return text.strip() if isinstance(text, str) else text


def storable(_form: object, field: Field) -> None:
    """Refuse what PostgreSQL or no encoding can hold."""
    text = field.data or ""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValidationError("Leave out the characters that cannot be stored.")


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
