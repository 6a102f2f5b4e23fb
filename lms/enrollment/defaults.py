"""Courses that are everybody's: each student is in, whichever of student and course came first."""

from typing import Any

from sqlalchemy import Select, String, case, cast, delete, exists, func, insert, literal, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.enrollment.access import grant
from lms.enrollment.certificates import issue
from lms.ledger.audit import record_many
from lms.live import touch
from lms.messages.catalogue import CourseOpened, CourseRestricted
from lms.messages.notices import announce_all
from lms.models import (
    VISIBLE_STATUSES,
    AccessRequest,
    AccessSource,
    AccessWaiver,
    Course,
    Enrollment,
    StudentProgress,
    User,
    Version,
    last_completion,
    share_completed,
)
from lms.upsert import insert as upsert


def hold_defaults(session: Session) -> None:
    """Let new students and newly unlocked courses wait for each other.

    Otherwise each could miss the other, uncommitted, row, and nobody would be granted the course.
    """
    session.execute(
        upsert(session, Version)
        .values(topic="defaults", shard=0, value=1)
        .on_conflict_do_update(index_elements=["topic", "shard"], set_={"value": Version.value + 1})
    )


def lock_default_courses(session: Session) -> list[Course]:
    """Hold the seats of every course that is everybody's; call hold_defaults before.

    One that is archived or deleted while this waits for it is no longer among them.
    """
    return list(
        session.scalars(
            select(Course)
            .where(Course.is_default_unlocked, Course.status.in_(VISIBLE_STATUSES))
            .order_by(Course.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    )


def grant_defaults(session: Session, courses: list[Course], student_id: int) -> None:
    """Let one student, whom the caller holds, into the courses that are everybody's."""
    waived = set(
        session.scalars(select(AccessWaiver.course_id).where(AccessWaiver.user_id == student_id))
    )
    for course in courses:
        if course.id not in waived:
            grant(session, course, student_id, "default", by=None)


def grant_default_course(session: Session, course: Course) -> None:
    """Let every student into a course, in a fixed number of statements.

    The caller holds the course alone and has called hold_defaults.
    """
    waived = exists().where(AccessWaiver.user_id == User.id, AccessWaiver.course_id == course.id)
    students = select(User.id).where(User.role == "student", ~waived)
    session.execute(students.order_by(User.id).with_for_update(key_share=True))
    enrolled = select(Enrollment.user_id).where(Enrollment.course_id == course.id)
    newcomers = students.where(User.id.not_in(enrolled))
    has_source = select(AccessSource.user_id).where(
        AccessSource.course_id == course.id, AccessSource.kind == "default"
    )
    moment = literal(now(), Enrollment.enrolled_at.type)

    record_many(
        session,
        "access.granted",
        students.where(User.id.not_in(has_source)),
        by=None,
        course_id=course.id,
        source="default",
    )
    waiting = select(AccessRequest.student_id).where(
        AccessRequest.course_id == course.id,
        AccessRequest.student_id.in_(newcomers),
        AccessRequest.status == "pending",
    )
    record_many(session, "request.superseded", waiting, by=None, course_id=course.id)
    opened = CourseOpened(course.id, course.title)
    announce_all(session, opened, _requests(course.id, newcomers))
    session.execute(
        delete(AccessRequest)
        .where(
            AccessRequest.course_id == course.id,
            AccessRequest.student_id.in_(newcomers),
            AccessRequest.status == "pending",
        )
        .execution_options(synchronize_session=False)
    )
    share = share_completed(User.id, course.id)
    completed_at = func.coalesce(last_completion(User.id, course.id), moment)
    session.execute(
        insert(Enrollment).from_select(
            ["user_id", "course_id", "progress", "enrolled_at", "completed_at"],
            newcomers.with_only_columns(
                User.id, literal(course.id), share, moment, case((share == 100, completed_at))
            ),
        )
    )
    mirrored = select(StudentProgress.student_id).where(StudentProgress.course_id == course.id)
    session.execute(
        insert(StudentProgress).from_select(
            ["student_id", "course_id", "total_progress", "last_activity_at"],
            select(
                Enrollment.user_id,
                Enrollment.course_id,
                Enrollment.progress,
                last_completion(Enrollment.user_id, Enrollment.course_id),
            ).where(Enrollment.course_id == course.id, Enrollment.user_id.not_in(mirrored)),
        )
    )
    session.execute(
        insert(AccessSource).from_select(
            ["user_id", "course_id", "kind", "reference", "granted_at"],
            students.where(User.id.not_in(has_source)).with_only_columns(
                User.id, literal(course.id), literal("default"), literal(0), moment
            ),
        )
    )
    issue(session, Enrollment.course_id == course.id)
    touch(session, "access", "requests", "catalogue")


def withdraw_default_course(session: Session, course: Course, *, by: int | None) -> None:
    """End the access of all who had it only because the course was everybody's.

    The caller holds the course alone. What students completed is kept.
    """
    kinds = (
        select(AccessSource.user_id)
        .where(AccessSource.course_id == course.id)
        .group_by(AccessSource.user_id)
    )
    had_default = func.max(case((AccessSource.kind == "default", 1), else_=0)) == 1
    losing = kinds.having(had_default, func.count() == 1)
    keeping = kinds.having(had_default, func.count() > 1)
    record_many(session, "access.ended", losing, by=by, course_id=course.id, sources=["default"])
    record_many(
        session, "access.source_withdrawn", keeping, by=by, course_id=course.id, source="default"
    )
    restricted = CourseRestricted(course.id, course.title)
    announce_all(session, restricted, _enrollments(course.id, losing))
    session.execute(
        delete(Enrollment)
        .where(Enrollment.course_id == course.id, Enrollment.user_id.in_(losing))
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(AccessSource)
        .where(AccessSource.course_id == course.id, AccessSource.kind == "default")
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(AccessWaiver)
        .where(AccessWaiver.course_id == course.id)
        .execution_options(synchronize_session=False)
    )
    touch(session, "access", "catalogue")


def _requests(course_id: int, students: Select[int]) -> Select[*tuple[Any, ...]]:
    return select(
        AccessRequest.student_id,
        literal("superseded-") + cast(AccessRequest.id, String),
    ).where(
        AccessRequest.course_id == course_id,
        AccessRequest.student_id.in_(students),
        AccessRequest.status == "pending",
    )


def _enrollments(course_id: int, students: Select[int]) -> Select[*tuple[Any, ...]]:
    return select(
        Enrollment.user_id,
        literal("unenrolled-") + cast(Enrollment.id, String),
    ).where(Enrollment.course_id == course_id, Enrollment.user_id.in_(students))
