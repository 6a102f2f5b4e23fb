"""What an admin answers to the preview of an import: the options of the command, as a form."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from flask import request
from flask_wtf import FlaskForm
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import AnyOf, Optional

from lms.importing import Question
from lms.web.forms import long_text_field, text_field

PRICES, TIMEZONE, MAP = "--prices ", "--timezone ", "--map "
_OPTIONS = {PRICES: "prices", TIMEZONE: "timezone", MAP: "maps"}
_MOST = 20_000
_QUESTION = "question-"
_PLACEHOLDERS = ("COLUMN", "TABLE", "ZONE")
_UNITS = {
    "": "As the data shows",
    "decimal": "Decimal: 20 is 20.00",
    "minor": "Minor units: 2000 is 20.00",
}


class Choice(NamedTuple):
    """A question with answers to choose from."""

    question: str
    options: list[tuple[str, str]]
    """Each as the command takes it, and in words."""
    to_type: list[str]
    """What has to be completed, and so typed."""


class AnswersForm(FlaskForm):
    """Answers that hold for the whole school; those to questions come along by number."""

    prices = SelectField(
        "Prices and amounts",
        choices=[SelectChoice(*unit) for unit in _UNITS.items()],
        validators=[Optional(), AnyOf(tuple(_UNITS), "Choose one of these.")],
        validate_choice=False,
    )
    timezone = text_field("Time zone", most=100)
    names = long_text_field("Tables, columns and words", most=_MOST)

    def said(self) -> dict[str, list[str]]:
        """Return what is answered, by option."""
        given: dict[str, list[str]] = {name: [] for name in _OPTIONS.values()}
        if self.prices.data:
            given["prices"].append(self.prices.data)
        if self.timezone.data:
            given["timezone"].append(self.timezone.data)
        chosen = [
            value
            for name, value in sorted(request.form.items(multi=True))
            if name.startswith(_QUESTION)
        ]
        for line in [*(self.names.data or "").splitlines(), *chosen]:
            written = line.strip()
            if not written:
                continue
            option = next((each for each in _OPTIONS if written.startswith(each)), "")
            given[_OPTIONS.get(option, "maps")].append(written.removeprefix(option).strip()[:500])
        return {name: list(dict.fromkeys(values)) for name, values in given.items()}

    def show(self, said: Mapping[str, Sequence[str]]) -> None:
        """Show what was answered before."""
        lines: list[str] = []
        for field, option in ((self.prices, PRICES), (self.timezone, TIMEZONE)):
            answered = said.get(_OPTIONS[option], ())
            of_all = [each for each in answered if "=" not in each]
            field.data = of_all[-1] if of_all else ""
            lines += [f"{option}{each}" for each in answered if "=" in each]
        self.names.data = "\n".join([*said.get("maps", ()), *lines])

    def refuse(self, words: str) -> None:
        """Say what is wrong at the field that it is about."""
        option = next((each for each in _OPTIONS if words.startswith(each)), "")
        is_of_all = "=" not in words.partition(":")[0]
        fields = {PRICES: self.prices, TIMEZONE: self.timezone} if is_of_all else {}
        field = fields.get(option, self.names)
        field.errors = [*field.errors, words.replace(option, "") if option else words]

    @staticmethod
    def chosen() -> dict[str, str]:
        """Return what is chosen by the question's field, for a form that comes back."""
        sent = request.form.items()
        return {name: value for name, value in sent if name.startswith(_QUESTION)}


def choices(questions: Iterable[Question]) -> list[Choice]:
    """Return questions as a page asks them."""
    return [
        Choice(
            each.question,
            [(answer, _in_words(answer)) for answer in each.answers if not _is_open(answer)],
            [answer.removeprefix(MAP) for answer in each.answers if _is_open(answer)],
        )
        for each in questions
    ]


def _is_open(answer: str) -> bool:
    return any(word in answer for word in _PLACEHOLDERS)


_MEANINGS = {"closed": "deactivated", "needs_review": "needs review"}
"""What pages call what a command's answer says."""


def _in_words(answer: str) -> str:
    if answer.startswith(PRICES):
        table, _, unit = answer.removeprefix(PRICES).rpartition("=")
        return f"{table}: {_UNITS[unit]}" if table else _UNITS.get(unit, unit)
    left, _, right = answer.removeprefix(MAP).partition("=")
    match left.split("."):
        case ["none"]:
            return f"{right} is not needed"
        case [table]:
            return f"{right} holds the {table.replace('_', ' ')}"
        case [_, _]:
            return f"{right} is {left}"
        case [_, _, *word]:
            return f"“{'.'.join(word)}” means {_MEANINGS.get(right, right)}"
    return answer
