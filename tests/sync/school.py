"""A small sound school, and raw rows to damage it with."""

from dataclasses import dataclass

from sqlalchemy import func, select

from lms import enrollment
from lms.db import db
from lms.models import Chapter
from tests.builders import a_course, a_course_open_to_all, a_student, an_admin
from tests.sync.damage import Damage

LONG_AGO = "2026-01-02 03:04:05.000000"
NOBODY = 99_999


@dataclass(frozen=True)
class School:
    """Ids of what stands in it: Ada is in algebra at 25 %, Bob only in everybody's course."""

    grace: int
    ada: int
    bob: int
    algebra: int
    welcome: int
    botany: int


def a_school() -> School:
    grace = an_admin()
    ada, bob = a_student("Ada"), a_student("Bob")
    algebra = a_course("Algebra", chapters=4)
    botany = a_course("Botany", price_cents=900, chapters=2)
    welcome = a_course_open_to_all(chapters=1)
    enrollment.enroll(ada, algebra, by=grace)
    enrollment.complete_chapter(ada, first_chapter(algebra))
    return School(grace, ada, bob, algebra, welcome, botany)


def first_chapter(course_id: int) -> int:
    first = select(func.min(Chapter.id)).where(Chapter.course_id == course_id)
    return db.session.scalar(first) or 0


def enroll(damage: Damage, student: int, course: int, progress: int = 0) -> None:
    damage.run(
        "INSERT INTO enrollments (user_id, course_id, progress, enrolled_at) VALUES (?, ?, ?, ?)",
        *(student, course, progress, LONG_AGO),
    )


def mirror(damage: Damage, student: int, course: int, progress: int = 0) -> None:
    damage.run(
        "INSERT INTO student_progress (student_id, course_id, total_progress) VALUES (?, ?, ?)",
        *(student, course, progress),
    )


def enroll_raw(damage: Damage, student: int, course: int) -> None:
    """Enroll as somebody does who knows nothing of sources."""
    enroll(damage, student, course)
    mirror(damage, student, course)


def a_request_row(damage: Damage, student: int, course: int, status: str) -> None:
    damage.run(
        "INSERT INTO access_requests (student_id, course_id, status, message, created_at)"
        " VALUES (?, ?, ?, 'Please', ?)",
        *(student, course, status, LONG_AGO),
    )


def a_payment(damage: Damage, student: int, course: int, status: str) -> int:
    """Insert one of 900, of which its status says how much has gone back."""
    refunded = {"refunded": 900, "partially_refunded": 300}.get(status, 0)
    number = 500 + int(str(damage.run("SELECT count(*) FROM payments")[0][0]))
    damage.run(
        "INSERT INTO payments (id, user_id, course_id, amount_cents, currency, status,"
        " refunded_cents, lost_cents, created_at) VALUES (?, ?, ?, 900, 'eur', ?, ?, ?, ?)",
        *(number, student, course, status, refunded, 900 * (status == "dispute_lost"), LONG_AGO),
    )
    return number


def grant(damage: Damage, student: int, course: int, kind: str, reference: int = 0) -> None:
    damage.run(
        "INSERT INTO access_sources (user_id, course_id, kind, reference, granted_at)"
        " VALUES (?, ?, ?, ?, ?)",
        *(student, course, kind, reference, LONG_AGO),
    )


def forget(damage: Damage, student: int, course: int, *tables: str) -> None:
    for table in tables:
        column = "student_id" if table == "student_progress" else "user_id"
        damage.run(f"DELETE FROM {table} WHERE {column} = ? AND course_id = ?", student, course)


def complete(damage: Damage, student: int, chapter: object) -> None:
    damage.run(
        "INSERT INTO chapter_completions (student_id, chapter_id, completed_at) VALUES (?, ?, ?)",
        *(student, chapter, LONG_AGO),
    )


def first_chapter_raw(damage: Damage, course: int) -> object:
    return damage.run("SELECT min(id) FROM chapters WHERE course_id = ?", course)[0][0]


def certify(d: Damage, student: int, course: int, code: str) -> None:
    d.run(
        "INSERT INTO certificates (user_id, course_id, code, student_name, course_title,"
        " completed_at, issued_at) VALUES (?, ?, ?, 'Ada', 'Algebra', ?, ?)",
        *(student, course, code.ljust(29, "0"), LONG_AGO, LONG_AGO),
    )
