"""The figures of one student, as SQL: every page and list that shows them uses these.

A course with a pending request is not counted as enrolled. The database keeps the two apart; what
a restored dump brings in is counted as a request, until sync has decided.
"""

from sqlalchemy import (
    ColumnElement,
    Integer,
    Label,
    Select,
    SQLColumnExpression,
    exists,
    func,
    select,
)

from lms.db import WholeNumber
from lms.models import AccessRequest, Enrollment

StudentId = SQLColumnExpression[int] | int


def figures(student_id: StudentId) -> list[Label[int]]:
    """Return the figures that students and admins see alike."""
    return [
        enrolled_courses(student_id).label("enrolled_courses"),
        completed_courses(student_id).label("completed_courses"),
        pending_requests(student_id).label("pending_requests"),
        average_progress(student_id).label("average_progress"),
    ]


def is_counted() -> ColumnElement[bool]:
    """Tell the enrollments that count from those beside a pending request."""
    return ~exists().where(
        AccessRequest.student_id == Enrollment.user_id,
        AccessRequest.course_id == Enrollment.course_id,
        AccessRequest.status == "pending",
    )


def enrolled_courses(student_id: StudentId) -> ColumnElement[int]:
    """Count the courses that a student is in."""
    return _of(select(func.count()), student_id)


def completed_courses(student_id: StudentId) -> ColumnElement[int]:
    """Count the courses that a student has finished."""
    return _of(select(func.count()).where(Enrollment.progress == 100), student_id)


def average_progress(student_id: StudentId) -> ColumnElement[int]:
    """Average the progress over the courses that a student is in, rounded down; 0 without any."""
    total = func.coalesce(func.sum(Enrollment.progress), 0, type_=WholeNumber)
    count = func.coalesce(func.nullif(func.count(), 0), 1, type_=Integer)
    return _of(select(total // count), student_id)


def pending_requests(student_id: StudentId) -> ColumnElement[int]:
    """Count the requests of a student that wait for a decision."""
    return (
        select(func.count())
        .where(AccessRequest.student_id == student_id, AccessRequest.status == "pending")
        .scalar_subquery()
    )


def _of(figure: Select[int], student_id: StudentId) -> ColumnElement[int]:
    return (
        figure.select_from(Enrollment)
        .where(Enrollment.user_id == student_id, is_counted())
        .correlate_except(Enrollment)
        .scalar_subquery()
    )
