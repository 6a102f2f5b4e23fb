"""Who is enrolled, and why: an enrollment lives exactly as long as one of its sources."""

from dataclasses import dataclass

from sqlalchemy import and_, case, delete, func, select, update
from sqlalchemy.orm import Session

from lms.db import now
from lms.enrollment.certificates import issue
from lms.ledger.audit import record
from lms.ledger.locks import lock_course_for_seats, lock_student
from lms.live import touch
from lms.messages.catalogue import AccessEnded, Enrolled
from lms.messages.notices import announce
from lms.models import (
    AccessRequest,
    AccessSource,
    AccessWaiver,
    Course,
    Enrollment,
    Payment,
    SourceKind,
    StudentProgress,
    last_completion,
    share_completed,
)
from lms.refusals import CourseFull, CourseNotFound, NotEnrolled, NotPublic, PaymentRequired
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
    course = lock_course_for_seats(session, course_id)
    lock_student(session, student_id)
    enrollment = _enrollment(session, student_id, course_id)
    if enrollment is None:
        if not course.is_visible:
            raise CourseNotFound
        if course.price_cents > 0:
            raise PaymentRequired
        if not course.is_public:
            raise NotPublic
        grant(session, course, student_id, "direct", by=student_id)
    return _result(session, student_id, course_id, is_new=enrollment is None)


@transactional
def enroll(
    session: Session, student_id: int, course_id: int, *, by: int | None, reason: str = ""
) -> EnrollmentResult:
    """Let an admin enroll any student in any course.

    A student who is in already keeps the admin's word as a further source, which a later refund
    does not take away.
    """
    course = lock_course_for_seats(session, course_id)
    lock_student(session, student_id)
    is_new = admit(session, course, student_id, "admin", by=by, reason=reason)
    return _result(session, student_id, course_id, is_new=is_new)


@transactional
def unenroll(
    session: Session, student_id: int, course_id: int, *, by: int | None, reason: str = ""
) -> None:
    """End every source of a student's access; what the student has completed is kept."""
    course = lock_course_for_seats(session, course_id)
    lock_student(session, student_id)
    if _enrollment(session, student_id, course_id) is None:
        raise NotEnrolled
    end(session, course, student_id, by=by, reason=reason)


def end(
    session: Session, course: Course, student_id: int, *, by: int | None, reason: str = ""
) -> None:
    """End every source of an access; the caller holds the course's seats and the student."""
    number = _enrollment(session, student_id, course.id)
    kinds = session.scalars(
        select(AccessSource.kind)
        .where(AccessSource.user_id == student_id, AccessSource.course_id == course.id)
        .order_by(AccessSource.id)
    ).all()
    if course.is_default_unlocked:
        # Without it, the next sync would let the student in again: the course is everybody's.
        session.execute(
            insert(session, AccessWaiver)
            .values(user_id=student_id, course_id=course.id, created_at=now())
            .on_conflict_do_nothing()
        )
    _send_payments_to_review(session, student_id, course.id)
    _end(session, course, student_id, by=by, reason=reason, sources=list(kinds))
    ended = AccessEnded(course.id, course.title)
    announce(session, ended, student_id, key=f"unenrolled-{number}")


def grant(
    session: Session,
    course: Course,
    student_id: int,
    kind: SourceKind,
    *,
    by: int | None,
    reference: int = 0,
    reason: str = "",
) -> bool:
    """Add a source of access, and the enrollment where it is the first; True if it was.

    The caller holds the course's seats and the student.
    """
    is_new = _enrollment(session, student_id, course.id) is None
    if is_new:
        _take_seat(session, course)
        _supersede_request(session, student_id, course.id, by=by)
        _insert_pair(session, student_id, course.id)
    granted = session.scalar(
        insert(session, AccessSource)
        .values(
            user_id=student_id,
            course_id=course.id,
            kind=kind,
            reference=reference,
            granted_by=by,
            granted_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(AccessSource.id)
    )
    if granted is not None:
        record(
            session,
            "access.granted",
            by=by,
            student_id=student_id,
            course_id=course.id,
            reason=reason,
            source=kind,
            reference=reference,
            enrolled=is_new,
        )
        refresh(session, course, student_id)
    return is_new


def admit(
    session: Session,
    course: Course,
    student_id: int,
    kind: SourceKind,
    *,
    by: int | None,
    reason: str = "",
) -> bool:
    """Let a student in by an admin's word, which also undoes an earlier one; True if it was new.

    The caller holds the course's seats and the student.
    """
    is_new = grant(session, course, student_id, kind, by=by, reason=reason)
    if is_new:
        _reinstate(session, course, student_id, by=by)
        number = _enrollment(session, student_id, course.id)
        enrolled = Enrolled(course.id, course.title)
        announce(session, enrolled, student_id, key=f"enrolled-{number}")
    return is_new


def withdraw(
    session: Session,
    course: Course,
    student_id: int,
    kind: SourceKind,
    *,
    by: int | None,
    reference: int = 0,
    reason: str = "",
) -> bool:
    """Take one source away, and the enrollment with the last of them; True if it ended.

    The caller holds the course's seats and the student.
    """
    withdrawn = session.scalar(
        delete(AccessSource)
        .where(
            AccessSource.user_id == student_id,
            AccessSource.course_id == course.id,
            AccessSource.kind == kind,
            AccessSource.reference == reference,
        )
        .returning(AccessSource.id)
    )
    if withdrawn is None:
        return False
    left = session.scalars(
        select(AccessSource.kind).where(
            AccessSource.user_id == student_id, AccessSource.course_id == course.id
        )
    ).all()
    record(
        session,
        "access.source_withdrawn",
        by=by,
        student_id=student_id,
        course_id=course.id,
        reason=reason,
        source=kind,
        reference=reference,
        remaining=list(left),
    )
    refresh(session, course, student_id)
    if left:
        return False
    _end(session, course, student_id, by=by, reason=reason, sources=[kind])
    return True


def refresh(session: Session, course: Course, student_id: int) -> None:
    """Refresh the pages that show this student's access."""
    touch(session, "access", students=[student_id])
    if course.capacity is not None:
        touch(session, "catalogue")  # everybody sees how many seats are left


def _enrollment(session: Session, student_id: int, course_id: int) -> int | None:
    return session.scalar(
        select(Enrollment.id).where(
            Enrollment.user_id == student_id, Enrollment.course_id == course_id
        )
    )


def _take_seat(session: Session, course: Course) -> None:
    if course.capacity is None:
        return
    taken = session.scalar(
        select(func.count()).select_from(Enrollment).where(Enrollment.course_id == course.id)
    )
    if (taken or 0) >= course.capacity:
        raise CourseFull


def _insert_pair(session: Session, student_id: int, course_id: int) -> None:
    """Insert both mirrored rows with the progress of what was completed in earlier times."""
    moment = now()
    progress = session.scalar(
        insert(session, Enrollment)
        .values(
            user_id=student_id,
            course_id=course_id,
            progress=select(share_completed(student_id, course_id)).scalar_subquery(),
            enrolled_at=moment,
        )
        .returning(Enrollment.progress)
    )
    last_activity = last_completion(student_id, course_id)
    session.execute(
        insert(session, StudentProgress).values(
            student_id=student_id,
            course_id=course_id,
            total_progress=progress,
            last_activity_at=last_activity,
        )
    )
    if progress == 100:
        session.execute(
            update(Enrollment)
            .where(Enrollment.user_id == student_id, Enrollment.course_id == course_id)
            .values(completed_at=func.coalesce(last_activity, moment))
        )
        issue(session, and_(Enrollment.user_id == student_id, Enrollment.course_id == course_id))


def _supersede_request(
    session: Session, student_id: int, course_id: int, *, by: int | None
) -> None:
    superseded = session.scalars(
        delete(AccessRequest)
        .where(
            AccessRequest.student_id == student_id,
            AccessRequest.course_id == course_id,
            AccessRequest.status == "pending",
        )
        .returning(AccessRequest.id)
    ).all()
    for request_id in superseded:
        record(
            session,
            "request.superseded",
            by=by,
            student_id=student_id,
            course_id=course_id,
            request_id=request_id,
        )
        touch(session, "requests")


def _reinstate(session: Session, course: Course, student_id: int, *, by: int | None) -> None:
    """Forget that an admin had ended this access: the default and payments count again."""
    waived = session.scalar(
        delete(AccessWaiver)
        .where(AccessWaiver.user_id == student_id, AccessWaiver.course_id == course.id)
        .returning(AccessWaiver.user_id)
    )
    if waived is not None and course.is_default_unlocked:
        grant(session, course, student_id, "default", by=by)
    restored = session.scalars(
        update(Payment)
        .where(
            Payment.user_id == student_id,
            Payment.course_id == course.id,
            Payment.status == "needs_review",
            Payment.access_ended_at.is_not(None),
        )
        .values(
            status=case((Payment.refunded_cents > 0, "partially_refunded"), else_="paid"),
            access_ended_at=None,
            attention="",
            dismissed_attention=None,
        )
        .returning(Payment.id)
    ).all()
    # A disputed one gives no access now, but may again when the bank has decided.
    session.execute(
        update(Payment)
        .where(
            Payment.user_id == student_id,
            Payment.course_id == course.id,
            Payment.status == "disputed",
        )
        .values(access_ended_at=None)
    )
    for payment_id in restored:
        grant(session, course, student_id, "payment", by=by, reference=payment_id)
        touch(session, "payments")


def _send_payments_to_review(session: Session, student_id: int, course_id: int) -> None:
    """Show the admin that money was kept for an access that has ended."""
    sent = session.scalars(
        update(Payment)
        .where(
            Payment.user_id == student_id,
            Payment.course_id == course_id,
            Payment.status.in_(("paid", "partially_refunded")),
        )
        .values(
            status="needs_review",
            access_ended_at=now(),
            attention="An admin ended this access; the money was kept.",
            dismissed_attention=None,
        )
        .returning(Payment.id)
    ).all()
    # Won, a dispute must not bring back what the admin has ended.
    session.execute(
        update(Payment)
        .where(
            Payment.user_id == student_id,
            Payment.course_id == course_id,
            Payment.status == "disputed",
        )
        .values(access_ended_at=now())
    )
    if sent:
        touch(session, "payments")


def _end(
    session: Session,
    course: Course,
    student_id: int,
    *,
    by: int | None,
    reason: str,
    sources: list[str],
) -> None:
    # The mirror and the sources go along by their foreign keys.
    session.execute(
        delete(Enrollment).where(
            Enrollment.user_id == student_id, Enrollment.course_id == course.id
        )
    )
    record(
        session,
        "access.ended",
        by=by,
        student_id=student_id,
        course_id=course.id,
        reason=reason,
        sources=sources,
    )
    refresh(session, course, student_id)


def _result(session: Session, student_id: int, course_id: int, *, is_new: bool) -> EnrollmentResult:
    progress, source = session.execute(
        select(Enrollment.progress, AccessSource.kind)
        .outerjoin(
            AccessSource,
            (AccessSource.user_id == Enrollment.user_id)
            & (AccessSource.course_id == Enrollment.course_id),
        )
        .where(Enrollment.user_id == student_id, Enrollment.course_id == course_id)
        .order_by(AccessSource.id)
        .limit(1)
    ).one()
    return EnrollmentResult(student_id, course_id, progress, source or "import", is_new)
