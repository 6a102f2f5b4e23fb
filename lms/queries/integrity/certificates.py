"""Certificates: one for each completed course."""

from typing import Any

from sqlalchemy import Select, exists
from sqlalchemy.orm import aliased

from lms.models import Certificate, Enrollment, share_completed
from lms.queries.integrity.finding import Scope, both_exist, find


def missing_certificate(scope: Scope) -> Select[Any]:
    pair = (Enrollment.user_id, Enrollment.course_id)
    issued = exists().where(
        Certificate.user_id == Enrollment.user_id, Certificate.course_id == Enrollment.course_id
    )
    return find(
        scope, Enrollment.id, *pair, expected="a certificate", actual="completed without one"
    ).where(Enrollment.progress == 100, ~issued, share_completed(*pair) == 100, both_exist(*pair))


def duplicate_certificate(scope: Scope) -> Select[Any]:
    """Find all certificates of a pair but the first."""
    older = aliased(Certificate)
    return find(
        scope,
        Certificate.id,
        Certificate.user_id,
        Certificate.course_id,
        expected="one certificate of the student for the course",
        actual="a further one",
    ).where(
        exists().where(
            older.user_id == Certificate.user_id,
            older.course_id == Certificate.course_id,
            older.id < Certificate.id,
        )
    )
