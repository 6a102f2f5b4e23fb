"""The students of a course: by what they are in, what they paid, how far they are."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import ColumnElement, Integer, Select, and_, case, exists, literal_column, select

from lms.models import AccessSource, Certificate, Enrollment, Payment, SourceKind, StudentProgress
from lms.models import User as Student
from lms.models.columns import constants
from lms.models.payment_status import HELD, RETURNED
from lms.money import plain
from lms.queries.paging import SHAPES, counted, paged, skipped, unpaged
from lms.queries.read_model import COURSE, execute, read_model, stream_rows
from lms.queries.search import matches
from lms.queries.sums import number_of

Standing = Literal["not_started", "in_progress", "completed"]
_NONE, _ALL = (literal_column(percent, Integer) for percent in ("0", "100"))
"""As parameters they would hide the partial index of those who have not begun."""
_STANDINGS: dict[Standing, ColumnElement[bool]] = {
    "not_started": Enrollment.progress == _NONE,
    "in_progress": and_(Enrollment.progress > _NONE, Enrollment.progress < _ALL),
    "completed": Enrollment.progress == _ALL,
}


@read_model
class CoursePayment:
    """Money that the student paid for the course."""

    id: int
    amount_cents: int
    kept_cents: int
    """The amount less what was refunded, and what banks took back."""
    currency: str

    def __str__(self) -> str:
        """Return what is kept, as a spreadsheet shows it."""
        return f"{plain(self.kept_cents, self.currency)} {self.currency.upper()}"


@read_model
class CoursePerson:
    """A student of the course."""

    student_id: int
    name: str
    email: str
    is_active: bool
    progress: int
    sources: tuple[str, ...]
    payments: tuple[CoursePayment, ...]
    enrolled_at: datetime
    last_activity_at: datetime | None
    completed_at: datetime | None
    certificate: str | None
    """The code of a certificate that is valid."""


@read_model
class CoursePeople:
    """One page of them."""

    people: list[CoursePerson]
    total: int
    page: int
    pages: int


def people(
    course_id: int,
    *,
    page: int = 1,
    q: str = "",
    standing: Standing | None = None,
    source: SourceKind | None = None,
) -> CoursePeople:
    """Return the students of a course, the latest first."""
    found = _found(q, standing, source)
    rows = execute(_listed(paged(found)), course_id=course_id, skipped=skipped(page)).all()
    is_all = not (q or standing or source)
    by_sum = number_of("enrolled", is_of_course=True) if is_all else None
    return CoursePeople(
        people=list(_people(row._asdict() for row in rows)),
        **counted(found, page, by_sum=by_sum, shown=len(rows) if q else None, course_id=course_id),
    )


def every_person(
    course_id: int,
    *,
    q: str = "",
    standing: Standing | None = None,
    source: SourceKind | None = None,
) -> Iterator[CoursePerson]:
    """Yield all students of a course who are looked for, the latest first."""
    found = unpaged(_found(q, standing, source))
    return _people(stream_rows(_listed(found), course_id=course_id))


def student_ids(
    course_id: int,
    *,
    q: str = "",
    standing: Standing | None = None,
    source: SourceKind | None = None,
) -> list[int]:
    """Return the ids of all students of a course who are looked for."""
    ids = unpaged(_found(q, standing, source)).subquery()
    chosen = select(Enrollment.user_id).join(ids, ids.c.id == Enrollment.id)
    return list(execute(chosen, course_id=course_id).scalars())


def _people(rows: Iterable[dict[str, Any]]) -> Iterator[CoursePerson]:
    """Yield each student once, of rows of which there is one for each source and payment."""
    for _, of_one in groupby(rows, key=lambda row: row["enrollment_id"]):
        sources = list(of_one)
        paid = {row["payment_id"]: _payment(row) for row in sources if row["payment_id"]}
        yield CoursePerson(
            **{name: sources[0][name] for name in _OWN},
            sources=tuple(dict.fromkeys(row["kind"] for row in sources if row["kind"])),
            payments=tuple(paid.values()),
        )


_OF_SOURCES = {"sources", "payments"}
_OWN = tuple(each.name for each in fields(CoursePerson) if each.name not in _OF_SOURCES)


def _payment(row: dict[str, Any]) -> CoursePayment:
    kept = row["amount_cents"] - row["refunded_cents"] - row["lost_cents"]
    return CoursePayment(
        id=row["payment_id"],
        amount_cents=row["amount_cents"],
        kept_cents=kept,
        currency=row["currency"],
    )


@lru_cache(SHAPES)
def _found(q: str, standing: Standing | None, source: SourceKind | None) -> Select[Any]:
    found = select(Enrollment.id).where(Enrollment.course_id == COURSE)
    if q:
        found = found.join(Student, Student.id == Enrollment.user_id).where(matches(q, Student))
    if standing:
        found = found.where(_STANDINGS[standing])
    if source:
        found = found.where(
            exists().where(*_of_enrollment(AccessSource), AccessSource.kind == source)
        )
    return found.order_by(Enrollment.enrolled_at.desc(), Enrollment.id.desc())


def _of_enrollment(model: Any) -> tuple[ColumnElement[bool], ...]:
    owner = model.student_id if model is StudentProgress else model.user_id
    return owner == Enrollment.user_id, model.course_id == Enrollment.course_id


@lru_cache(SHAPES)
def _listed(found: Select[Any]) -> Select[*tuple[Any, ...]]:
    ids = found.subquery()
    valid = case((Certificate.revoked_at.is_(None), Certificate.code))
    paid = and_(*_of_enrollment(Payment), Payment.status.in_(constants(*HELD, *RETURNED)))
    return (
        select(
            Enrollment.id.label("enrollment_id"),
            Student.id.label("student_id"),
            Student.name,
            Student.email,
            Student.is_active,
            Enrollment.progress,
            Enrollment.enrolled_at,
            Enrollment.completed_at,
            StudentProgress.last_activity_at,
            valid.label("certificate"),
            AccessSource.kind,
            Payment.id.label("payment_id"),
            Payment.amount_cents,
            Payment.refunded_cents,
            Payment.lost_cents,
            Payment.currency,
        )
        .join(ids, ids.c.id == Enrollment.id)
        .join(Student, Student.id == Enrollment.user_id)
        .outerjoin(StudentProgress, and_(*_of_enrollment(StudentProgress)))
        .outerjoin(Certificate, and_(*_of_enrollment(Certificate)))
        .outerjoin(AccessSource, and_(*_of_enrollment(AccessSource)))
        .outerjoin(Payment, paid)
        .order_by(Enrollment.enrolled_at.desc(), Enrollment.id.desc(), AccessSource.id, Payment.id)
    )
