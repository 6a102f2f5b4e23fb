"""What a form is told that was opened before somebody else saved: what, and how to go on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_wtf import FlaskForm

from lms.enrollment.seen import seen_of
from lms.refusals import ContentChanged

_SHORT = 120


@dataclass(frozen=True)
class SavedNow:
    """What is saved by now, as the page of a refused form shows it."""

    told: str
    values: list[tuple[str, str]]
    """What differs, by the labels of the form."""

    @property
    def short(self) -> list[tuple[str, str]]:
        """What is read at a glance; nothing is empty."""
        return [(label, text or "empty") for label, text in self.values if not _is_long(text)]

    @property
    def long(self) -> list[tuple[str, str]]:
        """What is opened to be read or copied."""
        return [each for each in self.values if _is_long(each[1])]


def saved_now(
    form: FlaskForm,
    refusal: ContentChanged,
    thing: str,
    *,
    untouched: Mapping[str, Any] | None = None,
    words: Iterable[tuple[str, str]] | None = None,
) -> SavedNow:
    """Have the form replace what is saved when it is sent again, and return what that is.

    What the form left as it was shown takes over what is saved: nobody has typed it.
    """
    if untouched is None:
        untouched = {name: refusal.now[name] for name in refusal.untouched}
    for name, value in untouched.items():
        if name in form:
            form[name].raw_data = None
            form[name].process(None, value)
    form["seen"].data = seen_of(refusal.now)
    if words is None:
        words = [(form[name].label.text, refusal.now[name] or "") for name in refusal.differing]
    return SavedNow(f"This {thing} has changed since you opened it.", [*words])


def _is_long(text: str) -> bool:
    return len(text) > _SHORT or "\n" in text
