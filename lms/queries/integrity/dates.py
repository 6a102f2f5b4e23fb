"""Times that are none: no page could show them, and no list sort them."""

from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, or_, select

from lms.db import unreadable
from lms.models import (
    AccessRequest,
    AccessSource,
    Certificate,
    Chapter,
    ChapterCompletion,
    Course,
    Enrollment,
    Notice,
    Payment,
    SignIn,
    StudentProgress,
    User,
)
from lms.queries.integrity.finding import Column, Scope, find


def of_user(scope: Scope) -> Select[Any]:
    return _unreadable(scope, User.id, User.id, None, User.created_at)


def of_course(scope: Scope) -> Select[Any]:
    return _unreadable(scope, Course.id, None, Course.id, Course.created_at)


def of_enrollment(scope: Scope) -> Select[Any]:
    pair = (Enrollment.user_id, Enrollment.course_id)
    times = (Enrollment.enrolled_at, Enrollment.completed_at)
    return _unreadable(scope, Enrollment.id, *pair, *times)


def of_mirror(scope: Scope) -> Select[Any]:
    pair = (StudentProgress.student_id, StudentProgress.course_id)
    return _unreadable(scope, StudentProgress.id, *pair, StudentProgress.last_activity_at)


def of_source(scope: Scope) -> Select[Any]:
    pair = (AccessSource.user_id, AccessSource.course_id)
    return _unreadable(scope, AccessSource.id, *pair, AccessSource.granted_at)


def of_request(scope: Scope) -> Select[Any]:
    pair = (AccessRequest.student_id, AccessRequest.course_id)
    return _unreadable(scope, AccessRequest.id, *pair, AccessRequest.created_at)


def of_completion(scope: Scope) -> Select[Any]:
    in_course = select(Chapter.course_id).where(Chapter.id == ChapterCompletion.chapter_id)
    pair = (ChapterCompletion.student_id, in_course.scalar_subquery())
    return _unreadable(scope, ChapterCompletion.id, *pair, ChapterCompletion.completed_at)


def of_payment(scope: Scope) -> Select[Any]:
    times = (
        Payment.created_at,
        Payment.paid_at,
        Payment.access_ended_at,
        Payment.session_expires_at,
    )
    return _unreadable(scope, Payment.id, Payment.user_id, Payment.course_id, *times)


def of_sign_in(scope: Scope) -> Select[Any]:
    return _unreadable(scope, SignIn.id, SignIn.user_id, None, SignIn.created_at, SignIn.expires_at)


def of_notice(scope: Scope) -> Select[Any]:
    about = (Notice.user_id, Notice.course_id)
    return _unreadable(scope, Notice.id, *about, Notice.created_at, Notice.read_at)


def of_certificate(scope: Scope) -> Select[Any]:
    pair = (Certificate.user_id, Certificate.course_id)
    times = (Certificate.completed_at, Certificate.issued_at, Certificate.revoked_at)
    return _unreadable(scope, Certificate.id, *pair, *times)


def _unreadable(
    scope: Scope, row_id: Column, student: Column | None, course: Column | None, *times: Column
) -> Select[Any]:
    first: ColumnElement[str] = case(*((unreadable(time), cast(time, String)) for time in times))
    return find(scope, row_id, student, course, expected="a time", actual=first).where(
        or_(*(unreadable(time) for time in times))
    )
