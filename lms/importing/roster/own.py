"""The portal's own roster: a CSV of email, name, course_id and action."""

from collections.abc import Sequence

from lms.importing.roster.files import NoRoster
from lms.importing.roster.lines import CourseWords, Roster, RosterLine
from lms.importing.roster.tables import Row, Table, key
from lms.texts import cleaned_line

EXAMPLE = "email,name,course_id,action"
_EMAIL = ("email", "emailaddress", "mail", "emailadresse", "mailadresse", "studentemail")
_NAME = ("name", "fullname", "studentname", "vollstandigername", "vorundnachname")
_FIRST = ("firstname", "givenname", "vorname")
_LAST = ("lastname", "familyname", "surname", "nachname", "familienname")
_COURSE = (
    *("courseid", "coursecode", "course", "coursetitle", "coursename"),
    *("kursid", "kurscode", "kursnummer", "kursnr", "kurs", "kurstitel", "kursname"),
)
_ACTION = ("action", "aktion", "operation", "vorgang")
_WORDS = {
    "enroll": (
        *("enroll", "enrol", "enrolled", "enrolment", "enrollment", "add", "added", "register"),
        *("einschreiben", "eintragen", "anmelden", "hinzufugen", "hinzufuegen", "aufnehmen"),
    ),
    "unenroll": (
        *("unenroll", "unenrol", "unenrolled", "disenroll", "drop", "dropped", "remove", "removed"),
        *("delete", "deleted", "withdraw", "withdrawn", "unregister", "austragen", "abmelden"),
        *("ausschreiben", "entfernen", "loschen", "loeschen"),
    ),
}
_ACTIONS = {word: action for action, words in _WORDS.items() for word in words}


def is_heading(cells: Sequence[str]) -> bool:
    """Return whether cells are the names of columns of people, other columns too, and no person."""
    known = {*_EMAIL, *_NAME, *_FIRST, *_LAST}
    named = [key(cell) in known for cell in cells if cell.strip()]
    return all(named) or sum(named) > 1


def read_own(table: Table) -> Roster:
    """Return the lines of a roster as people write it. Raises NoRoster."""
    email, course, action = (table.column(*each) for each in (_EMAIL, _COURSE, _ACTION))
    name, first, last = (table.column(*each) for each in (_NAME, _FIRST, _LAST))
    # 'Name, Vorname' is family name and given name.
    names = [first, last or name] if first else [name or last]
    found = {"email": email, "name": names[0], "course_id": course, "action": action}
    if missing := [each for each, column in found.items() if column is None]:
        raise NoRoster(
            f"The first line lacks {', '.join(missing)}. It must name the columns: {EXAMPLE}"
        )
    return Roster(
        "CSV",
        [
            _line(row, str(email), str(course), str(action), [each for each in names if each])
            for row in table.rows
        ],
    )


def _line(row: Row, email: str, course: str, action: str, names: list[str]) -> RosterLine:
    word = row[action].lower()
    return RosterLine(
        number=row.number,
        email=row[email],
        name=cleaned_line(" ".join(row[each] for each in names)),
        course=CourseWords(row[course], (row[course],), (row[course],), is_ours=True),
        action=_ACTIONS.get(key(word), word),
        problem="there are more values than the first line has columns" if row.has_more else "",
    )
