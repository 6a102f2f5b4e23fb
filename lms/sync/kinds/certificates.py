"""Certificates: one for each completed course."""

from typing import Any

from sqlalchemy import Select, exists

from lms.ledger.certificates import TOLD_OF_PAIRS, bring_back, issue
from lms.ledger.progress import OF_PAIRS
from lms.models import Certificate, Enrollment, share_completed
from lms.sync.conditions import both_exist, is_further
from lms.sync.finding import find, subject
from lms.sync.kind import Check, Kind, Phase, Step


def _further() -> Select[Any]:
    return find(
        Certificate,
        expected="one certificate per student and course",
        actual="a duplicate",
    ).where(is_further(Certificate, *subject(Certificate)))


def _missing() -> Select[Any]:
    pair = subject(Enrollment)
    issued = exists().where(
        Certificate.user_id == Enrollment.user_id, Certificate.course_id == Enrollment.course_id
    )
    return find(Enrollment, expected="a certificate", actual="completed without one").where(
        Enrollment.progress == 100, ~issued, share_completed(*pair) == 100, both_exist(*pair)
    )


def _issue(step: Step) -> None:
    bring_back(step.session, TOLD_OF_PAIRS, pairs=step.pairs)
    issue(step.session, OF_PAIRS, pairs=step.pairs)


KINDS = (
    Kind(
        "duplicate_certificate",
        "Duplicate certificates",
        "The first certificate stays.",
        Phase.CERTIFICATES,
        (Check(Certificate, _further, Step.delete_rows),),
    ),
    Kind(
        "missing_certificate",
        "Missing certificates",
        "The certificate is restored as the audit trail has it, or else issued with the date of the"
        " last chapter completed.",
        Phase.CERTIFICATES,
        (Check(Enrollment, _missing, _issue, also=(Certificate,)),),
    ),
)
