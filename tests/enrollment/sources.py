"""Sources of access for tests, given and taken as payments do."""

from sqlalchemy.orm import Session

from lms.ledger.access import end_sources, let_in
from lms.ledger.locks import lock_course, lock_student
from lms.ledger.sources import Source
from lms.models import SourceKind
from lms.transaction import transactional
from tests.conftest import Sql


@transactional
def grant_source(
    session: Session, student: int, course: int, kind: SourceKind, reference: int = 0
) -> bool:
    """Grant as payments do; return whether the student is new in the course."""
    lock_course(session, course, "seats")
    lock_student(session, student)
    source = Source(student, course, kind, reference)
    return bool(let_in(session, [source], by=None).enrolled)


@transactional
def withdraw_source(
    session: Session, student: int, course: int, kind: SourceKind, reference: int = 0
) -> bool:
    """Withdraw as payments do; return whether the enrollment ended."""
    lock_course(session, course, "seats")
    lock_student(session, student)
    source = Source(student, course, kind, reference)
    return bool(end_sources(session, [source], by=None))


def a_payment(sql: Sql, student: int, course: int, **columns: object) -> int:
    """Add a paid payment with its access, as Stripe's facts will."""
    values = {"amount_cents": 500, "refunded_cents": 0, "status": "paid", **columns}
    [(payment,)] = sql(
        """INSERT INTO payments
        (user_id, course_id, course_title, user_email, amount_cents, refunded_cents, status)
        VALUES (:student, :course, 'Algebra', 'ada@example.org',
            :amount_cents, :refunded_cents, :status) RETURNING id""",
        student=student,
        course=course,
        **values,
    )
    grant_source(student, course, "payment", payment)
    return int(payment)


def kinds(sql: Sql, student: int, course: int) -> list[str]:
    rows = sql(
        """SELECT kind FROM access_sources WHERE user_id = :student AND course_id = :course
        ORDER BY id""",
        student=student,
        course=course,
    )
    return [row.kind for row in rows]
