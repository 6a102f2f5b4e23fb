"""What rosters of other systems have in common: people and courses by ids of theirs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from lms.db import now
from lms.importing.roster.lines import CourseWords, RosterLine
from lms.importing.roster.tables import Row
from lms.texts import cleaned_line

STUDENT = "student"


@dataclass(frozen=True)
class Person:
    """Somebody as another system knows them."""

    email: str
    name: str
    gone: str = ""
    """Why they have no access there any more; blank if they have."""
    roles: frozenset[str] = frozenset()
    """Blank where the system says it of each enrollment alone."""


@dataclass(frozen=True)
class Asked:
    """What an enrollment's status and role ask for: an action, or why for none, or the problem."""

    action: str = ""
    nothing: str = ""
    problem: str = ""


ENROLL, UNENROLL = Asked("enroll"), Asked("unenroll")


def line_about(
    row: Row, person: Person | None, course: CourseWords, asked: Asked, *, file: str, known_as: str
) -> RosterLine:
    """Return the line of an enrollment; `known_as` is what the system calls the person."""
    problem = asked.problem
    if person is None and not asked.nothing:
        problem = problem or f"the user {known_as} isn't in the roster"
    elif person and person.gone and asked.action:
        asked = UNENROLL
    return RosterLine(
        number=row.number,
        file=file,
        email=person.email if person else "",
        name=person.name if person else "",
        course=course,
        action=asked.action,
        nothing=asked.nothing,
        problem=problem,
        may_be_missing=True,
    )


def leaves(row: Row, person: Person, *, file: str) -> RosterLine:
    """Return the line of somebody who has left the other system."""
    course = CourseWords("")
    return line_about(row, person, course, UNENROLL, file=file, known_as=person.email)


def only_students(role: str) -> Asked:
    """Return what a role asks for whom nobody enrolls: teachers, aides, parents."""
    return Asked(nothing=f"{role}: only students are enrolled")


def unknown_status(word: str) -> Asked:
    """Return what a status asks for that is none of the format's."""
    return Asked(problem=f"the status '{word}' isn't known")


def in_time(asked: Asked, begin: str, end: str) -> Asked:
    """Return what an enrollment asks for that has days on which it begins and ends."""
    if asked is not ENROLL:
        return asked
    today = now().date()
    ends, begins = _day(end), _day(begin)
    if ends is not None and ends <= today:
        return UNENROLL
    if begins is not None and begins > today:
        return Asked(nothing=f"begins on {begins}")
    return asked


def address(*written: str) -> str:
    """Return the first that is an address: many schools sign in by it."""
    return next((each for each in written if "@" in each), written[0])


def full_name(*parts: str) -> str:
    """Return a name as it is stored."""
    return cleaned_line(" ".join(filter(None, parts)))


def settled(lines: Iterable[RosterLine]) -> list[RosterLine]:
    """Return the lines so that nobody leaves a course who is in another class of it."""
    lines = list(lines)
    staying = {
        (line.email.lower(), line.course_id): line.number
        for line in lines
        if line.action == "enroll" and line.course_id is not None
    }
    return [
        replace(line, action="", nothing=f"enrolled by line {staying[pair]}")
        if line.action == "unenroll"
        and line.may_be_missing
        and (pair := (line.email.lower(), line.course_id)) in staying
        else line
        for line in lines
    ]


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written[:10])
    except ValueError:
        return None
