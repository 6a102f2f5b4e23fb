"""What each line of a roster would do, or why it does nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, cast

from sqlalchemy.orm import Session

from lms.enrollment.batch import Entry
from lms.identity import checked_name
from lms.importing.roster.effects import effects_of
from lms.importing.roster.lines import RosterLine, has_lost_letters, is_formula, stored_email
from lms.importing.roster.school import RosterCourse, School, read_school
from lms.queries.read_model import read_model
from lms.refusals import Invalid

Outcome = Literal["enroll", "create_and_enroll", "unenroll", "nothing", "refused"]
LOST_LETTERS = "the name seems to have lost letters"


@read_model
class DecidedLine:
    """A line of the roster and its outcome."""

    file: str
    """Blank where the roster is one file."""
    line: int
    email: str
    is_by_name: bool
    """Whether the address was found by the name, which alone was written."""
    name: str
    course_id: str
    """The course as the roster calls it."""
    action: str
    outcome: Outcome
    detail: str


def entry_of(line: RosterLine) -> Entry | str:
    """Return a line's entry, or why it asks for none."""
    if line.nothing and not line.problem:
        return line.nothing
    email = stored_email(line.email)
    problem = next(filter(None, (line.problem, *_problems(line), "" if email else _NO_EMAIL)), "")
    if problem:
        return problem
    action = cast("Literal['enroll', 'unenroll']", line.action)
    return Entry(action, str(email), line.name, cast("int", line.course_id))


_NO_EMAIL = "the e-mail address isn't valid"


def _problems(line: RosterLine) -> Iterator[str]:
    if not line.email:
        yield "no e-mail address"
    if line.course_problem:
        yield line.course_problem
    if line.action not in {"enroll", "unenroll"}:
        yield "the action must be enroll or unenroll"
    if is_formula(line.name):
        yield "the name is a spreadsheet formula"
    if line.name:
        try:
            checked_name(line.name)
        except Invalid as refusal:
            yield refusal.detail


class Decided(NamedTuple):
    """The outcome of each line, and all that takes effect."""

    lines: list[DecidedLine]
    entries: list[Entry]
    effects: str
    """Differs where anything else would take effect."""


def decide(session: Session, lines: Sequence[RosterLine]) -> Decided:
    """Decide on each line."""
    understood = [(line, entry_of(line)) for line in lines]
    entries = [entry for _, entry in understood if isinstance(entry, Entry)]
    school = read_school(session, entries)
    names = {entry.email: entry.name for entry in reversed(entries) if entry.name}
    asked = _asked(understood)
    seen: dict[Entry, int] = {}
    decided: dict[int, DecidedLine] = {}
    effective = []
    # Those who leave make room for those who come, in any order; those who come may be let into
    # courses that are open to all, and out again. So a second run finds nothing left to do.
    for place in sorted(range(len(lines)), key=lambda each: _turn(understood[each][1], school)):
        line, asked_for = understood[place]
        if isinstance(asked_for, str):
            outcome: Outcome = "refused" if line.problem or not line.nothing else "nothing"
            decided[place] = _decided(line, outcome, asked_for)
            continue
        entry = replace(asked_for, name=names.get(asked_for.email, ""))
        outcome, detail = (
            _contradicting(entry, asked)
            or _repeating(entry, seen)
            or _unknown(entry, line, school)
            or _effect(entry, school)
        )
        seen.setdefault(entry, line.number)
        if outcome in _EFFECTS:
            effective.append(entry)
        decided[place] = _decided(line, outcome, detail)
    in_order = [decided[place] for place in range(len(lines))]
    return Decided(in_order, effective, effects_of(effective, school.students))


def _turn(entry: Entry | str, school: School) -> int:
    if isinstance(entry, str) or entry.action == "enroll":
        return 1
    return 0 if entry.email in school.students else 2


_EFFECTS = frozenset(("enroll", "create_and_enroll", "unenroll"))


def _effect(entry: Entry, school: School) -> tuple[Outcome, str]:
    """Say what an entry does to the school as the lines before have left it, and let it."""
    course = school.courses.get(entry.course_id)
    if course is None:
        return _refused("the course doesn't exist")
    if entry.email in school.others:
        return _refused("this is an admin's account; admins can't be enrolled")
    if entry.action == "unenroll":
        return _unenroll(entry, course, school)
    return _enroll(entry, course, school)


def _unknown(entry: Entry, line: RosterLine, school: School) -> tuple[Outcome, str] | None:
    """Let nothing become of somebody who leaves another system and has never been here."""
    is_here = entry.email in school.students or entry.email in school.others
    if entry.action == "unenroll" and line.may_be_missing and not is_here:
        return "nothing", "no account has this e-mail address"
    return None


def _unenroll(entry: Entry, course: RosterCourse, school: School) -> tuple[Outcome, str]:
    pair = (entry.email, entry.course_id)
    if entry.email not in school.students:
        return _refused("no account has this e-mail address")
    if pair not in school.enrolled:
        return "nothing", f"not enrolled in {course.title}"
    school.enrolled.discard(pair)
    if course.free_seats is not None:
        course.free_seats += 1
    # Somebody has to decide about the money: the verb shows it to the admins, and tells the buyer.
    and_paid = ", and the payment marked for review" if pair in school.paid else ""
    school.paid.discard(pair)
    return "unenroll", f"unenrolled from {course.title}{and_paid}"


def _enroll(entry: Entry, course: RosterCourse, school: School) -> tuple[Outcome, str]:
    pair = (entry.email, entry.course_id)
    if pair in school.enrolled:
        return "nothing", f"already enrolled in {course.title}"
    is_new = entry.email not in school.students
    if is_new and not entry.name:
        return _refused("a new account needs a name")
    if pair in school.offered:
        school.offered.discard(pair)  # it is this seat that the student takes
    elif course.free_seats == 0:
        return _refused(f"{course.title} is full")
    elif course.free_seats is not None:
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
    """Return the requested actions for each person and course, each with its first line."""
    asked: dict[tuple[str, int], dict[str, int]] = {}
    for line, entry in understood:
        if isinstance(entry, Entry):
            pair = asked.setdefault((entry.email, entry.course_id), {})
            pair.setdefault(entry.action, line.number)
    return asked


def _decided(line: RosterLine, outcome: Outcome, detail: str) -> DecidedLine:
    return DecidedLine(
        file=line.file,
        line=line.number,
        email=line.email,
        is_by_name=line.is_by_name and bool(line.email),
        name=line.name,
        course_id=line.course.written,
        action=line.action,
        outcome=outcome,
        detail=f"{detail}; {LOST_LETTERS}" if has_lost_letters(line.name) else detail,
    )
