"""Whom a line means that says a name and no address."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.importing.roster.lines import RosterLine
from lms.models import User
from lms.texts import counted, without_accents


def with_people(session: Session, lines: Sequence[RosterLine]) -> list[RosterLine]:
    """Return the lines with the address of the one student of the name, or why there is none."""
    if not any(line.is_by_name for line in lines):
        return list(lines)
    wanted = {_compared(line.name) for line in lines if line.is_by_name}
    found: dict[str, list[str]] = defaultdict(list)
    students = select(User.email, User.name).where(User.role == "student", User.is_proven)
    for email, name in session.execute(students):
        if (compared := _compared(name)) in wanted:
            found[compared].append(email)
    return [
        _with_address(line, found[_compared(line.name)]) if line.is_by_name else line
        for line in lines
    ]


def _with_address(line: RosterLine, emails: Sequence[str]) -> RosterLine:
    if len(emails) == 1:
        return replace(line, email=emails[0])
    if not emails:
        return replace(line, problem="no student has this name: add the e-mail address")
    return replace(
        line, problem=f"{counted(len(emails), 'student')} have this name: add the e-mail address"
    )


def _compared(name: str) -> str:
    """Return the words of a name in no order: 'Lovelace, Ada' is Ada Lovelace."""
    return " ".join(sorted(without_accents(name.replace(",", " ")).split()))
