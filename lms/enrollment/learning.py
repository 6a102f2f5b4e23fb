"""How far students got: chapters completed, and the progress that follows from them."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Integer, Select, bindparam, delete, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert

from lms.db import now
from lms.ledger.access import is_enrolled
from lms.ledger.audit import record
from lms.ledger.locks import lock_course, lock_student
from lms.ledger.progress import OF_PAIRS, recompute_progress, track_progress
from lms.live import touch
from lms.messages.catalogue import ProgressReset
from lms.messages.notices import announce
from lms.models import Chapter, ChapterCompletion, Enrollment, StudentProgress
from lms.refusals import ChapterNotFound, NotEnrolled, ReasonMissing
from lms.statements import COURSE, STUDENT, run
from lms.transaction import transactional
from lms.upsert import insert

_CHAPTER = bindparam("chapter", type_=Integer)


@dataclass(frozen=True)
class ChapterProgress:
    """A student's progress in a course after a chapter was completed or reopened."""

    course_id: int
    chapter_id: int
    progress: int
    completed_chapters: int
    total_chapters: int


@transactional
def complete_chapter(session: Session, student_id: int, chapter_id: int) -> ChapterProgress:
    """Count a chapter as completed by an enrolled student, and the progress with it.

    The last one brings the certificate.
    """
    course_id = _lock_chapter(session, student_id, chapter_id)
    completed = run(
        *(session, _completing()),
        student_id=student_id,
        chapter_id=chapter_id,
        completed_at=now(),
    )
    if completed.scalar() is not None:
        track_progress(session, student_id, course_id)
    return _standing(session, student_id, course_id, chapter_id)


@transactional
def reopen_chapter(session: Session, student_id: int, chapter_id: int) -> ChapterProgress:
    """Take a completion back, and the progress with it."""
    course_id = _lock_chapter(session, student_id, chapter_id)
    reopened = run(session, _reopening(), student=student_id, chapter=chapter_id)
    if reopened.scalar() is not None:
        track_progress(session, student_id, course_id)
        record(
            session,
            "chapter.reopened",
            by=student_id,
            student_id=student_id,
            course_id=course_id,
            chapter_id=chapter_id,
        )
    return _standing(session, student_id, course_id, chapter_id)


@transactional
def reset_progress(
    session: Session, student_id: int, course_id: int, *, by: int | None, reason: str
) -> int:
    """Take back all that a student completed in a course; return the number of chapters.

    A certificate stays: it says that the course was completed once. Raises NotEnrolled, and
    ReasonMissing, since the student is told why.
    """
    if not reason.strip():
        raise ReasonMissing
    course = lock_course(session, course_id, "learning")
    lock_student(session, student_id)
    if not is_enrolled(session, student_id, course_id):
        raise NotEnrolled
    active = run(session, _last_activity(), student=student_id, course=course_id).scalar()
    reopened = run(session, _resetting(), student=student_id, course=course_id)
    if chapters := sorted(reopened.scalars()):
        recompute_progress(session, OF_PAIRS, pairs=[(student_id, course_id)])
        touch(session, "progress", students=[student_id])
        record(
            *(session, "progress.reset"),
            by=by,
            student_id=student_id,
            course_id=course_id,
            reason=reason,
            chapters=chapters,
            last_activity_at=active.isoformat() if active else None,
        )
        message = ProgressReset(course.id, course.title, reason=reason)
        key = f"progress-reset-{course_id}-{now().isoformat()}"
        announce(session, message, student_id, key=key)
    return len(chapters)


def _lock_chapter(session: Session, student_id: int, chapter_id: int) -> int:
    course_id = run(session, _course_of_chapter(), chapter=chapter_id).scalar()
    if course_id is None:
        raise ChapterNotFound
    lock_course(session, course_id, "learning")
    lock_student(session, student_id)
    pair = {"student": student_id, "course": course_id}
    found = run(session, _chapter_and_enrollment(), chapter=chapter_id, **pair).one_or_none()
    if found is None:  # removed while this waited for the course
        raise ChapterNotFound
    if found.enrollment_id is None:
        raise NotEnrolled(
            "You're not enrolled in this course. The course page shows how to get access."
        )
    return int(course_id)


def _standing(
    session: Session, student_id: int, course_id: int, chapter_id: int
) -> ChapterProgress:
    counted = run(session, _progress(), student=student_id, course=course_id).one()
    return ChapterProgress(course_id, chapter_id, *counted)


@cache
def _completing() -> ReturningInsert[int]:
    return insert(ChapterCompletion).on_conflict_do_nothing().returning(ChapterCompletion.id)


@cache
def _reopening() -> ReturningDelete[int]:
    return (
        delete(ChapterCompletion)
        .where(ChapterCompletion.student_id == STUDENT, ChapterCompletion.chapter_id == _CHAPTER)
        .returning(ChapterCompletion.id)
    )


@cache
def _last_activity() -> Select[datetime | None]:
    """Select what the completions would say, which a reset deletes."""
    return select(StudentProgress.last_activity_at).where(
        StudentProgress.student_id == STUDENT, StudentProgress.course_id == COURSE
    )


@cache
def _resetting() -> ReturningDelete[int]:
    of_course = select(Chapter.id).where(Chapter.course_id == COURSE)
    return (
        delete(ChapterCompletion)
        .where(ChapterCompletion.student_id == STUDENT, ChapterCompletion.chapter_id.in_(of_course))
        .returning(ChapterCompletion.chapter_id)
    )


@cache
def _course_of_chapter() -> Select[int]:
    return select(Chapter.course_id).where(Chapter.id == _CHAPTER)


@cache
def _chapter_and_enrollment() -> Select[int, int]:
    """Select nothing where the chapter is gone, and no enrollment where the student has none."""
    mine = (Enrollment.user_id == STUDENT) & (Enrollment.course_id == COURSE)
    return (
        select(Chapter.id, Enrollment.id.label("enrollment_id"))
        .outerjoin(Enrollment, mine)
        .where(Chapter.id == _CHAPTER)
    )


@cache
def _progress() -> Select[int, int, int]:
    total = select(func.count(Chapter.id)).where(Chapter.course_id == COURSE)
    done = (
        select(func.count(ChapterCompletion.id))
        .join(Chapter, Chapter.id == ChapterCompletion.chapter_id)
        .where(Chapter.course_id == COURSE, ChapterCompletion.student_id == STUDENT)
    )
    return select(Enrollment.progress, done.scalar_subquery(), total.scalar_subquery()).where(
        Enrollment.user_id == STUDENT, Enrollment.course_id == COURSE
    )
