"""Access that the records say was granted and never ended, of which nothing else is left."""

from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, or_
from sqlalchemy.orm import aliased

from lms.ledger.certificates import TOLD_BY_ENTRIES, bring_back
from lms.ledger.trail import CERTIFIED, ENDED, GRANTED, has_standing, is_followed, is_unended
from lms.models import (
    AccessWaiver,
    AuditEntry,
    Certificate,
    Decision,
    Enrollment,
)
from lms.models.columns import constants
from lms.models.payment_status import GIVING_ACCESS
from lms.sync.conditions import (
    both_exist,
    full,
    gives_access,
    has_mirror,
    has_payment,
    has_source,
    is_due_by_default,
    is_enrolled,
    user_exists,
)
from lms.sync.finding import find, subject
from lms.sync.kind import PAIR_TABLES, Check, Kind, Phase, Step

[_APPROVED] = constants("request.approved")


def _granted_and_gone() -> Select[Any]:
    pair = subject(AuditEntry)
    uncertain = case(
        (
            _was_waived_since(pair),
            "An admin ended access that came from the course being open to everyone, but the audit"
            " trail doesn't say when. Enroll the student, or dismiss this.",
        ),
        (
            ~has_standing(pair),
            "The basis for the access no longer applies, but the audit trail doesn't say that"
            " it ended. Enroll the student, or dismiss this.",
        ),
        else_=full(AuditEntry.course_id),
    )
    return find(
        AuditEntry,
        expected="enrolled: access was granted and never ended",
        actual="not enrolled",
        attention=uncertain,
    ).where(*_is_lost(pair), is_unended())  # few are left for what looks through the trail


def _approved_without_a_trace() -> Select[Any]:
    """Find approvals of which the trail, a part of which must be lost, says nothing."""
    pair = subject(Decision)
    entry, later = aliased(AuditEntry), aliased(Decision)
    told = exists().where(
        entry.student_id == Decision.student_id,
        entry.course_id == Decision.course_id,
        or_(entry.action == _APPROVED, entry.action == GRANTED, entry.action == ENDED),
    )
    is_followed = exists().where(
        later.student_id == Decision.student_id,
        later.course_id == Decision.course_id,
        later.id > Decision.id,
    )
    return find(
        Decision,
        expected="enrolled: the request was approved",
        actual="not enrolled",
        attention="The audit trail has no record of this approval. Enroll the student, or dismiss"
        " this.",
    ).where(
        gives_access(),
        *_is_lost(pair),
        ~told.correlate_except(entry),
        ~is_followed.correlate_except(later),
    )


def _certified_and_gone() -> Select[Any]:
    """Find certificates that are gone, but for those that the completed course brings back."""
    pair = subject(AuditEntry)
    certificate = exists().where(
        Certificate.user_id == AuditEntry.student_id, Certificate.course_id == AuditEntry.course_id
    )
    renamed = exists().where(Certificate.code == AuditEntry.details["code"].as_string())
    completed = exists().where(
        Enrollment.user_id == AuditEntry.student_id,
        Enrollment.course_id == AuditEntry.course_id,
        Enrollment.progress == 100,
    )
    return find(
        AuditEntry, expected="the certificate that was issued", actual="no certificate"
    ).where(
        AuditEntry.action == CERTIFIED,
        ~certificate,
        ~renamed,
        ~completed,
        user_exists(pair[0]),
        ~is_followed(AuditEntry, CERTIFIED),
    )


def _was_waived_since(pair: tuple[Any, Any]) -> ColumnElement[bool]:
    waived = (AccessWaiver.user_id == pair[0], AccessWaiver.course_id == pair[1])
    return exists().where(*waived, AccessWaiver.created_at >= AuditEntry.at)


def _is_lost(pair: tuple[Any, Any]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that nothing is left of an access by which another kind restores it."""
    return (
        ~is_enrolled(*pair),
        both_exist(*pair),
        ~has_mirror(*pair),
        ~has_source(*pair),
        ~has_payment(*pair, GIVING_ACCESS),
        ~is_due_by_default(*pair),
    )


def _rebuild(step: Step) -> None:
    step.enroll([], of=step.pairs)


def _restore_certificates(step: Step) -> None:
    bring_back(step.session, TOLD_BY_ENTRIES, entries=step.ids)


KINDS = (
    Kind(
        "lost_access",
        "Access granted and never ended, but missing",
        "The student is enrolled again, with the dates and sources of the audit trail.",
        Phase.ACCESS,
        (
            Check(AuditEntry, _granted_and_gone, _rebuild, also=PAIR_TABLES),
            Check(Decision, _approved_without_a_trace),
        ),
    ),
    Kind(
        "lost_certificate",
        "Certificates issued but missing",
        "The certificate is restored, with the code and the dates of the audit trail.",
        Phase.CERTIFICATES,
        (Check(AuditEntry, _certified_and_gone, _restore_certificates, also=(Certificate,)),),
    ),
)
