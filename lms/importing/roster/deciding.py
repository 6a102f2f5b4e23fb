"""What each line of a roster would do, or why it does nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from lms.db import LARGEST_ID
from lms.enrollment.batch import Entry
from lms.identity import checked_email, checked_name
from lms.importing.roster.reading import RosterLine
from lms.models import Course, Enrollment, User
from lms.queries.read_model import read_model
from lms.refusals import Invalid

Outcome = Literal["enroll", "create_and_enroll", "unenroll", "nothing", "refused"]
_CHUNK = 400


@read_model
class DecidedLine:
    """A line of the roster and what becomes of it."""

    line: int
    email: str
    name: str
    course_id: str
    action: str
    outcome: Outcome
    detail: str


@dataclass
class _Course:
    title: str
    free_seats: int | None
    is_open_to_all: bool


@dataclass
class School:
    """What the portal knows of the people and courses that a roster names."""

    courses: dict[int, _Course] = field(default_factory=dict)
    students: dict[str, int] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    """Addresses of accounts that are no students'."""
    enrolled: set[tuple[str, int]] = field(default_factory=set)


def entry_of(line: RosterLine) -> Entry | str:
    """Return what a line asks for, or why it cannot be understood."""
    email = _email(line)
    problem = next(filter(None, (line.problem, *_problems(line), "" if email else _NO_EMAIL)), "")
    if problem:
        return problem
    action = cast("Literal['enroll', 'unenroll']", line.action)
    return Entry(action, str(email), line.name, int(line.course_id))


_NO_EMAIL = "the e-mail address is not one"


def _problems(line: RosterLine) -> Iterator[str]:
    if not line.email:
        yield "no e-mail address"
    if not (line.course_id.isascii() and line.course_id.isdigit() and len(line.course_id) <= 10):
        yield "course_id is not the number of a course"
    if line.action not in {"enroll", "unenroll"}:
        yield "the action must be enroll or unenroll"
    if line.name:
        try:
            checked_name(line.name)
        except Invalid as refusal:
            yield refusal.detail


def _email(line: RosterLine) -> str | None:
    try:
        return checked_email(line.email)
    except Invalid:
        return None


def decide(session: Session, lines: Sequence[RosterLine]) -> tuple[list[DecidedLine], list[Entry]]:
    """Return what becomes of each line, and the entries of those that take effect."""
    understood = [(line, entry_of(line)) for line in lines]
    entries = [entry for _, entry in understood if isinstance(entry, Entry)]
    school = _school(session, entries)
    names = {entry.email: entry.name for entry in reversed(entries) if entry.name}
    asked = _asked(understood)
    seen: dict[Entry, int] = {}
    decided: dict[int, DecidedLine] = {}
    effective = []
    # Who leaves makes room for who comes, wherever the lines stand; those who come may be let into
    # everybody's courses, and out again. So a second run finds nothing left to do.
    for line, asked_for in sorted(understood, key=lambda each: _turn(each[1], school)):
        if isinstance(asked_for, str):
            decided[line.number] = _decided(line, *_refused(asked_for))
            continue
        entry = replace(asked_for, name=names.get(asked_for.email, ""))
        outcome, detail = (
            _contradicting(entry, asked) or _repeating(entry, seen) or _effect(entry, school)
        )
        seen.setdefault(entry, line.number)
        if outcome in _EFFECTS:
            effective.append(entry)
        decided[line.number] = _decided(line, outcome, detail)
    return [decided[line.number] for line in lines], effective


def _turn(entry: Entry | str, school: School) -> int:
    if isinstance(entry, str) or entry.action == "enroll":
        return 1
    return 0 if entry.email in school.students else 2


_EFFECTS = frozenset(("enroll", "create_and_enroll", "unenroll"))


def _effect(entry: Entry, school: School) -> tuple[Outcome, str]:
    """Say what an entry does to the school as the lines before have left it, and let it."""
    course = school.courses.get(entry.course_id)
    if course is None:
        return _refused("there is no such course")
    if entry.email in school.others:
        return _refused("this is an admin's account: admins are not enrolled")
    if entry.action == "unenroll":
        return _unenroll(entry, course, school)
    return _enroll(entry, course, school)


def _unenroll(entry: Entry, course: _Course, school: School) -> tuple[Outcome, str]:
    pair = (entry.email, entry.course_id)
    if entry.email not in school.students:
        return _refused("there is no account with this e-mail address")
    if pair not in school.enrolled:
        return "nothing", f"not enrolled in {course.title}"
    school.enrolled.discard(pair)
    if course.free_seats is not None:
        course.free_seats += 1
    return "unenroll", f"unenrolled from {course.title}"


def _enroll(entry: Entry, course: _Course, school: School) -> tuple[Outcome, str]:
    pair = (entry.email, entry.course_id)
    if pair in school.enrolled:
        return "nothing", f"enrolled in {course.title} already"
    is_new = entry.email not in school.students
    if is_new and not entry.name:
        return _refused("a new account needs a name")
    if course.free_seats == 0:
        return _refused(f"{course.title} is full")
    if course.free_seats is not None:
        course.free_seats -= 1
    school.enrolled.add(pair)
    if is_new:
        school.students[entry.email] = 0
        school.enrolled |= {
            (entry.email, course_id)
            for course_id, each in school.courses.items()
            if each.is_open_to_all
        }
        return "create_and_enroll", f"enrolled in {course.title}, with a new account"
    return "enroll", f"enrolled in {course.title}"


def _contradicting(
    entry: Entry, asked: dict[tuple[str, int], dict[str, int]]
) -> tuple[Outcome, str] | None:
    actions = asked[entry.email, entry.course_id]
    if len(actions) == 1:
        return None
    other = next(line for action, line in actions.items() if action != entry.action)
    return _refused(f"it contradicts line {other}")


def _repeating(entry: Entry, seen: dict[Entry, int]) -> tuple[Outcome, str] | None:
    return ("nothing", f"the same as line {seen[entry]}") if entry in seen else None


def _refused(reason: str) -> tuple[Outcome, str]:
    return "refused", reason


def _asked(
    understood: Iterable[tuple[RosterLine, Entry | str]],
) -> dict[tuple[str, int], dict[str, int]]:
    """Return for each person and course the actions asked for, each with its first line."""
    asked: dict[tuple[str, int], dict[str, int]] = {}
    for line, entry in understood:
        if isinstance(entry, Entry):
            pair = asked.setdefault((entry.email, entry.course_id), {})
            pair.setdefault(entry.action, line.number)
    return asked


def _decided(line: RosterLine, outcome: Outcome, detail: str) -> DecidedLine:
    return DecidedLine(
        line=line.number,
        email=line.email,
        name=line.name,
        course_id=line.course_id,
        action=line.action,
        outcome=outcome,
        detail=detail,
    )


def _school(session: Session, entries: Sequence[Entry]) -> School:
    school = School()
    taken = (
        select(func.count())
        .where(Enrollment.course_id == Course.id)
        .correlate(Course)
        .scalar_subquery()
    )
    # A number beyond the column's is no course; PostgreSQL would not even compare it.
    ids = sorted({entry.course_id for entry in entries if entry.course_id <= LARGEST_ID})
    for start in range(0, len(ids), _CHUNK):
        rows = session.execute(
            select(Course, taken).where(Course.id.in_(ids[start : start + _CHUNK]))
        )
        for course, students in rows:
            free = None if course.capacity is None else max(course.capacity - students, 0)
            is_open_to_all = course.is_default_unlocked and course.is_visible
            school.courses[course.id] = _Course(course.title, free, is_open_to_all)
    emails = sorted({entry.email for entry in entries})
    for start in range(0, len(emails), _CHUNK):
        people = session.execute(
            select(User.id, User.email, User.role).where(
                User.email.in_(emails[start : start + _CHUNK])
            )
        )
        for person in people:
            if person.role == "student":
                school.students[person.email] = person.id
            else:
                school.others.add(person.email)
    _read_enrolled(session, school, entries)
    return school


def _read_enrolled(session: Session, school: School, entries: Sequence[Entry]) -> None:
    pairs = sorted(
        {
            (school.students[entry.email], entry.course_id)
            for entry in entries
            if entry.email in school.students and entry.course_id in school.courses
        }
    )
    emails = {user_id: email for email, user_id in school.students.items()}
    for start in range(0, len(pairs), _CHUNK):
        rows = session.execute(
            select(Enrollment.user_id, Enrollment.course_id).where(
                tuple_(Enrollment.user_id, Enrollment.course_id).in_(pairs[start : start + _CHUNK])
            )
        )
        school.enrolled |= {(emails[row.user_id], row.course_id) for row in rows}
