"""What a client reads of a wrong value: words of ours, which say what is accepted."""

from collections.abc import Iterator
from typing import Any

from flask import Flask
from pydantic import BaseModel, ValidationError

from lms.web.api import operations
from lms.web.api.problems import by_field, in_words

_TEXTS: list[Any] = [
    "",
    "x" * 5000,
    "soon",
    "5.0",
    "2026-02-30",
    "9" * 400,
    "a\x00",
    "\ud800",
    "-1",
]
_ODD = [None, True, -1, 10**30, 1.5, float("nan"), [], [None], ["x"] * 5000, {}, *_TEXTS]
_FALLBACK = in_words("unheard of", {})


def models() -> set[type[BaseModel]]:
    declared = operations.declared
    return {model for each in declared for model in (each.body, each.query) if model}


def explained(model: type[BaseModel]) -> Iterator[str]:
    """Yield what is said of odd values of all fields."""
    names = [field.alias or name for name, field in model.model_fields.items()]
    each = [{name: odd} for name in names for odd in _ODD]
    tried: list[Any] = [None, [], "x", {}, {"odd": 1}, *each]
    for given in tried:
        try:
            model.model_validate(given)
        except ValidationError as error:
            for texts in by_field(error).values():
                yield from texts


def test_every_wrong_value_is_explained_in_our_words(app: Flask) -> None:
    with app.test_request_context():
        said = {(model.__name__, text) for model in models() for text in explained(model)}
    assert len(said) > 50
    unfit = {
        (model, text)
        for model, text in said
        if text == _FALLBACK or "nput" in text or not (text[0].isupper() and text.endswith("."))
    }
    assert unfit == set()


def test_a_sentence_says_what_is_accepted() -> None:
    assert in_words("less_than_equal", {"le": 99_999_999}) == "Send at most 99,999,999."
    assert in_words("string_too_long", {"max_length": 64}) == "Send at most 64 characters."
    said = in_words("literal_error", {"expected": "'cash' or 'other'"})
    assert said == "Send 'cash' or 'other'."
