"""Progress: it equals the chapters completed, in an enrollment and in its mirror alike."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Insert,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from lms.db import UtcDateTime, now
from lms.ledger.certificates import issue
from lms.ledger.rows import PAIR, PAIRS, Pair, Rows, as_table, of_pairs
from lms.live import touch
from lms.models import Enrollment, StudentProgress, last_completion, later, share_completed
from lms.statements import COURSE, MOMENT, STUDENT, run
from lms.upsert import insert

OF_COURSE = Enrollment.course_id == COURSE
OF_PAIRS = of_pairs(Enrollment, PAIRS)
_MINE = and_(Enrollment.user_id == STUDENT, OF_COURSE)


def recompute_progress(session: Session, chosen: ColumnElement[bool], **values: Any) -> None:
    """Make the progress of these enrollments equal the chapters completed, and act on the result.

    The database carries the new value to the mirrors. The caller holds the courses or the pairs.
    `chosen` is a constant, for which the statements are kept; `values` are its parameters.
    """
    recomputed = run(session, _recomputing(chosen), moment=now(), **values).scalars()
    if 100 in set(recomputed):
        issue(session, chosen, **values)


@cache
def _recomputing(chosen: ColumnElement[bool]) -> ReturningUpdate[int]:
    share = share_completed(Enrollment.user_id, Enrollment.course_id)
    completed_at = func.coalesce(
        Enrollment.completed_at, last_completion(Enrollment.user_id, Enrollment.course_id), MOMENT
    )
    return (
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
    )


def track_progress(session: Session, student_id: int, course_id: int) -> None:
    """Update progress and last activity after a chapter was completed or reopened."""
    recompute_progress(session, _MINE, student=student_id, course=course_id)
    run(session, _dating(), student=student_id, course=course_id, moment=now())
    touch(session, "progress", students=[student_id])


@cache
def _dating() -> Update:
    return (
        update(StudentProgress)
        .where(StudentProgress.student_id == STUDENT, StudentProgress.course_id == COURSE)
        .values(last_activity_at=MOMENT)
    )


def add_mirrors(session: Session, pairs: Iterable[tuple[int, int, datetime | None]]) -> None:
    """Add the mirrors that enrollments lack: student, course and last activity, if that is known.

    It is the last completion where that came later.
    """
    run(session, _adding_mirrors(), dated=list(pairs))


@cache
def _adding_mirrors() -> Insert:
    dated = bindparam("dated", type_=Rows())
    wanted = as_table(dated, **PAIR, last_activity_at=UtcDateTime())
    has_mirror = exists().where(
        StudentProgress.student_id == Enrollment.user_id,
        StudentProgress.course_id == Enrollment.course_id,
    )
    last = last_completion(Enrollment.user_id, Enrollment.course_id)
    return (
        insert(StudentProgress)
        .from_select(
            ["student_id", "course_id", "total_progress", "last_activity_at"],
            select(
                *(Enrollment.user_id, Enrollment.course_id, Enrollment.progress),
                later(wanted.c.last_activity_at, last),
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
    recompute_progress(session, OF_PAIRS, pairs=pairs)
    add_mirrors(session, ((*pair, None) for pair in pairs))
    run(session, _rebuilding_mirrors(), pairs=pairs)


@cache
def _rebuilding_mirrors() -> Update:
    progress = (
        select(func.max(Enrollment.progress))
        .where(
            Enrollment.user_id == StudentProgress.student_id,
            Enrollment.course_id == StudentProgress.course_id,
        )
        .scalar_subquery()
    )
    return (
        update(StudentProgress)
        .where(
            of_pairs(StudentProgress, PAIRS),
            StudentProgress.total_progress.is_distinct_from(progress),
            progress.is_not(None),
        )
        .values(total_progress=progress)
    )
