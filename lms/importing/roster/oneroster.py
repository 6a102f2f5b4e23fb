"""OneRoster 1.1 and 1.2: a folder or zip of CSVs, bulk (everybody) or delta (what has changed).

https://www.imsglobal.org/oneroster-v11-final-csv-tables and /spec/oneroster/v1p2/bind/csv (1.2.1).
"""

from collections import defaultdict
from collections.abc import Mapping

from lms.importing.roster.files import NoRoster
from lms.importing.roster.lines import CourseWords, Roster, RosterLine
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

Tables = Mapping[str, Table]
USERS, ENROLLMENTS, ROLES = "users.csv", "enrollments.csv", "roles.csv"
_ENDED = frozenset(("tobedeleted", "inactive"))  # 1.0 had `inactive`
_AGAIN = "Export the roster again."
_MODES = {
    "bulk": "bulk: students missing from one of its courses lose access to it",
    "delta": "delta: only those listed are changed",
    "": "without a manifest: only those listed are changed",
}


def is_oneroster(tables: Tables) -> bool:
    """Return whether these are the files of a OneRoster."""
    files = [tables[name] for name in (USERS, ENROLLMENTS) if name in tables]
    return bool(files) and all(table.has("sourcedid") for table in files)


def read_oneroster(tables: Tables) -> Roster:
    """Return what a OneRoster says of its students. Raises NoRoster."""
    version, mode = _manifest(tables)
    if USERS not in tables:
        raise NoRoster(
            f"These are OneRoster enrollments without {USERS}, so there are no e-mail addresses."
            " Use the whole folder or ZIP file."
        )
    people = _people(tables)
    classes = _classes(tables)
    lines, complete = [], [words for words, _ in classes.values()]
    for row in _rows(tables, ENROLLMENTS):
        class_id = row["classsourcedid"]
        words, is_ended = classes.get(class_id, (CourseWords(class_id, (class_id,)), False))
        complete.append(words)
        person = people.get(row["usersourcedid"])
        asked = _asked(row, person)
        lines.append(
            line_about(
                row,
                person,
                words,
                UNENROLL if is_ended and asked.action else asked,
                file=ENROLLMENTS,
                known_as=row["usersourcedid"],
            )
        )
    return Roster(
        f"OneRoster {version}, {_MODES[mode]}",
        lines,
        complete=tuple(dict.fromkeys(complete)) if mode == "bulk" else (),
        gone=_gone(tables, people),
        is_from_system=True,
    )


def _manifest(tables: Tables) -> tuple[str, str]:
    """Return the version, and whether the enrollments are all there are or those that changed."""
    guessed = "1.2" if ROLES in tables else "1.1"
    if "manifest.csv" not in tables:
        return guessed, ""
    said = {
        row["propertyname"].lower(): row["value"].lower() for row in tables["manifest.csv"].rows
    }
    for name in ("users", "enrollments"):
        value, is_there = said.get(f"file.{name}", ""), f"{name}.csv" in tables
        if value in {"bulk", "delta"} and not is_there:
            raise NoRoster(f"manifest.csv lists {name}.csv, but it is missing or empty. {_AGAIN}")
        if value == "absent" and is_there:
            raise NoRoster(f"manifest.csv says {name}.csv is absent, but it is there. {_AGAIN}")
    mode = said.get("file.enrollments", "")
    return said.get("oneroster.version") or guessed, mode if mode in _MODES else ""


def _rows(tables: Tables, name: str) -> list[Row]:
    return tables[name].rows if name in tables else []


def _people(tables: Tables) -> dict[str, Person]:
    roles: dict[str, set[str]] = defaultdict(set)
    for row in _rows(tables, ROLES):
        if not _is_ended(row):
            roles[row["usersourcedid"]].add(row["role"].lower())
    people = {}
    for row in _rows(tables, USERS):
        user_id = row["sourcedid"]
        own = {row["role"].lower()} - {""}
        people[user_id] = Person(
            address(row["email"], row["username"]),
            full_name(
                row.first(("preferredgivenname", "givenname")),
                row.first(("preferredfamilyname", "familyname")),
            ),
            gone=_why_gone(row),
            roles=frozenset(own | roles[user_id]),
        )
    return people


def _why_gone(row: Row) -> str:
    if _is_ended(row):
        return row["status"]
    return "disabled" if row["enableduser"].lower() in {"false", "0"} else ""


def _gone(tables: Tables, people: Mapping[str, Person]) -> tuple[RosterLine, ...]:
    return tuple(
        leaves(row, person, file=USERS)
        for row in _rows(tables, USERS)
        if (person := people[row["sourcedid"]]).gone
    )


def _classes(tables: Tables) -> dict[str, tuple[CourseWords, bool]]:
    """Return what each class is called, and whether it is deleted there."""
    courses = {row["sourcedid"]: row for row in _rows(tables, "courses.csv")}
    nothing = Row(0, {}, has_more=False)
    classes = {}
    for row in _rows(tables, "classes.csv"):
        course = courses.get(row["coursesourcedid"], nothing)
        course_id = row["coursesourcedid"]
        codes = (row["sourcedid"], row["classcode"], course_id, course["coursecode"])
        titles = (row["title"], course["title"])
        written = course["coursecode"] or row.first(("classcode", "title", "sourcedid"))
        is_ended = _is_ended(row) or _is_ended(course)
        classes[row["sourcedid"]] = (CourseWords(written, codes, titles), is_ended)
    return classes


def _is_ended(row: Row) -> bool:
    return row["status"].lower() in _ENDED


def _asked(row: Row, person: Person | None) -> Asked:
    role, roles = row["role"].lower(), person.roles if person else frozenset()
    if not role:
        role = STUDENT if STUDENT in roles else ", ".join(sorted(roles)) or "no role"
    if role != STUDENT:
        return only_students(role)
    if roles and STUDENT not in roles:
        known = ", ".join(sorted(roles))
        return Asked(problem=f"student in {ENROLLMENTS}, but {known} as a user")
    status = row["status"].lower()
    if status in _ENDED:
        return UNENROLL
    if status in {"", "active"}:
        return in_time(ENROLL, row["begindate"], row["enddate"])
    return unknown_status(row["status"])
