"""Progress: it equals the chapters completed, in an enrollment and in its mirror alike."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from lms.db import UtcDateTime, now
from lms.ledger.certificates import issue
from lms.ledger.rows import PAIR, Pair, as_table, of_pairs
from lms.live import touch
from lms.models import Enrollment, StudentProgress, last_completion, share_completed
from lms.upsert import insert


def recompute_progress(session: Session, chosen: ColumnElement[bool]) -> None:
    """Make the progress of these enrollments equal the chapters completed, with what comes of it.

    The database carries the new value to the mirrors. The caller holds the courses or the pairs.
    """
    share = share_completed(Enrollment.user_id, Enrollment.course_id)
    completed_at = func.coalesce(
        Enrollment.completed_at, last_completion(Enrollment.user_id, Enrollment.course_id), now()
    )
    recomputed = session.scalars(
        update(Enrollment)
        .where(
            chosen,
            or_(
                Enrollment.progress.is_distinct_from(share),
                (Enrollment.progress == 100) != Enrollment.completed_at.is_not(None),
            ),
        )
        .values(progress=share, completed_at=case((share == 100, completed_at), else_=None))
        .returning(Enrollment.progress)
        .execution_options(synchronize_session=False)
    )
    if 100 in set(recomputed):
        issue(session, chosen)


def track_progress(session: Session, student_id: int, course_id: int) -> None:
    """Update progress and last activity after a chapter was completed or reopened."""
    mine = (Enrollment.user_id == student_id, Enrollment.course_id == course_id)
    recompute_progress(session, and_(*mine))
    session.execute(
        update(StudentProgress)
        .where(StudentProgress.student_id == student_id, StudentProgress.course_id == course_id)
        .values(last_activity_at=now())
    )
    touch(session, "progress", students=[student_id])


def add_mirrors(session: Session, pairs: Iterable[tuple[int, int, datetime | None]]) -> None:
    """Add the mirrors that enrollments lack: student, course and last activity, if that is known.

    Otherwise it is the last completion.
    """
    wanted = as_table(pairs, **PAIR, last_activity_at=UtcDateTime())
    has_mirror = exists().where(
        StudentProgress.student_id == Enrollment.user_id,
        StudentProgress.course_id == Enrollment.course_id,
    )
    last = last_completion(Enrollment.user_id, Enrollment.course_id)
    session.execute(
        insert(StudentProgress)
        .from_select(
            ["student_id", "course_id", "total_progress", "last_activity_at"],
            select(
                *(Enrollment.user_id, Enrollment.course_id, Enrollment.progress),
                func.coalesce(wanted.c.last_activity_at, last),
            )
            .join(
                wanted,
                and_(
                    Enrollment.user_id == wanted.c.student_id,
                    Enrollment.course_id == wanted.c.course_id,
                ),
            )
            .where(~has_mirror),
        )
        .on_conflict_do_nothing()
    )


def rebuild_progress(session: Session, pairs: Iterable[Pair]) -> None:
    """Recompute both rows of each pair from the chapters completed.

    No key helps: it may be missing, and carries along only mirrors that were equal before.
    """
    pairs = list(pairs)
    recompute_progress(session, of_pairs(Enrollment, pairs))
    add_mirrors(session, ((*pair, None) for pair in pairs))
    progress = (
        select(func.max(Enrollment.progress))
        .where(
            Enrollment.user_id == StudentProgress.student_id,
            Enrollment.course_id == StudentProgress.course_id,
        )
        .scalar_subquery()
    )
    session.execute(
        update(StudentProgress)
        .where(
            of_pairs(StudentProgress, pairs),
            StudentProgress.total_progress.is_distinct_from(progress),
            progress.is_not(None),
        )
        .values(total_progress=progress)
        .execution_options(synchronize_session=False)
    )
