"""Which of the portal's courses a roster means: by id, by code, or by a title that is unique."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.importing.roster.lines import CourseWords, RosterLine
from lms.models import Course

_NUMBER = re.compile(r"([0-9]{1,10})(?:[.,]0+)?")
"""Spreadsheets write an id as 1.0 or 1,0."""
_NONE = "the course doesn't exist"


class Courses:
    """All courses of the portal, as a roster may call them."""

    def __init__(self, session: Session) -> None:
        self._ids: set[int] = set()
        self._codes: dict[str, int] = {}
        self._spelled_codes: dict[str, set[int]] = defaultdict(set)
        self._titles: dict[str, set[int]] = defaultdict(set)
        every = session.execute(select(Course.id, Course.code, Course.title))
        for course_id, code, title in every.all():
            self._ids.add(course_id)
            self._titles[_spelled(title)].add(course_id)
            if code:
                self._codes[code] = course_id
                self._spelled_codes[_spelled(code)].add(course_id)

    def found(self, words: CourseWords) -> int | str:
        """Return the id of the course that is meant, or why nobody can say."""
        number, by_code = self._number(words), self._by_code(words)
        meant = by_code | ({number} if number else set())
        if number and len(meant) > 1:
            return f"{words.written} is the id of one course and the code of another: use a title"
        if not meant:
            known = (self._titles.get(_spelled(title)) for title in words.titles)
            meant = next(filter(None, known), set())
        if len(meant) > 1:
            alike = (
                "codes that differ only in case: write the code exactly as in the portal"
                if by_code
                else "this title: use the id or code"
            )
            return f"{len(meant)} courses have {alike}"
        return next(iter(meant), _NONE)

    def _number(self, words: CourseWords) -> int | None:
        """Return the portal's id that is written, if it is one."""
        written = _NUMBER.fullmatch(words.written) if words.is_ours else None
        number = int(written[1]) if written else None
        return number if number in self._ids else None

    def _by_code(self, words: CourseWords) -> set[int]:
        """Return the courses of the first of the codes that is known."""
        for code in filter(None, words.codes):
            for spelling in (code, *_without_fraction(code)):
                if spelling in self._codes:
                    return {self._codes[spelling]}
                if found := self._spelled_codes.get(_spelled(spelling)):
                    return found
        return set()


def with_courses(session: Session, lines: Sequence[RosterLine]) -> list[RosterLine]:
    """Return the lines with the portal's courses, or with the problem that there is none."""
    courses = Courses(session)
    known: dict[CourseWords, int | str] = {}
    resolved = []
    for line in lines:
        if line.course_id is None and line.course not in known:
            known[line.course] = courses.found(line.course)
        found = line.course_id or known[line.course]
        if isinstance(found, int):
            resolved.append(replace(line, course_id=found))
        elif line.may_be_missing and found == _NONE and line.action == "unenroll":
            resolved.append(replace(line, action="", nothing="not a course in the portal"))
        else:
            problem = found if line.course.written else "no course is given"
            resolved.append(replace(line, course_problem=problem))
    return resolved


def _spelled(text: str) -> str:
    return " ".join(text.split()).casefold()


def _without_fraction(code: str) -> list[str]:
    written = _NUMBER.fullmatch(code)
    return [written[1]] if written and written[1] != code else []
