"""Certificates declared void, and valid again."""

from datetime import datetime

from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.audit import record
from lms.ledger.locks import lock_user
from lms.live import touch
from lms.messages.catalogue import CertificateReinstated, CertificateRevoked
from lms.messages.notices import announce
from lms.models import Certificate
from lms.refusals import CertificateNotFound
from lms.transaction import transactional


@transactional
def revoke_certificate(
    session: Session, certificate_id: int, *, by: int | None, reason: str = ""
) -> None:
    """Revoke a certificate; its public page then says so."""
    certificate = _lock(session, certificate_id)
    if certificate.revoked_at is None:
        since = certificate.revoked_at = now()
        certificate.revoked_reason = reason
        _announce(session, certificate, "revoked", since, by=by, reason=reason)


@transactional
def reinstate_certificate(session: Session, certificate_id: int, *, by: int | None) -> None:
    """Declare a revoked certificate valid again."""
    certificate = _lock(session, certificate_id)
    if (since := certificate.revoked_at) is not None:
        certificate.revoked_at = None
        certificate.revoked_reason = ""
        _announce(session, certificate, "reinstated", since, by=by)


def _lock(session: Session, certificate_id: int) -> Certificate:
    certificate = session.get(Certificate, certificate_id)
    if certificate is None:
        raise CertificateNotFound
    lock_user(session, certificate.user_id)
    session.refresh(certificate)
    return certificate


def _announce(
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
        moment=certificate.revoked_at,
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
