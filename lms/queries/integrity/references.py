"""Rows that refer to a user, course or chapter that does not exist."""

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import aliased

from lms.models import (
    AccessRequest,
    AccessSource,
    AccessWaiver,
    Certificate,
    Chapter,
    ChapterCompletion,
    Enrollment,
    Notice,
    Payment,
    SignIn,
    StudentProgress,
)
from lms.queries.integrity.finding import (
    Column,
    Scope,
    both_exist,
    course_exists,
    find,
    user_exists,
)


def orphaned_enrollment(scope: Scope) -> Select[Any]:
    return _orphans(scope, Enrollment.id, Enrollment.user_id, Enrollment.course_id)


def orphaned_progress(scope: Scope) -> Select[Any]:
    return _orphans(
        scope, StudentProgress.id, StudentProgress.student_id, StudentProgress.course_id
    )


def orphaned_request(scope: Scope) -> Select[Any]:
    return _orphans(scope, AccessRequest.id, AccessRequest.student_id, AccessRequest.course_id)


def orphaned_completion(scope: Scope) -> Select[Any]:
    chapter = Chapter.id == ChapterCompletion.chapter_id
    course_id = select(Chapter.course_id).where(chapter).scalar_subquery()
    is_sound = user_exists(ChapterCompletion.student_id) & exists().where(chapter)
    return _missing(scope, ChapterCompletion.id, ChapterCompletion.student_id, course_id, is_sound)


def orphaned_chapter(scope: Scope) -> Select[Any]:
    return _missing(scope, Chapter.id, None, Chapter.course_id, course_exists(Chapter.course_id))


def orphaned_source(scope: Scope) -> Select[Any]:
    return _orphans(scope, AccessSource.id, AccessSource.user_id, AccessSource.course_id)


def orphaned_waiver(scope: Scope) -> Select[Any]:
    return _orphans(scope, AccessWaiver.user_id, AccessWaiver.user_id, AccessWaiver.course_id)


def orphaned_sign_in(scope: Scope) -> Select[Any]:
    return _missing(scope, SignIn.id, SignIn.user_id, None, user_exists(SignIn.user_id))


def orphaned_payment(scope: Scope) -> Select[Any]:
    """Find payments of a missing user or course; the money stays, the reference goes."""
    is_sound = (Payment.user_id.is_(None) | user_exists(Payment.user_id)) & (
        Payment.course_id.is_(None) | course_exists(Payment.course_id)
    )
    return _missing(scope, Payment.id, Payment.user_id, Payment.course_id, is_sound)


def orphaned_notice(scope: Scope) -> Select[Any]:
    """Find notices of nobody, or about a course or payment that does not exist."""
    payment = aliased(Payment)
    is_sound = (
        user_exists(Notice.user_id)
        & (Notice.course_id.is_(None) | course_exists(Notice.course_id))
        & (Notice.payment_id.is_(None) | exists().where(payment.id == Notice.payment_id))
    )
    return _missing(scope, Notice.id, Notice.user_id, Notice.course_id, is_sound)


def orphaned_certificate(scope: Scope) -> Select[Any]:
    """Find certificates of nobody, or that refer to a course that does not exist."""
    is_sound = user_exists(Certificate.user_id) & (
        Certificate.course_id.is_(None) | course_exists(Certificate.course_id)
    )
    return _missing(scope, Certificate.id, Certificate.user_id, Certificate.course_id, is_sound)


def _orphans(scope: Scope, row_id: Column, user_id: Column, course_id: Column) -> Select[Any]:
    return _missing(scope, row_id, user_id, course_id, both_exist(user_id, course_id))


def _missing(
    scope: Scope,
    row_id: Column,
    user_id: Column | None,
    course_id: Column | None,
    is_sound: ColumnElement[bool],
) -> Select[Any]:
    return find(
        scope,
        row_id,
        user_id,
        course_id,
        expected="everything it refers to exists",
        actual="refers to what does not exist",
    ).where(~is_sound)
