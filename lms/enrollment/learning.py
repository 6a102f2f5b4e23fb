"""How far students got: chapters completed, and the progress that follows from them."""

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.audit import record
from lms.ledger.locks import lock_course, lock_student
from lms.ledger.progress import track_progress
from lms.models import Chapter, ChapterCompletion, Enrollment
from lms.refusals import ChapterNotFound, NotEnrolled
from lms.transaction import transactional
from lms.upsert import insert


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
    completed = session.scalar(
        insert(ChapterCompletion)
        .values(student_id=student_id, chapter_id=chapter_id, completed_at=now())
        .on_conflict_do_nothing()
        .returning(ChapterCompletion.id)
    )
    if completed is not None:
        track_progress(session, student_id, course_id)
    return _standing(session, student_id, course_id, chapter_id)


@transactional
def reopen_chapter(session: Session, student_id: int, chapter_id: int) -> ChapterProgress:
    """Take a completion back, and the progress with it."""
    course_id = _lock_chapter(session, student_id, chapter_id)
    reopened = session.scalar(
        delete(ChapterCompletion)
        .where(
            ChapterCompletion.student_id == student_id,
            ChapterCompletion.chapter_id == chapter_id,
        )
        .returning(ChapterCompletion.id)
    )
    if reopened is not None:
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


def _lock_chapter(session: Session, student_id: int, chapter_id: int) -> int:
    in_course = select(Chapter.course_id).where(Chapter.id == chapter_id)
    course_id = session.scalar(in_course)
    if course_id is None:
        raise ChapterNotFound
    lock_course(session, course_id, "learning")
    lock_student(session, student_id)
    if session.scalar(in_course) is None:  # removed while this waited for the course
        raise ChapterNotFound
    enrolled = session.scalar(
        select(Enrollment.id).where(
            Enrollment.user_id == student_id, Enrollment.course_id == course_id
        )
    )
    if enrolled is None:
        raise NotEnrolled("You're not enrolled in this course. Enroll or request access first.")
    return course_id


def _standing(
    session: Session, student_id: int, course_id: int, chapter_id: int
) -> ChapterProgress:
    total = select(func.count(Chapter.id)).where(Chapter.course_id == course_id)
    done = (
        select(func.count(ChapterCompletion.id))
        .join(Chapter, Chapter.id == ChapterCompletion.chapter_id)
        .where(Chapter.course_id == course_id, ChapterCompletion.student_id == student_id)
    )
    progress, completed, chapters = session.execute(
        select(Enrollment.progress, done.scalar_subquery(), total.scalar_subquery()).where(
            Enrollment.user_id == student_id, Enrollment.course_id == course_id
        )
    ).one()
    return ChapterProgress(course_id, chapter_id, progress, completed, chapters)
