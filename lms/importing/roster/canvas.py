"""Canvas SIS: a folder or zip of CSVs that are known by their columns; each row is a change.

https://developerdocs.instructure.com/services/canvas/sis/file.sis_csv
"""

from collections.abc import Iterator, Mapping, Sequence

from lms.importing.roster.files import NoRoster
from lms.importing.roster.lines import CourseWords, Roster
from lms.importing.roster.systems import (
    ENROLL,
    STUDENT,
    UNENROLL,
    Asked,
    Person,
    address,
    full_name,
    in_time,
    leaves,
    line_about,
    only_students,
    unknown_status,
)
from lms.importing.roster.tables import Row, Table

_USERS, _COURSES, _SECTIONS = (
    ("userid", "loginid"),
    ("courseid", "shortname"),
    ("sectionid", "name"),
)
_CROSS_LISTS = ("xlistcourseid", "sectionid")
_KEPT = Asked(nothing="completed in Canvas: existing access is kept, and none is added")
"""Canvas lets them go on reading; what was the last enrollment deleted so is a completed one."""
_STATUSES = {
    "active": ENROLL,
    **dict.fromkeys(("inactive", "deleted"), UNENROLL),
    **dict.fromkeys(("completed", "deleted_last_completed"), _KEPT),
}


def is_canvas(tables: Sequence[Table]) -> bool:
    """Return whether one of these has the enrollments, or the users, of Canvas."""
    return any(_is_enrollments(each) or each.has(*_USERS) for each in tables)


def read_canvas(tables: Sequence[Table]) -> Roster:
    """Return what the files for Canvas say of students. Raises NoRoster."""
    users = [row for _, row in _rows(tables, _USERS)]
    if not users:
        raise NoRoster(
            "These are Canvas SIS enrollments without their users, so there are no e-mail"
            " addresses. Put users.csv into the same folder or ZIP file."
        )
    people = {row["userid"]: _person(row) for row in users}
    courses = {row["courseid"]: row for _, row in _rows(tables, _COURSES)}
    sections = {row["sectionid"]: row for _, row in _rows(tables, _SECTIONS)}
    taught_in = {section_id: row["courseid"] for section_id, row in sections.items()}
    taught_in |= {
        row["sectionid"]: row["xlistcourseid"]
        for _, row in _rows(tables, _CROSS_LISTS)
        if row["status"].lower() != "deleted"
    }
    lines = []
    for table in filter(_is_enrollments, tables):
        for row in table.rows:
            section_id = row["sectionid"]
            course_id = taught_in.get(section_id) or row["courseid"]
            words = _course(course_id or section_id, courses)
            statuses = [
                each[key]["status"].lower()
                for each, key in ((courses, course_id), (sections, section_id))
                if key in each
            ]
            lines.append(
                line_about(
                    row,
                    people.get(row["userid"]),
                    words,
                    _asked(row, statuses),
                    file=table.name,
                    known_as=row["userid"],
                )
            )
    gone = [
        leaves(row, person, file=name)
        for name, row in _rows(tables, _USERS)
        if (person := people[row["userid"]]).gone
    ]
    return Roster("Canvas SIS", lines, gone=tuple(gone), is_from_system=True)


def _is_enrollments(table: Table) -> bool:
    has_role = table.has("role") or table.has("roleid")
    return table.has("userid", "status") and has_role and not table.has("loginid")


def _rows(tables: Sequence[Table], columns: tuple[str, ...]) -> Iterator[tuple[str, Row]]:
    """Yield the rows of all files that have these columns, and the file's name."""
    for table in tables:
        if table.has(*columns) and not _is_enrollments(table):
            yield from ((table.name, row) for row in table.rows)


def _person(row: Row) -> Person:
    name = row["fullname"] or full_name(row["firstname"], row["lastname"]) or row["shortname"]
    status = row["status"].lower()
    gone = status if status in {"deleted", "suspended"} else ""
    return Person(address(row["email"], row["loginid"]), full_name(name), gone=gone)


def _course(course_id: str, courses: Mapping[str, Row]) -> CourseWords:
    row = courses.get(course_id, Row(0, {}, has_more=False))
    codes = (course_id, row["shortname"])
    return CourseWords(course_id, codes, (row["longname"], row["shortname"]))


def _asked(row: Row, around: Sequence[str]) -> Asked:
    """Return what a row asks for in a course and a section of these statuses."""
    role = row["role"].lower().removesuffix("enrollment")
    if not role:
        return Asked(problem="role_id alone doesn't say who is a student: add the column role")
    if role != STUDENT:
        return only_students(row["role"])
    asked = _STATUSES.get(row["status"].lower())
    if asked is None:
        return unknown_status(row["status"])
    if asked is ENROLL and "deleted" in around:
        return UNENROLL
    if asked is ENROLL and "completed" in around:
        return _KEPT
    return in_time(asked, row["startdate"], row["enddate"])
