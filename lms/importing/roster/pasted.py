"""A list of people as somebody pastes it: one on each line, by address, by name, or by both."""

import re

from lms.importing.roster.files import NoRoster
from lms.importing.roster.lines import CourseWords, Roster, RosterLine, is_formula
from lms.importing.roster.own import is_heading
from lms.texts import cleaned_line, counted, storable

MOST_LINES = 1_000
LONGEST_LINE = 500
_SEPARATOR = re.compile(r"[\t;,]")
_ADDRESS = re.compile(r"[<(]*([^\s,;<>()]*@[^\s,;<>()]*)[>)]*")
"""Also as e-mail programs write it: Ada Lovelace <ada@example.org>"""
_MAILTO = re.compile(r"mailto:([^?]*).*", re.IGNORECASE)
_QUOTES = "\"'\u201c\u201d\u2018\u2019"


def read_pasted(text: str, course_id: int) -> Roster:
    """Return a line for each person who is to be enrolled in the course; raises NoRoster."""
    written = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if written and is_heading(_SEPARATOR.split(written[0][1])):
        del written[0]
    if not written:
        raise NoRoster("Paste at least one person.")
    if len(written) > MOST_LINES:
        raise NoRoster(
            f"You pasted {counted(len(written), 'line')}, and at most {MOST_LINES:,} are accepted."
            " Upload a file instead."
        )
    if long := next((number for number, line in written if len(line) > LONGEST_LINE), None):
        raise NoRoster(f"Line {long} is too long. Put one person on each line.")
    course = CourseWords(str(course_id), is_ours=True)
    return Roster("a pasted list", [_line(number, line, course) for number, line in written])


def _line(number: int, written: str, course: CourseWords) -> RosterLine:
    name, emails = _parts(storable(written))
    is_by_name = not emails
    problem = ""
    if len(emails) > 1:
        problem = "there is more than one address: put one person on each line"
    elif is_by_name and is_formula(name):
        is_by_name, problem = False, "the name is a spreadsheet formula"
    elif is_by_name and not name:
        is_by_name, problem = False, "there is neither a name nor an address"
    return RosterLine(
        number=number,
        email=emails[0] if emails else "",
        name=name,
        course=course,
        action="enroll",
        problem=problem,
        is_by_name=is_by_name,
    )


def _parts(written: str) -> tuple[str, list[str]]:
    """Return the name, which is all beside the addresses, and the addresses of a line."""
    found = [each.strip(_QUOTES) for each in _ADDRESS.findall(written)]
    emails = [_MAILTO.sub(r"\1", each) for each in found]
    names = (_in_order(cell) for cell in re.split(r"[\t;]", _ADDRESS.sub("\t", written)))
    return cleaned_line(" ".join(filter(None, names))), emails


def _in_order(written: str) -> str:
    """Return a name with the given name first: 'Lovelace, Ada' is Ada Lovelace.

    Without a blank behind the comma it parts the columns of a CSV, which stand in their order.
    """
    cells = [cell for each in written.split(",") if (cell := each.strip(f" {_QUOTES}"))]
    if len(cells) == 2 and ", " in written:
        cells.reverse()
    return " ".join(cells)
