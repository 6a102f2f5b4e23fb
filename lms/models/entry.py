"""How students get into a course: the one question whose answer its flags and price hold."""

from typing import Literal, NamedTuple

from lms.models.catalog import CourseFields

Entry = Literal["everybody", "join", "buy", "ask", "ask_buy"]


class Flags(NamedTuple):
    """What an answer says of a course; None where it doesn't matter to it."""

    is_sold: bool
    """Whether it has a price."""
    is_default_unlocked: bool = False
    is_public: bool | None = False
    requires_approval: bool = False


ENTRIES: dict[Entry, Flags] = {
    "everybody": Flags(is_sold=False, is_default_unlocked=True),
    "join": Flags(is_sold=False, is_public=True),
    "buy": Flags(is_sold=True, is_public=None),
    "ask": Flags(is_sold=False),
    "ask_buy": Flags(is_sold=True, is_public=None, requires_approval=True),
}


def entry_of(course: CourseFields) -> Entry | None:
    """Return the answer that a course's fields are; None for a combination that is none of them."""
    held = {name: getattr(course, name) for name in Flags._fields if name != "is_sold"}
    held["is_sold"] = course.price_cents != 0
    for entry, flags in ENTRIES.items():
        if all(said in (None, held[name]) for name, said in flags._asdict().items()):
            return entry
    return None
