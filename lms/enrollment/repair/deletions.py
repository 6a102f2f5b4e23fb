"""Rows that cannot stay: orphans and duplicates; what they alone knew goes to those that stay."""

from typing import Any

from sqlalchemy import case, delete, exists, func, literal, select, tuple_, update
from sqlalchemy.orm import aliased

from lms.enrollment.repair.changes import of_pairs, table_of
from lms.enrollment.repair.repair import Repair, Step
from lms.models import (
    AccessRequest,
    AccessSource,
    AccessWaiver,
    Certificate,
    ChapterCompletion,
    Course,
    Enrollment,
    Notice,
    Payment,
    SignIn,
    StudentProgress,
    User,
)


def delete_rows(step: Step) -> None:
    """Delete the rows themselves."""
    table = table_of(step.model)
    step.run(delete(table).where(table.c.id.in_(step.ids)))


def _delete_enrollments(step: Step) -> None:
    # Explicitly, since the keys that would carry these along may be missing.
    for model in (AccessSource, StudentProgress):
        table = table_of(model)
        step.run(delete(table).where(of_pairs(table, step.pairs)))
    delete_rows(step)


def _delete_chapters(step: Step) -> None:
    step.run(delete(ChapterCompletion).where(ChapterCompletion.chapter_id.in_(step.ids)))
    delete_rows(step)


def _delete_waivers(step: Step) -> None:
    step.run(
        delete(AccessWaiver).where(
            tuple_(AccessWaiver.user_id, AccessWaiver.course_id).in_(step.pairs)
        )
    )


def _clear_references(step: Step) -> None:
    has_user = exists().where(User.id == Payment.user_id)
    has_course = exists().where(Course.id == Payment.course_id)
    bought = update(Payment).where(Payment.id.in_(step.ids))
    step.run(
        bought.where(Payment.user_id.is_not(None), ~has_user).values(
            user_id=None,
            user_email=case(
                (Payment.user_email == "", literal("unknown, a deleted account")),
                else_=Payment.user_email,
            ),
        )
    )
    step.run(
        bought.where(Payment.course_id.is_not(None), ~has_course).values(
            course_id=None,
            course_title=case(
                (Payment.course_title == "", literal("unknown, a deleted course")),
                else_=Payment.course_title,
            ),
        )
    )


def _loosen(step: Step) -> None:
    """Delete what is nobody's; of the others only the references to what is gone."""
    table = table_of(step.model)
    chosen = table.c.id.in_(step.ids)
    step.run(delete(table).where(chosen, ~exists().where(User.id == table.c.user_id)))
    for column, model in ((table.c.course_id, Course), (table.c.get("payment_id"), Payment)):
        if column is not None:
            gone = column.is_not(None) & ~exists().where(model.id == column)
            step.run(update(table).where(chosen, gone).values({column: None}))


def _merge_enrollments(step: Step) -> None:
    other = aliased(Enrollment)
    same = (other.user_id == Enrollment.user_id, other.course_id == Enrollment.course_id)
    _keep_first(
        step,
        enrolled_at=_of_all(func.min(other.enrolled_at), *same),
        completed_at=_of_all(func.min(other.completed_at), *same),
    )


def _merge_mirrors(step: Step) -> None:
    other = aliased(StudentProgress)
    same = (
        other.student_id == StudentProgress.student_id,
        other.course_id == StudentProgress.course_id,
    )
    _keep_first(step, last_activity_at=_of_all(func.max(other.last_activity_at), *same))


def _keep_first(step: Step, **values: Any) -> None:
    table = table_of(step.model)
    pair = (table.c.user_id if "user_id" in table.c else table.c.student_id, table.c.course_id)
    first = select(func.min(table.c.id)).where(of_pairs(table, step.pairs)).group_by(*pair)
    kept = step.session.scalars(first).all()
    step.run(update(step.model).where(table.c.id.in_(kept)).values(**values))
    delete_rows(step)


def _of_all(value: Any, *same: Any) -> Any:
    return select(value).where(*same).scalar_subquery()


_PAIR_TABLES = (Enrollment, StudentProgress, AccessSource)
_COMPLETIONS = ((ChapterCompletion, ChapterCompletion.chapter_id),)

REPAIRS = {
    ("orphaned_chapter", "chapters"): Repair(_delete_chapters, by_column=_COMPLETIONS),
    ("orphaned_enrollment", "enrollments"): Repair(_delete_enrollments, also=_PAIR_TABLES),
    ("orphaned_progress", "student_progress"): Repair(delete_rows, also=_PAIR_TABLES),
    ("orphaned_request", "access_requests"): Repair(delete_rows),
    ("orphaned_completion", "chapter_completions"): Repair(delete_rows),
    ("orphaned_source", "access_sources"): Repair(delete_rows),
    ("orphaned_waiver", "access_waivers"): Repair(_delete_waivers),
    ("orphaned_sign_in", SignIn.__tablename__): Repair(delete_rows),
    ("orphaned_notice", Notice.__tablename__): Repair(_loosen),
    ("orphaned_certificate", Certificate.__tablename__): Repair(_loosen),
    ("orphaned_payment", "payments"): Repair(_clear_references),
    ("duplicate_completion", "chapter_completions"): Repair(delete_rows),
    ("duplicate_certificate", Certificate.__tablename__): Repair(delete_rows),
    ("duplicate_enrollment", "enrollments"): Repair(_merge_enrollments, also=_PAIR_TABLES),
    ("duplicate_progress", "student_progress"): Repair(_merge_mirrors, also=_PAIR_TABLES),
    ("duplicate_request", "access_requests"): Repair(delete_rows, also=(AccessRequest,)),
    ("pending_while_enrolled", "access_requests"): Repair(delete_rows, also=(AccessRequest,)),
}
