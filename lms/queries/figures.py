"""The figures of one student, as SQL: every page and list that shows them uses these.

A course with a pending request is not counted as enrolled. The database keeps the two apart; what
a restored dump brings in is counted as a request, until sync has decided.
"""

from sqlalchemy import ColumnElement, Integer, Label, Select, exists, func, select
from sqlalchemy import SQLColumnExpression as Expression

from lms.db import WholeNumber
from lms.models import AccessRequest, Enrollment, is_pending
from lms.queries.read_model import read_model

StudentId = Expression[int] | int


@read_model
class StudentFigures:
    """What students and admins see alike of a student's courses."""

    enrolled_courses: int
    completed_courses: int
    pending_requests: int
    average_progress: int
    """Percent over the courses that are counted, rounded down; 0 without any."""


def figures(student_id: StudentId) -> list[Label[int]]:
    """Return the columns of a student's figures."""
    total = func.coalesce(func.sum(Enrollment.progress), 0, type_=WholeNumber)
    count = func.coalesce(func.nullif(func.count(), 0), 1, type_=Integer)
    pending = select(func.count()).where(AccessRequest.student_id == student_id, is_pending())
    completed = select(func.count()).where(Enrollment.progress == 100)
    return [
        _of(select(func.count()), student_id).label("enrolled_courses"),
        _of(completed, student_id).label("completed_courses"),
        pending.scalar_subquery().label("pending_requests"),
        _of(select(total // count), student_id).label("average_progress"),
    ]


def is_counted() -> ColumnElement[bool]:
    """Select the enrollments that count: those without a pending request."""
    return ~exists().where(
        AccessRequest.student_id == Enrollment.user_id,
        AccessRequest.course_id == Enrollment.course_id,
        is_pending(),
    )


def _of(figure: Select[int], student_id: StudentId) -> ColumnElement[int]:
    return (
        figure.select_from(Enrollment)
        .where(Enrollment.user_id == student_id, is_counted())
        .correlate_except(Enrollment)
        .scalar_subquery()
    )
