"""Row locks, always course before user, so that verbs wait for each other instead of racing.

SQLite has one writer at a time and ignores them.
"""

from functools import cache
from typing import Literal

from sqlalchemy import Integer, Select, bindparam, select
from sqlalchemy.orm import Session

from lms.live import raising
from lms.models import VISIBLE_STATUSES, Course, User
from lms.refusals import (
    AddressNotConfirmed,
    CourseNotFound,
    NotFound,
    StudentNotFound,
    UserNotFound,
)
from lms.statements import COURSE, run

_STRENGTHS = {
    "learning": (True, True),
    "seats": (False, True),
    "change": (False, False),
}


def lock_course(
    session: Session, course_id: int, strength: Literal["learning", "seats", "change"]
) -> Course:
    """Lock a course: for learning, which several may do at once, for its seats, or for a change.

    One student at a time takes or leaves a seat; while the course changes, nobody learns, enrolls
    or leaves.
    """
    course = session.scalar(_locked_course(strength), {"course": course_id})
    if course is None:
        raise CourseNotFound
    return course


def lock_defaults(session: Session) -> None:
    """Serialize new students and newly unlocked courses.

    Otherwise each could miss the other, uncommitted, row, and nobody would be granted the course.
    """
    run(session, raising("defaults"), at_shard=0)


def lock_default_courses(session: Session) -> list[Course]:
    """Lock the seats of every course that is open to all; call lock_defaults first.

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


def lock_student(session: Session, student_id: int) -> User:
    """Lock the student's access, requests and progress; admins are not students."""
    user = lock_user(session, student_id, missing=StudentNotFound)
    if user.role != "student":
        raise StudentNotFound
    return user


def lock_learner(session: Session, student_id: int) -> User:
    """Lock a student who is to be given something, which requires a confirmed address."""
    student = lock_student(session, student_id)
    if not student.is_proven:
        raise AddressNotConfirmed
    return student


def lock_user(session: Session, user_id: int, *, missing: type[NotFound] = UserNotFound) -> User:
    """Lock one account of any role."""
    user = session.scalar(_locked_user(), {"user": user_id})
    if user is None:
        raise missing
    return user


def lock_if_free(session: Session, user_id: int) -> User | None:
    """Lock an account that no other transaction holds: without waiting, so in any order."""
    return session.scalar(_free_user(), {"user": user_id})


@cache
def _locked_course(strength: str) -> Select[Course]:
    read, key_share = _STRENGTHS[strength]
    return (
        select(Course)
        .where(Course.id == COURSE)
        .with_for_update(read=read, key_share=key_share)
        .execution_options(populate_existing=True)
    )


@cache
def _locked_user() -> Select[User]:
    return (
        select(User)
        .where(User.id == bindparam("user", type_=Integer))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


@cache
def _free_user() -> Select[User]:
    return (
        select(User)
        .where(User.id == bindparam("user", type_=Integer))
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
