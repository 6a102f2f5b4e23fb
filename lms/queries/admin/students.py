"""Students as admins see them: the list with its figures, and one student with everything."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache, lru_cache
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import ColumnElement, Select, String, and_, bindparam, select

from lms.db import db
from lms.models import AccessSource, Course, Enrollment, StudentProgress, User, has_factor
from lms.queries.admin.invitations import Invitation, invitation
from lms.queries.figures import StudentFigures, figures, is_counted
from lms.queries.paging import SHAPES, counted, paged, skipped, unpaged
from lms.queries.read_model import STUDENT, columns, execute, read, read_model, stream
from lms.queries.search import matches
from lms.queries.student import record
from lms.queries.student.record import StudentPayment, StudentRequest
from lms.queries.sums import number_of
from lms.refusals import StudentNotFound


@read_model
class StudentRow(StudentFigures):
    """A student of the list, with figures."""

    id: int
    name: str
    email: str
    is_active: Annotated[bool, Field(exclude=True)]
    is_proven: Annotated[bool, Field(exclude=True)]


@read_model
class StudentList:
    """One page of the students."""

    students: list[StudentRow]
    total: int
    page: int
    pages: int


@read_model
class StudentHit:
    """A student that a search in the top bar finds."""

    id: int
    name: str
    email: str


@read_model
class Student(StudentFigures):
    """One student, with figures."""

    id: int
    name: str
    email: str
    is_active: bool
    is_proven: Annotated[bool, Field(exclude=True)]
    has_factor: Annotated[bool, Field(exclude=True)]
    has_accepted: Annotated[bool, Field(exclude=True)]
    invited_at: Annotated[datetime | None, Field(exclude=True)]
    signed_in_at: Annotated[datetime | None, Field(exclude=True)]
    created_at: datetime

    @property
    def invitation(self) -> Invitation:
        """Where the invitation stands."""
        return invitation(self.invited_at)


@read_model
class Admin:
    """One admin."""

    id: int
    name: str
    email: str
    is_active: bool
    has_factor: bool


@read_model
class CourseAccess:
    """A course of the student, and the sources of access."""

    course_id: int
    title: str
    progress: int
    sources: list[str]
    enrolled_at: datetime
    completed_at: datetime | None
    last_activity_at: datetime | None


@read_model
class StudentDetail:
    """Everything about one student's access."""

    student: Student
    enrollments: list[CourseAccess]
    requests: list[StudentRequest]
    payments: list[StudentPayment]


def students(*, page: int = 1, q: str = "") -> StudentList:
    """Return the students by name; the figures are of those on the page alone."""
    found = _found(q)
    rows = read(StudentRow, _listed(paged(found)), skipped=skipped(page))
    by_sum = None if q else number_of("people", "student")
    return StudentList(
        students=rows, **counted(found, page, by_sum=by_sum, shown=len(rows) if q else None)
    )


def every_student(*, q: str = "") -> Iterator[StudentRow]:
    """Yield all students that are looked for, by name."""
    return stream(StudentRow, _listed(unpaged(_found(q))))


def hits(q: str, *, limit: int) -> list[StudentHit]:
    """Return the first students by name whom a search finds."""
    return read(
        StudentHit,
        select(*columns(StudentHit, User))
        .where(User.role == "student", matches(q, User))
        .order_by(User.name, User.id)
        .limit(limit),
    )


def by_email(q: str) -> int | None:
    """Return the student with this e-mail, or the only one whose e-mail contains it."""
    email = q.lower()
    if "@" not in email or " " in email:
        return None
    rows = db.session.execute(
        select(User.id, User.email)
        .where(User.role == "student", matches(email, User))
        .where(User.email.contains(email, autoescape=True))
        .order_by(User.email != email, User.id)
        .limit(2)
    ).all()
    return rows[0].id if len(rows) == 1 or (rows and rows[0].email == email) else None


def student(student_id: int) -> Student:
    """Return one student; admins are none."""
    for found in read(Student, _student(), student_id=student_id):
        return found
    raise StudentNotFound


def detail(student_id: int) -> StudentDetail:
    """Return one student with access, requests and payments."""
    return StudentDetail(
        student=student(student_id),
        enrollments=_enrollments(student_id),
        requests=record.requests(student_id),
        payments=record.payments(student_id),
    )


def open_courses(student_id: int) -> list[tuple[int, str, str]]:
    """Return id, title and status of the courses that the student is not in, by title."""
    enrolled = select(Enrollment.course_id).where(Enrollment.user_id == student_id)
    rows = db.session.execute(
        select(Course.id, Course.title, Course.status)
        .where(Course.id.not_in(enrolled))
        .order_by(Course.title, Course.id)
    )
    return [(row.id, row.title, row.status) for row in rows]


def admins() -> list[Admin]:
    """Return every admin."""
    return read(Admin, _admins())


def id_of(email: str) -> int | None:
    """Return the student who has an address, if any."""
    return execute(_by_address(), address=email.strip().lower()).scalar()


def address_of(student_id: int) -> str:
    """Return a student's address; blank where there is no such student."""
    found = select(User.email).where(User.id == STUDENT, User.role == "student")
    return execute(found, student_id=student_id).scalar() or ""


@cache
def _by_address() -> Select[Any]:
    found: Select[Any] = select(User.id).where(
        User.email == bindparam("address", type_=String), User.role == "student"
    )
    return found


@cache
def _admins() -> Select[Any]:
    found = select(*columns(Admin, User, has_factor=has_factor()))
    return found.where(User.role == "admin").order_by(User.name, User.id)


@lru_cache(SHAPES)
def _found(q: str) -> Select[Any]:
    found = select(User.id).where(User.role == "student").order_by(User.name, User.id)
    return found.where(matches(q, User)) if q else found


@lru_cache(SHAPES)
def _listed(found: Select[Any]) -> Select[*tuple[Any, ...]]:
    ids = found.subquery()
    return (
        select(User.id, User.name, User.email, User.is_active, _is_proven(), *figures(User.id))
        .join(ids, ids.c.id == User.id)
        .order_by(User.name, User.id)
    )


@cache
def _student() -> Select[*tuple[Any, ...]]:
    own = (User.id, User.name, User.email, User.is_active, _is_proven(), User.created_at)
    invited = (User.invited_at, User.signed_in_at, (User.password_hash != "").label("has_accepted"))
    factor = has_factor().label("has_factor")
    return select(*own, *invited, factor, *figures(User.id)).where(
        User.id == STUDENT, User.role == "student"
    )


def _is_proven() -> ColumnElement[bool]:
    return User.is_proven.label("is_proven")


def _enrollments(student_id: int) -> list[CourseAccess]:
    rows = execute(_courses(), student_id=student_id)
    found: dict[int, tuple[dict[str, Any], list[str]]] = {}
    for row in rows:
        fields = row._asdict()
        kind = fields.pop("kind")
        _, sources = found.setdefault(row.course_id, (fields, []))
        if kind is not None and kind not in sources:
            sources.append(kind)
    return [CourseAccess(**fields, sources=sources) for fields, sources in found.values()]


@cache
def _courses() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Enrollment.course_id,
            Course.title,
            Enrollment.progress,
            Enrollment.enrolled_at,
            Enrollment.completed_at,
            StudentProgress.last_activity_at,
            AccessSource.kind,
        )
        .join(Course, Course.id == Enrollment.course_id)
        .outerjoin(
            StudentProgress,
            and_(
                StudentProgress.student_id == Enrollment.user_id,
                StudentProgress.course_id == Enrollment.course_id,
            ),
        )
        .outerjoin(
            AccessSource,
            and_(
                AccessSource.user_id == Enrollment.user_id,
                AccessSource.course_id == Enrollment.course_id,
            ),
        )
        .where(Enrollment.user_id == STUDENT, is_counted())
        .order_by(Course.title, Enrollment.course_id, AccessSource.id)
    )
