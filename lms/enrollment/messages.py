"""What a school writes to the students of a course."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, String, bindparam, func, select
from sqlalchemy import cast as as_type
from sqlalchemy.orm import Session

from lms.identity import checked_line
from lms.ledger.audit import record
from lms.ledger.limits import Limit, count, count_use
from lms.ledger.rows import Rows, as_table
from lms.live import touch
from lms.messages.catalogue import SchoolMessage
from lms.messages.notices import announce_all
from lms.models import Course, Enrollment
from lms.refusals import CourseNotFound, Invalid
from lms.statements import COURSE, run
from lms.texts import UNSTORABLE, is_storable
from lms.transaction import transactional

LONGEST_SUBJECT = 150
LONGEST_TEXT = 5_000
_ONCE = Limit(1, timedelta(days=1))
"""How long a form that is sent again is known to have been sent."""


@transactional
def message_students(
    session: Session,
    course_id: int,
    students: Sequence[int],
    *,
    subject: str,
    text: str,
    key: str,
    by: int,
) -> int | None:
    """Write to those of these students who are enrolled, and return how many there were.

    None if the message of this key has been sent: nobody gets it twice. In a fixed number of
    statements, however many students there are.
    """
    subject, text = _checked(subject, text)
    course = session.get(Course, course_id)
    if course is None:
        raise CourseNotFound
    # Both of two forms sent at once count here, one after the other.
    if count_use(session, f"message/{by}/{course_id}/{key}", _ONCE).used > 1:
        return None
    count(session, "message", by)
    message = SchoolMessage(course_id, course.title, subject, text)
    chosen = {"course": course_id, "chosen": [(student,) for student in students]}
    sent = run(session, _counting(), **chosen).scalar_one()
    announce_all(session, message, _recipients(), event=f"message-{key}-", **chosen)
    record(session, "course.messaged", by=by, course_id=course_id, subject=subject, students=sent)
    touch(session, students=students)
    return int(sent)


def _checked(subject: str, text: str) -> tuple[str, str]:
    subject, text = checked_line("subject", subject), text.strip()
    if not subject or len(subject) > LONGEST_SUBJECT:
        raise Invalid("subject", f"Enter a subject of at most {LONGEST_SUBJECT} characters.")
    if not text or len(text) > LONGEST_TEXT:
        raise Invalid("text", f"Enter a message of at most {LONGEST_TEXT} characters.")
    if not is_storable(text):
        raise Invalid("text", UNSTORABLE)
    return subject, text


@cache
def _recipients() -> Select[*tuple[Any, ...]]:
    event = bindparam("event", type_=String)
    return _enrolled(Enrollment.user_id, event + as_type(Enrollment.user_id, String))


@cache
def _counting() -> Select[*tuple[Any, ...]]:
    return _enrolled(func.count())


def _enrolled(*columns: Any) -> Select[*tuple[Any, ...]]:
    """Select those chosen who are in the course; by IN, since SQLite would join row by row."""
    chosen = as_table(bindparam("chosen", type_=Rows()), student_id=Integer())
    among = Enrollment.user_id.in_(select(chosen.c.student_id))
    return select(*columns).select_from(Enrollment).where(Enrollment.course_id == COURSE, among)
