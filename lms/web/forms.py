"""What forms share: text that both databases can hold, and the way back after a change."""

from collections.abc import Callable
from typing import Any

from flask import request
from wtforms import Field, Form, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

MESSAGE_LENGTH = 2000
SEARCH_LENGTH = 200


def text_field(label: str, *, most: int, required: str = "", **settings: Any) -> StringField:
    """Return a one-line field; `required` is what to say when it is left empty."""
    return StringField(label, **_checked(most, required, " ".join), **settings)


def long_text_field(label: str, *, most: int, required: str = "", **settings: Any) -> TextAreaField:
    """Return a field of several lines; `required` is what to say when it is left empty."""
    return TextAreaField(label, **_checked(most, required, None), **settings)


def search_text() -> str:
    """Return what is searched for, bounded and without what no database can hold."""
    return " ".join(request.args.get("q", "").replace("\x00", "").split())[:SEARCH_LENGTH]


def page_number() -> int:
    """Return which page of a list is asked for; anything odd is the first."""
    number = request.args.get("page", "1")
    return int(number) if number.isdecimal() and 0 < len(number) < 7 and int(number) else 1


def way_back(section: str, default: str) -> str:
    """Return the page that the form was on, if it is below this section of the portal."""
    back = request.form.get("back", "")
    return back if back.startswith(f"/{section}/") and back.isprintable() else default


def storable(_form: Form, field: Field) -> None:
    """Refuse text that PostgreSQL cannot store: NUL and halves of surrogate pairs."""
    text = field.data or ""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValidationError("Remove the character that cannot be stored, then send again.")


def _checked(most: int, required: str, join: Callable[[list[str]], str] | None) -> dict[str, Any]:
    def tidy(text: str | None) -> str:
        lines = (text or "").replace("\r\n", "\n").strip()
        return join(lines.split()) if join else lines

    presence = InputRequired(required) if required else Optional()
    length = Length(max=most, message=f"Write at most {most} characters.")
    return {
        "validators": [presence, storable, length],
        "filters": [tidy],
        "render_kw": {"maxlength": most},
    }
