"""The few figures that every client shows all the time."""

from functools import cache
from typing import Any

from sqlalchemy import Select, func, select

from lms.models import AccessRequest, Enrollment, Payment, SyncAttention, is_pending
from lms.queries.erasures import number_waiting
from lms.queries.payments import attention
from lms.queries.read_model import STUDENT, execute, read, read_model
from lms.queries.sums import current, number_of


@read_model
class AdminCounts:
    """What needs an admin: requests, payments to review, violations, and wishes to be erased."""

    requests: int
    payments: int
    sync: int
    erasures: int


def student_counts(student_id: int) -> tuple[int, int]:
    """Return the student's counts of courses and pending requests, from one snapshot."""
    enrolled_courses, pending_requests = tuple(execute(_of_student(), student_id=student_id).one())
    return enrolled_courses or 0, pending_requests or 0


def requests_waiting() -> int:
    """Return the number of pending requests."""
    return execute(number_of("waiting")).scalar() or 0


def admin_counts() -> AdminCounts:
    """Return what needs an admin, in one statement."""
    [counts] = read(AdminCounts, _of_admins())
    return counts


@cache
def _of_student() -> Select[*tuple[Any, ...]]:
    enrolled = select(func.count(Enrollment.id)).where(Enrollment.user_id == STUDENT)
    pending = select(func.count(AccessRequest.id)).where(
        AccessRequest.student_id == STUDENT, is_pending()
    )
    return select(enrolled.scalar_subquery(), pending.scalar_subquery())


@cache
def _of_admins() -> Select[*tuple[Any, ...]]:
    look = select(func.count()).select_from(Payment).where(attention())
    findings = select(func.count()).select_from(SyncAttention)
    return select(
        current("waiting").label("requests"),
        look.scalar_subquery().label("payments"),
        findings.scalar_subquery().label("sync"),
        number_waiting().scalar_subquery().label("erasures"),
    )
