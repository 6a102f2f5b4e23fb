"""What a roster says, whichever system wrote it."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lms.identity import checked_email
from lms.refusals import Invalid

Action = Literal["enroll", "unenroll"]


@dataclass(frozen=True)
class CourseWords:
    """What a roster calls a course."""

    written: str
    codes: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    is_ours: bool = False
    """Whether a number is the portal's id. Another system's numbers never are."""


@dataclass(frozen=True, kw_only=True)
class RosterLine:
    """One line: whom it is about, the course, and what it asks for or why for nothing."""

    number: int
    email: str
    name: str
    """As it is stored."""
    course: CourseWords
    action: str
    """`enroll`, `unenroll`, or the word that nobody understands."""
    file: str = ""
    """Blank where there is only one."""
    problem: str = ""
    """Why it can't be carried out, as far as the file alone says it."""
    nothing: str = ""
    """Why it asks for nothing."""
    may_be_missing: bool = False
    """Whether it is no mistake that the portal has nobody, or no course, to end access to."""
    is_by_name: bool = False
    """Whether the name alone says who is meant: the address is found by it."""
    course_id: int | None = None
    """The portal's, once it has been found."""
    course_problem: str = ""
    """Why it has not been."""


@dataclass(frozen=True)
class Roster:
    """All lines of a roster."""

    format: str
    """What wrote it, as people are told."""
    lines: list[RosterLine]
    complete: tuple[CourseWords, ...] = ()
    """Courses of which it names every student: whoever is missing has left."""
    gone: tuple[RosterLine, ...] = ()
    """People who are deleted there: they leave whatever a roster has let them into."""
    warnings: tuple[str, ...] = ()
    is_from_system: bool = False
    """Whether somebody may be in several classes of a course, and leave one of them."""


_LOST = re.compile(
    "[^\\W\\d_]\\?|\\?[^\\W\\d_]|\N{REPLACEMENT CHARACTER}"
    # UTF-8 that was read as Latin-1
    "|[\u00c2\u00c3][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u2013-\u2122]"
)


def has_lost_letters(name: str) -> bool:
    """Return whether a program that wrote the file has replaced letters: 'M?ller'."""
    return _LOST.search(name) is not None


@lru_cache(maxsize=100_000)
def stored_email(email: str) -> str | None:
    """Return the address as accounts have it; None if it is none. Asked often of the same."""
    try:
        return checked_email(email)
    except Invalid:
        return None


def is_formula(name: str) -> bool:
    """Return whether a spreadsheet would calculate it."""
    return name.startswith(("=", "+", "@"))
