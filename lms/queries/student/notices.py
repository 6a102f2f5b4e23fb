"""A student's notices and certificates."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Select, exists, false, func, or_, select

from lms.models import VISIBLE_STATUSES, Certificate, Course, Enrollment, Notice
from lms.models.columns import constants
from lms.queries.paging import paged, pages, skipped
from lms.queries.read_model import COURSE, STUDENT, columns, execute, read, read_model


@read_model
class StudentNotice:
    """A notice; `read_at` is None until the student has read it."""

    id: int
    kind: str
    title: str
    text: str
    reason: str
    course_id: int | None
    payment_id: int | None
    created_at: datetime
    read_at: datetime | None
    is_open: Annotated[bool, Field(exclude=True)]
    """Whether the student can open the course's page."""


@read_model
class NoticeList:
    """One page of a student's notices, the newest first."""

    notices: list[StudentNotice]
    unread: int
    total: int
    page: int
    pages: int


@read_model
class StudentCertificate:
    """Proof that the student completed a course; `code` leads to its public page."""

    id: int
    code: str
    course_id: int | None
    course_title: str
    student_name: str
    completed_at: datetime
    issued_at: datetime
    revoked_at: datetime | None


def notices(student_id: int, page: int = 1) -> NoticeList:
    """Return a page of the student's notices; beyond the last there is the last."""
    total, unread = tuple(execute(_counts(), student_id=student_id).one())
    page = min(page, pages(total))
    return NoticeList(
        notices=read(
            StudentNotice, paged(_notices()), student_id=student_id, skipped=skipped(page)
        ),
        unread=unread,
        total=total,
        page=page,
        pages=pages(total),
    )


def unread_notices(student_id: int) -> int:
    """Count what the student has not read yet."""
    return execute(_unread(), student_id=student_id).scalar() or 0


def certificates(student_id: int, course_id: int | None = None) -> list[StudentCertificate]:
    """Return the student's certificates, for one course or all, the newest first."""
    values = {} if course_id is None else {"course_id": course_id}
    statement = _certificates(is_for_course=course_id is not None)
    return read(StudentCertificate, statement, student_id=student_id, **values)


@cache
def _counts() -> Select[*tuple[Any, ...]]:
    unread = func.count().filter(Notice.read_at.is_(None))
    return select(func.count(), unread).where(Notice.user_id == STUDENT)


def unread_of(user_id: Any) -> Select[int]:
    """Return the SELECT of how many notices a person has not read yet."""
    return select(func.count()).where(Notice.user_id == user_id, Notice.read_at.is_(None))


@cache
def _unread() -> Select[int]:
    return unread_of(STUDENT)


@cache
def _notices() -> Select[*tuple[Any, ...]]:
    enrolled = exists().where(Enrollment.course_id == Course.id, Enrollment.user_id == STUDENT)
    is_open = func.coalesce(or_(Course.status.in_(constants(*VISIBLE_STATUSES)), enrolled), false())
    return (
        select(*columns(StudentNotice, Notice, is_open=is_open))
        .outerjoin(Course, Course.id == Notice.course_id)
        .where(Notice.user_id == STUDENT)
        .order_by(Notice.id.desc())
    )


@cache
def _certificates(*, is_for_course: bool) -> Select[*tuple[Any, ...]]:
    statement = (
        select(*columns(StudentCertificate, Certificate))
        .where(Certificate.user_id == STUDENT)
        .order_by(Certificate.completed_at.desc(), Certificate.id.desc())
    )
    return statement.where(Certificate.course_id == COURSE) if is_for_course else statement
