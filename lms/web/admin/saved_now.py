"""What a form is told that was opened before somebody else saved: who, what, and how to go on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_wtf import FlaskForm

from lms.enrollment.seen import seen_of
from lms.queries.admin.audit import last_actor
from lms.refusals import ContentChanged
from lms.web.session import person

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
    action: str,
    course_id: int,
    *,
    untouched: Mapping[str, Any] | None = None,
    words: Iterable[tuple[str, str]] | None = None,
    **about: int,
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
    return SavedNow(_told(thing, last_actor(action, course_id, **about)), [*words])


def _is_long(text: str) -> bool:
    return len(text) > _SHORT or "\n" in text


def _told(thing: str, actor: tuple[int | None, str] | None) -> str:
    if actor is None:
        return f"Someone has changed this {thing} since you opened it."
    actor_id, name = actor
    if actor_id == person().id:
        return f"You have changed this {thing} elsewhere since you opened this page."
    return f"{name or 'The portal'} has changed this {thing} since you opened it."
