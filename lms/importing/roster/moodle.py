"""Moodle's 'Upload users': one line for each person, with course1, role1, enrolstatus1, course2 ...

https://docs.moodle.org/en/Upload_users
"""

import re
from collections.abc import Iterator

from lms.importing.roster.lines import CourseWords, Roster, RosterLine
from lms.importing.roster.systems import (
    ENROLL,
    STUDENT,
    UNENROLL,
    Asked,
    Person,
    address,
    full_name,
    leaves,
    line_about,
    only_students,
    unknown_status,
)
from lms.importing.roster.tables import Row, Table
from lms.texts import counted

_COURSE = re.compile(r"course(\d{1,4})")
_TYPES = {"1": STUDENT, "2": "editingteacher", "3": "teacher"}
_STATUSES = {"": ENROLL, "0": ENROLL, "1": UNENROLL}
_YES = frozenset(("1", "yes", "true"))


def is_moodle(table: Table) -> bool:
    """Return whether this is a list for Moodle's 'Upload users'."""
    has_person = table.has("username") or table.has("email")
    has_name = table.has("firstname", "lastname")
    return (
        has_person
        and not table.has("action")
        and (bool(_numbers(table)) or (has_name and table.has("username")))
    )


def read_moodle(table: Table) -> Roster:
    """Return what a list for Moodle says of students."""
    numbers = _numbers(table)
    lines = [line for row in table.rows for line in _lines(row, numbers)]
    gone = [leaves(row, person, file="") for row in table.rows if (person := _person(row)).gone]
    periods = sum(any(_period(row, each) for each in numbers) for row in table.rows)
    verb = "limits" if periods == 1 else "limit"
    warning = (
        f"{counted(periods, 'line')} {verb} access by enrolperiod. Here, access lasts until it is"
        " ended."
    )
    return Roster(
        "Moodle's “Upload users”",
        lines,
        gone=tuple(gone),
        warnings=(warning,) if periods else (),
        is_from_system=True,
    )


def _numbers(table: Table) -> list[str]:
    found = (_COURSE.fullmatch(column) for column in table.columns)
    return [each[1] for each in found if each]


def _lines(row: Row, numbers: list[str]) -> Iterator[RosterLine]:
    person = _person(row)
    places = [each for each in numbers if row[f"course{each}"]]
    for place in places:
        course = row[f"course{place}"]
        words, asked = CourseWords(course, (course,), (course,)), _asked(row, place)
        yield line_about(row, person, words, asked, file="", known_as=row["username"])
    if not places:
        asked = Asked(nothing=f"{person.gone} in Moodle" if person.gone else "no course is given")
        yield line_about(row, person, CourseWords(""), asked, file="", known_as=row["username"])


def _person(row: Row) -> Person:
    gone = next((each for each in ("deleted", "suspended") if row[each].lower() in _YES), "")
    name = full_name(row["firstname"], row["lastname"])
    return Person(address(row["email"], row["username"]), name, gone=gone)


def _asked(row: Row, place: str) -> Asked:
    role = row[f"role{place}"].lower() or _TYPES.get(row[f"type{place}"], STUDENT)
    if role not in {STUDENT, "5"}:  # the id of students in every new Moodle
        return only_students(role)
    status = row[f"enrolstatus{place}"]
    return _STATUSES.get(status) or unknown_status(status)


def _period(row: Row, place: str) -> bool:
    return row[f"enrolperiod{place}"] not in {"", "0"}
