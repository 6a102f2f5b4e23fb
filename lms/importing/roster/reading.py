"""Reads a roster: CSV as people and their spreadsheets write it."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from lms.importing.legacy.values import line as one_line
from lms.refusals import Refusal
from lms.texts import cleaned_line

COLUMNS = ("email", "name", "courseid", "action")
LARGEST_FILE = 50_000_000


class NoRoster(Refusal):
    """The file cannot be read as a roster; the message says why and what to do."""


@dataclass(frozen=True)
class RosterLine:
    """One line of the file, without blanks around its values, and the name as it is stored."""

    number: int
    email: str
    name: str
    course_id: str
    action: str
    problem: str = ""


def read(path: Path) -> list[RosterLine]:
    """Return the non-empty lines of a roster; raises NoRoster."""
    text = _text(path)
    # Excel's own first line, which names the separator.
    stated = re.match(r"\s*sep=(.)\r?\n", text, re.IGNORECASE)
    start = stated.end() if stated else 0
    separator = stated.group(1) if stated else _separator(text)
    rows = csv.reader(io.StringIO(text[start:], newline=""), delimiter=separator, strict=True)
    skipped = text[:start].count("\n")
    places: dict[str, int] | None = None
    lines: list[RosterLine] = []
    try:
        began = 1
        for row in rows:
            number, began = began + skipped, rows.line_num + 1
            values = [one_line(value) for value in row]
            if not any(values):
                continue
            if places is None:
                places = _places(values)
            else:
                lines.append(_line(number, values, places))
    except csv.Error as error:
        raise NoRoster(f"Line {rows.line_num + skipped} isn't valid CSV: {error}.") from None
    if places is None:
        raise NoRoster("The file is empty. The first line must name the columns: " + _EXAMPLE)
    return lines


_EXAMPLE = "email,name,course_id,action"


def _text(path: Path) -> str:
    if not path.exists():
        raise NoRoster(f"The file {path} doesn't exist.")
    if not path.is_file():
        raise NoRoster(f"{path} isn't a file.")
    if path.stat().st_size > LARGEST_FILE:
        raise NoRoster("The file is larger than 50 MB. Split it and try again.")
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NoRoster("The file is UTF-16. Save it as 'CSV UTF-8' and try again.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise NoRoster(
            f"Line {number} isn't UTF-8 (perhaps Latin-1). Save the file as 'CSV UTF-8'"
            " and try again."
        ) from None
    if "\x00" in text:
        raise NoRoster("The file contains binary data. Save it as 'CSV UTF-8' and try again.")
    return text


def _separator(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=header.count)


def _places(header: list[str]) -> dict[str, int]:
    found = [re.sub(r"[^a-z]", "", name.lower()) for name in header]
    if missing := [name for name in COLUMNS if name not in found]:
        named = ", ".join("course_id" if name == "courseid" else name for name in missing)
        raise NoRoster(f"The first line lacks {named}. It must name the columns: {_EXAMPLE}")
    if twice := [name for name in COLUMNS if found.count(name) > 1]:
        raise NoRoster(f"The first line names {twice[0]} twice.")
    return {name: found.index(name) for name in COLUMNS} | {"": len(header)}


def _line(number: int, values: list[str], places: dict[str, int]) -> RosterLine:
    email, name, course_id, action = (
        values[places[column]] if places[column] < len(values) else "" for column in COLUMNS
    )
    has_more = any(values[places[""] :])
    return RosterLine(
        number=number,
        email=email,
        name=cleaned_line(name),
        course_id=course_id,
        action=action.lower(),
        problem="there are more values than the first line has columns" if has_more else "",
    )
