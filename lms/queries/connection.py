"""The few figures that every client shows all the time."""

from sqlalchemy import func, select

from lms.db import db
from lms.models import AccessRequest, Enrollment


def student_counts(student_id: int) -> tuple[int, int]:
    """Return how many courses the student is in and how many requests wait, of one moment."""
    enrolled = select(func.count(Enrollment.id)).where(Enrollment.user_id == student_id)
    pending = select(func.count(AccessRequest.id)).where(
        AccessRequest.student_id == student_id, AccessRequest.status == "pending"
    )
    both = select(enrolled.scalar_subquery(), pending.scalar_subquery())
    enrolled_courses, pending_requests = db.session.execute(both).one()
    return enrolled_courses or 0, pending_requests or 0


def requests_waiting() -> int:
    """Return how many requests wait for an admin's decision."""
    waiting = select(func.count(AccessRequest.id)).where(AccessRequest.status == "pending")
    return db.session.scalar(waiting) or 0
