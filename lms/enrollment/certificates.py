"""Certificates: issued the moment a course is completed, kept whatever becomes of the course.

At completion and not at the first download: a chapter that is added in between would otherwise
take away what was earned.
"""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.audit import record
from lms.ledger.locks import lock_user
from lms.live import touch
from lms.messages.catalogue import CertificateReinstated, CertificateRevoked
from lms.messages.notices import announce
from lms.models import Certificate, Course, Enrollment, User
from lms.refusals import CertificateNotFound
from lms.transaction import transactional
from lms.upsert import insert

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, so that a code can be read out and typed."""
_BATCH = 500


def issue(session: Session, completed: ColumnElement[bool]) -> None:
    """Give those a certificate who have completed a course and have none for it yet.

    `completed` chooses among the enrollments. The caller holds their courses or students.
    """
    found = session.execute(
        select(
            Enrollment.user_id,
            Enrollment.course_id,
            Enrollment.completed_at,
            User.name,
            Course.title,
        )
        .join(User, User.id == Enrollment.user_id)
        .join(Course, Course.id == Enrollment.course_id)
        .outerjoin(
            Certificate,
            and_(
                Certificate.user_id == Enrollment.user_id,
                Certificate.course_id == Enrollment.course_id,
            ),
        )
        .where(completed, Enrollment.progress == 100, Certificate.id.is_(None))
        .order_by(Enrollment.id)
    ).all()
    moment = now()
    for start in range(0, len(found), _BATCH):
        rows: list[dict[str, Any]] = [
            {
                "user_id": row.user_id,
                "course_id": row.course_id,
                "code": new_code(),
                "student_name": row.name,
                "course_title": row.title,
                "completed_at": row.completed_at or moment,
                "issued_at": moment,
            }
            for row in found[start : start + _BATCH]
        ]
        session.execute(insert(session, Certificate).values(rows).on_conflict_do_nothing())


def new_code() -> str:
    """Return a code that nobody can guess: 120 random bits, readable in groups."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(6))


@transactional
def revoke_certificate(
    session: Session, certificate_id: int, *, by: int | None, reason: str = ""
) -> None:
    """Declare a certificate void; its public page then says so."""
    certificate = _lock(session, certificate_id)
    if certificate.revoked_at is None:
        since = certificate.revoked_at = now()
        certificate.revoked_reason = reason
        _tell(session, certificate, "revoked", since, by=by, reason=reason)


@transactional
def reinstate_certificate(session: Session, certificate_id: int, *, by: int | None) -> None:
    """Declare a revoked certificate valid again."""
    certificate = _lock(session, certificate_id)
    if (since := certificate.revoked_at) is not None:
        certificate.revoked_at = None
        certificate.revoked_reason = ""
        _tell(session, certificate, "reinstated", since, by=by)


def _lock(session: Session, certificate_id: int) -> Certificate:
    certificate = session.get(Certificate, certificate_id)
    if certificate is None:
        raise CertificateNotFound
    lock_user(session, certificate.user_id)
    session.refresh(certificate)
    return certificate


def _tell(
    session: Session,
    certificate: Certificate,
    what: str,
    since: datetime,
    *,
    by: int | None,
    reason: str = "",
) -> None:
    touch(session, "progress")
    record(
        session,
        f"certificate.{what}",
        by=by,
        student_id=certificate.user_id,
        course_id=certificate.course_id,
        reason=reason,
        code=certificate.code,
        course=certificate.course_title,
    )
    about = certificate.course_id, certificate.course_title
    message = (
        CertificateRevoked(*about, reason=reason)
        if what == "revoked"
        else CertificateReinstated(*about)
    )
    key = f"certificate-{certificate.id}-{what}-{since.isoformat()}"
    announce(session, message, certificate.user_id, key=key)
