"""Courses open to all: each student is enrolled, whichever of student and course came first."""

from collections.abc import Iterable
from functools import cache

from sqlalchemy import Select, delete, exists, select
from sqlalchemy.orm import Session, aliased

from lms.enrollment.access import notify
from lms.ledger.access import end_access, end_sources, let_in
from lms.ledger.rows import PAIRS, of_pairs
from lms.ledger.sources import Source
from lms.messages.catalogue import CourseOpened, CourseRestricted
from lms.models import AccessSource, AccessWaiver, Course, User, may_learn
from lms.statements import run


def grant_defaults(session: Session, courses: Iterable[Course], student_ids: Iterable[int]) -> None:
    """Enroll students, locked by the caller, in the courses that are open to all."""
    pairs = [(student_id, course.id) for student_id in student_ids for course in courses]
    if not pairs:
        return
    waived = {tuple(row) for row in run(session, _waived(), pairs=pairs)}
    let_in(session, [Source(*pair, "default") for pair in pairs if pair not in waived], by=None)


@cache
def _waived() -> Select[int, int]:
    return select(AccessWaiver.user_id, AccessWaiver.course_id).where(of_pairs(AccessWaiver, PAIRS))


def grant_default_course(session: Session, course: Course) -> None:
    """Let every student into a course, in a fixed number of statements.

    The caller holds the course alone and has called lock_defaults.
    """
    waived = exists().where(AccessWaiver.user_id == User.id, AccessWaiver.course_id == course.id)
    students = session.scalars(
        select(User.id)
        .where(may_learn(), ~waived)
        .order_by(User.id)
        .with_for_update(key_share=True)
    )
    sources = [Source(student_id, course.id, "default") for student_id in students]
    superseded = let_in(session, sources, by=None).superseded
    notify(session, CourseOpened(course.id, course.title), "superseded", superseded)


def withdraw_default_course(session: Session, course: Course, *, by: int | None) -> None:
    """End the access of all who had it only because the course was open to all.

    The caller holds the course alone. What students completed is kept.
    """
    other = aliased(AccessSource)
    has_another = exists().where(
        other.user_id == AccessSource.user_id,
        other.course_id == AccessSource.course_id,
        other.kind != "default",
    )
    defaults = (
        select(AccessSource.user_id)
        .where(AccessSource.course_id == course.id, AccessSource.kind == "default")
        .order_by(AccessSource.user_id)
    )
    losing = session.scalars(defaults.where(~has_another))
    ended = end_access(session, [(student_id, course.id) for student_id in losing], by=by)
    keeping = session.scalars(defaults)
    end_sources(
        session, [Source(student_id, course.id, "default") for student_id in keeping], by=by
    )
    session.execute(
        delete(AccessWaiver)
        .where(AccessWaiver.course_id == course.id)
        .execution_options(synchronize_session=False)
    )
    notify(session, CourseRestricted(course.id, course.title), "unenrolled", ended)
