"""Who leaves without a line of their own: missing in a complete roster, or deleted there."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from lms.importing.present import parts
from lms.importing.roster.courses import Courses
from lms.importing.roster.deciding import entry_of
from lms.importing.roster.lines import CourseWords, Roster, RosterLine, stored_email
from lms.models import AccessSource, Course, User
from lms.texts import counted


def leaving(
    session: Session, roster: Roster, lines: Sequence[RosterLine]
) -> tuple[list[RosterLine], list[str]]:
    """Return a line for everybody who leaves so, and what people have to know about it.

    Only access that rosters and imports alone have given ends: what was bought, or what an admin
    has decided, stays.
    """
    complete, warnings = _complete(session, roster, lines)
    named = {
        (stored_email(line.email), line.course_id) for line in lines if line.action or line.problem
    }
    found = []
    for course_ids in parts(sorted(complete)):
        for email, course_id, title in _imported(session, AccessSource.course_id.in_(course_ids)):
            if (email, course_id) not in named:
                line = RosterLine(
                    number=0,
                    email=email,
                    name="",
                    course=CourseWords(title),
                    action="unenroll",
                    course_id=course_id,
                )
                found.append(line)
                named.add((email, course_id))
    gone = {stored: line for line in roster.gone if (stored := stored_email(line.email))}
    for emails in parts(sorted(gone)):
        for email, course_id, title in _imported(session, User.email.in_(emails)):
            if (email, course_id) not in named:
                course = CourseWords(title)
                found.append(replace(gone[email], course=course, course_id=course_id))
    return found, warnings


def _complete(
    session: Session, roster: Roster, lines: Sequence[RosterLine]
) -> tuple[set[int], list[str]]:
    """Return the courses of which everybody is named, and is somebody that we know.

    A line that can't be understood may be about anybody: then nobody is known to be missing.
    """
    if not roster.complete:
        return set(), []
    courses = Courses(session)
    known = {courses.found(words) for words in roster.complete}
    complete = {each for each in known if isinstance(each, int)}
    unclear = [line for line in lines if not line.nothing and isinstance(entry_of(line), str)]
    kept = {line.course_id for line in unclear} & complete
    if not kept:
        return complete, []
    return complete - kept, [
        f"{counted(len(kept), 'course')} {'has' if len(kept) == 1 else 'have'} lines that were"
        " refused. Until those lines are corrected, nobody loses access to"
        f" {'this course' if len(kept) == 1 else 'these courses'} for being missing from the"
        " roster."
    ]


def _imported(session: Session, where: ColumnElement[bool]) -> Collection[tuple[str, int, str]]:
    """Return whom imports alone have let in: address, course and its title."""
    other = aliased(AccessSource)
    by_others = (
        select(other.id)
        .where(
            other.user_id == AccessSource.user_id,
            other.course_id == AccessSource.course_id,
            other.kind != "import",
        )
        .exists()
    )
    rows = session.execute(
        select(User.email, AccessSource.course_id, Course.title)
        .join(User, User.id == AccessSource.user_id)
        .join(Course, Course.id == AccessSource.course_id)
        .where(where, AccessSource.kind == "import", ~by_others, User.role == "student")
        .order_by(AccessSource.course_id, User.email)
        .distinct()
    )
    return [(row[0], row[1], row[2]) for row in rows]
