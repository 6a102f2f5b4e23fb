"""What is wrong with a value that a client sent, in words that say what is accepted."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from lms.texts import counted

Context = Mapping[str, Any]
_WORDS: dict[str, str | Callable[[Context], str]] = {
    "missing": "Send this field.",
    "extra_forbidden": "There is no such field here. /api/openapi.json lists them all.",
    "none_required": "Send null.",
    "model_type": "Send a JSON object.",
    "model_attributes_type": "Send a JSON object.",
    "list_type": "Send an array.",
    "bool_type": "Send true or false.",
    "string_type": "Send a string.",
    "string_unicode": "Send a string without NUL or surrogate characters.",
    "int_type": "Send a whole number.",
    "int_from_float": "Send a whole number.",
    "int_parsing": "Send a whole number.",
    "int_parsing_size": "Send a smaller number.",
    "finite_number": "Send a whole number.",
    "greater_than_equal": lambda given: f"Send at least {_number(given['ge'])}.",
    "less_than_equal": lambda given: f"Send at most {_number(given['le'])}.",
    "string_too_short": lambda given: f"Send at least {_characters(given['min_length'])}.",
    "string_too_long": lambda given: f"Send at most {_characters(given['max_length'])}.",
    "too_short": lambda given: f"Send at least {counted(given['min_length'], 'value')}.",
    "too_long": lambda given: f"Send at most {counted(given['max_length'], 'value')}.",
    "literal_error": lambda given: f"Send {given['expected']}.",
    "value_error": lambda given: str(given["error"]),
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
        "Send a day like 2026-11-28.",
    ),
}
"""By pydantic's kind of error: its own texts speak of inputs and types."""


def by_field(error: ValidationError) -> dict[str, list[str]]:
    """Return what is wrong, by the name of the field as it was sent."""
    errors: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in problem["loc"]) or "body"
        errors.setdefault(name, []).append(in_words(problem["type"], problem.get("ctx", {})))
    return errors


def in_words(kind: str, given: Context) -> str:
    """Return a sentence about an error of this kind."""
    words = _WORDS.get(kind, "Send another value: /api/openapi.json says which are accepted.")
    return words if isinstance(words, str) else words(given)


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _characters(number: int) -> str:
    return counted(number, "character")
