"""The few figures that every client shows all the time."""

from sqlalchemy import Select, func, select

from lms.db import db
from lms.models import AccessRequest, Enrollment, Payment, SyncAttention
from lms.queries.payments import attention
from lms.queries.read_model import read_model


@read_model
class AdminCounts:
    """What needs an admin: requests, payments to review, and violations."""

    requests: int
    payments: int
    sync: int


def student_counts(student_id: int) -> tuple[int, int]:
    """Return the student's counts of courses and pending requests, from one snapshot."""
    enrolled = select(func.count(Enrollment.id)).where(Enrollment.user_id == student_id)
    pending = select(func.count(AccessRequest.id)).where(
        AccessRequest.student_id == student_id, AccessRequest.status == "pending"
    )
    both = select(enrolled.scalar_subquery(), pending.scalar_subquery())
    enrolled_courses, pending_requests = db.session.execute(both).one()
    return enrolled_courses or 0, pending_requests or 0


def requests_waiting() -> int:
    """Return the number of pending requests."""
    return db.session.scalar(_waiting()) or 0


def admin_counts() -> AdminCounts:
    """Return what needs an admin, in one statement."""
    look = select(func.count()).select_from(Payment).where(attention())
    findings = select(func.count()).select_from(SyncAttention)
    requests, payments, sync = db.session.execute(
        select(_waiting().scalar_subquery(), look.scalar_subquery(), findings.scalar_subquery())
    ).one()
    return AdminCounts(requests=requests, payments=payments, sync=sync)


def _waiting() -> Select[int]:
    return select(func.count(AccessRequest.id)).where(AccessRequest.status == "pending")
