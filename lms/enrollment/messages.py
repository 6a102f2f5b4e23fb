"""What a school writes to the students of a course."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, String, bindparam, func, select
from sqlalchemy import cast as as_type
from sqlalchemy.orm import InstrumentedAttribute, Session

from lms.identity import checked_line
from lms.ledger.audit import record
from lms.ledger.limits import count
from lms.ledger.locks import lock_course
from lms.ledger.rows import Rows, as_table
from lms.live import touch
from lms.messages.catalogue import SchoolMessage
from lms.messages.notices import announce_all
from lms.models import Enrollment, Notice
from lms.refusals import Invalid
from lms.statements import COURSE, run
from lms.texts import UNSTORABLE, is_storable
from lms.transaction import transactional

LONGEST_SUBJECT = 150
LONGEST_TEXT = 5_000
_EVENT = bindparam("event", type_=String)


class Sent(NamedTuple):
    """To how many students a message went, and whether that was an earlier press's doing."""

    students: int
    is_repeat: bool


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
) -> Sent:
    """Write to those of these students who are enrolled, once for each key.

    In a fixed number of statements, however many students there are.
    """
    subject, text = _checked(subject, text)
    # Of two presses at once, the second finds the notices of the first.
    course = lock_course(session, course_id, "seats")
    told = {"course": course_id, "event": f"message-{course_id}-{key}-"}
    if before := run(session, _noticed(), **told).scalar_one():
        return Sent(before, is_repeat=True)
    count(session, "message", by)
    message = SchoolMessage(course_id, course.title, subject, text)
    chosen = [(student,) for student in students]
    announce_all(session, message, _recipients(), chosen=chosen, **told)
    sent = run(session, _noticed(), **told).scalar_one()
    record(session, "course.messaged", by=by, course_id=course_id, subject=subject, students=sent)
    touch(session, students=students)
    return Sent(sent, is_repeat=False)


def _checked(subject: str, text: str) -> tuple[str, str]:
    subject, text = checked_line("subject", subject), text.strip()
    if not subject or len(subject) > LONGEST_SUBJECT:
        raise Invalid("subject", f"Enter a subject of at most {LONGEST_SUBJECT:,} characters.")
    if not text or len(text) > LONGEST_TEXT:
        raise Invalid("text", f"Enter a message of at most {LONGEST_TEXT:,} characters.")
    if not is_storable(text):
        raise Invalid("text", UNSTORABLE)
    return subject, text


@cache
def _recipients() -> Select[*tuple[Any, ...]]:
    """Select those chosen who are in the course; by IN, since SQLite would join row by row."""
    chosen = as_table(bindparam("chosen", type_=Rows()), student_id=Integer())
    among = Enrollment.user_id.in_(select(chosen.c.student_id))
    to = select(Enrollment.user_id, _key_of(Enrollment.user_id))
    return to.where(Enrollment.course_id == COURSE, among)


@cache
def _noticed() -> Select[int]:
    """Count the notices of the event, by the index of their course."""
    its_key = Notice.key == _key_of(Notice.user_id)
    return select(func.count(Notice.id)).where(Notice.course_id == COURSE, its_key)


def _key_of(student: InstrumentedAttribute[int]) -> ColumnElement[str]:
    return _EVENT + as_type(student, String)
