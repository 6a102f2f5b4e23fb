"""Who is enrolled, and why: an enrollment lives exactly as long as one of its sources."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Integer, Select, String, bindparam, delete, exists, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningDelete

from lms.db import db, now
from lms.ledger.access import end_access, is_enrolled, let_in
from lms.ledger.locks import lock_course, lock_learner, lock_student
from lms.ledger.payment_endings import access_ended, access_restored
from lms.ledger.rows import PAIRS, Pair, Rows, as_table, of_pairs
from lms.ledger.sources import Source
from lms.ledger.waiting import fill_seats
from lms.messages.catalogue import AccessEnded, Enrolled, StudentMessage
from lms.messages.notices import announce_all
from lms.models import (
    AccessSource,
    AccessWaiver,
    Course,
    Enrollment,
    Payment,
    SourceKind,
)
from lms.models.payment_status import HELD
from lms.refusals import (
    CourseFull,
    CourseNotFound,
    NotEnrolled,
    NotPublic,
    OpenToAll,
    PaidFor,
    PaymentRequired,
)
from lms.statements import COURSE, STUDENT, run
from lms.transaction import transactional
from lms.upsert import insert


@dataclass(frozen=True)
class EnrollmentResult:
    """A student's enrollment after a verb; `is_new` unless it was there before."""

    student_id: int
    course_id: int
    progress: int
    source: str
    is_new: bool


@transactional
def enroll_directly(session: Session, student_id: int, course_id: int) -> EnrollmentResult:
    """Let a student into a course that is public and free."""
    course = lock_course(session, course_id, "seats")
    lock_learner(session, student_id)
    is_new = not is_enrolled(session, student_id, course_id)
    if is_new:
        if not course.is_visible:
            raise CourseNotFound
        if course.price_cents > 0:
            raise PaymentRequired
        if not course.is_public or course.requires_approval:
            raise NotPublic
        fill_seats(session, course)  # whoever waits comes first
        try:
            let_in(session, [Source(student_id, course_id, "direct")], by=student_id)
        except CourseFull:
            raise CourseFull(CourseFull.for_students) from None
    return _result(session, student_id, course_id, is_new=is_new)


@transactional
def enroll(
    session: Session, student_id: int, course_id: int, *, by: int | None, reason: str = ""
) -> EnrollmentResult:
    """Let an admin enroll any student in any course.

    An enrolled student gets the admin's decision as a further source, which a later refund
    does not take away.
    """
    course = lock_course(session, course_id, "seats")
    lock_learner(session, student_id)
    fill_seats(session, course)
    is_new = admit(session, course, [student_id], "admin", by=by, reason=reason)
    return _result(session, student_id, course_id, is_new=is_new)


@transactional
def unenroll(
    session: Session, student_id: int, course_id: int, *, by: int | None, reason: str = ""
) -> None:
    """End every source of a student's access; what the student has completed is kept."""
    course = lock_course(session, course_id, "seats")
    lock_student(session, student_id)
    if not end(session, course, [student_id], by=by, reason=reason):
        raise NotEnrolled
    fill_seats(session, course, freed=1)


@transactional
def leave(session: Session, student_id: int, course_id: int) -> None:
    """Let a student leave a course they haven't bought; what the student has completed is kept.

    Raises what `check_leaving` does.
    """
    course = lock_course(session, course_id, "seats")
    lock_learner(session, student_id)
    _refuse_leaving(session, student_id, course_id)
    end_access(session, [(student_id, course_id)], by=student_id)
    fill_seats(session, course, freed=1)


def check_leaving(student_id: int, course_id: int) -> None:
    """Raise CourseNotFound, NotEnrolled, OpenToAll or PaidFor where a student can't leave."""
    _refuse_leaving(db.session(), student_id, course_id)


def can_leave(student_id: int, course_id: int) -> bool:
    """Return whether a student can leave a course."""
    try:
        check_leaving(student_id, course_id)
    except (CourseNotFound, NotEnrolled, OpenToAll, PaidFor):
        return False
    return True


def _refuse_leaving(session: Session, student_id: int, course_id: int) -> None:
    found = run(session, _bonds(), student=student_id, course=course_id).one_or_none()
    if found is None:
        raise CourseNotFound
    if not found.is_enrolled:
        raise NotEnrolled(NotEnrolled.for_students)
    if found.is_default_unlocked:
        raise OpenToAll
    if found.is_paid:
        raise PaidFor


@cache
def _bonds() -> Select[bool, bool, bool]:
    """Return what decides whether a student can leave a course."""
    enrolled = exists().where(Enrollment.user_id == STUDENT, Enrollment.course_id == COURSE)
    paid = exists().where(
        Payment.user_id == STUDENT, Payment.course_id == COURSE, Payment.status.in_(HELD)
    )
    return select(
        Course.is_default_unlocked, enrolled.label("is_enrolled"), paid.label("is_paid")
    ).where(Course.id == COURSE)


def admit(
    session: Session,
    course: Course,
    student_ids: Iterable[int],
    kind: SourceKind,
    *,
    by: int | None,
    reason: str = "",
) -> bool:
    """Enroll students by an admin's decision, which undoes an earlier end; True if one was new.

    The caller holds the course's seats and the students.
    """
    sources = [Source(student_id, course.id, kind) for student_id in student_ids]
    enrolled = let_in(session, sources, by=by, reason=reason).enrolled
    if enrolled:
        _reinstate(session, course, enrolled, by=by, reason=reason)
        notify(session, Enrolled(course.id, course.title), "enrolled", enrolled)
    return bool(enrolled)


def end(
    session: Session,
    course: Course,
    student_ids: Iterable[int],
    *,
    by: int | None,
    reason: str = "",
) -> bool:
    """End every source of access by an admin's decision; True if there was one.

    The caller holds the course's seats and the students.
    """
    pairs = [(student_id, course.id) for student_id in student_ids]
    ended = end_access(session, pairs, by=by, reason=reason)
    if course.is_default_unlocked and ended:
        # Without it, the next sync would let the student in again: the course is open to all.
        session.execute(
            insert(AccessWaiver).on_conflict_do_nothing(),
            [
                {"user_id": student_id, "course_id": course_id, "created_at": now()}
                for student_id, course_id in ended
            ],
        )
    if ended:
        access_ended(session, ended, by=by, reason=reason)
        notify(session, AccessEnded(course.id, course.title), "unenrolled", ended)
    return bool(ended)


def notify(
    session: Session, message: StudentMessage, event: str, numbers: Mapping[Pair, int]
) -> None:
    """Notify students of an event, each under the number of the row that it is about."""
    if not numbers:
        return
    keys = [(student_id, f"{event}-{number}") for (student_id, _), number in numbers.items()]
    announce_all(session, message, _recipients(), keys=keys)


@cache
def _recipients() -> Select[int, str]:
    keys = as_table(bindparam("keys", type_=Rows()), student_id=Integer(), key=String())
    return select(keys.c.student_id, keys.c.key)


def _reinstate(
    session: Session, course: Course, pairs: Collection[Pair], *, by: int | None, reason: str
) -> None:
    """Forget that an admin had ended this access: the default and payments count again."""
    waived: list[Pair] = sorted(tuple(row) for row in run(session, _forgetting(), pairs=pairs))
    regained = [Source(*pair, "default") for pair in waived if course.is_default_unlocked]
    let_in(session, regained, by=by)
    access_restored(session, pairs, by=by, reason=reason)


@cache
def _forgetting() -> ReturningDelete[int, int]:
    return (
        delete(AccessWaiver)
        .where(of_pairs(AccessWaiver, PAIRS))
        .returning(AccessWaiver.user_id, AccessWaiver.course_id)
    )


def _result(session: Session, student_id: int, course_id: int, *, is_new: bool) -> EnrollmentResult:
    found = run(session, _standing(), student=student_id, course=course_id).one()
    return EnrollmentResult(student_id, course_id, found.progress, found.kind or "import", is_new)


@cache
def _standing() -> Select[int, str]:
    return (
        select(Enrollment.progress, AccessSource.kind)
        .outerjoin(
            AccessSource,
            (AccessSource.user_id == Enrollment.user_id)
            & (AccessSource.course_id == Enrollment.course_id),
        )
        .where(Enrollment.user_id == STUDENT, Enrollment.course_id == COURSE)
        .order_by(AccessSource.id)
        .limit(1)
    )
