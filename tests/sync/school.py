"""A small sound school, and for each kind of violation the raw SQL that brings it in."""

from collections.abc import Callable
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


def _enroll(damage: Damage, student: int, course: int, progress: int = 0) -> None:
    damage.run(
        "INSERT INTO enrollments (user_id, course_id, progress, enrolled_at) VALUES (?, ?, ?, ?)",
        *(student, course, progress, LONG_AGO),
    )


def _mirror(damage: Damage, student: int, course: int, progress: int = 0) -> None:
    damage.run(
        "INSERT INTO student_progress (student_id, course_id, total_progress) VALUES (?, ?, ?)",
        *(student, course, progress),
    )


def enroll_raw(damage: Damage, student: int, course: int) -> None:
    """Enroll as somebody does who knows nothing of sources."""
    _enroll(damage, student, course)
    _mirror(damage, student, course)


def a_request_row(damage: Damage, student: int, course: int, status: str) -> None:
    damage.run(
        "INSERT INTO access_requests (student_id, course_id, status, message, created_at)"
        " VALUES (?, ?, ?, 'Please', ?)",
        *(student, course, status, LONG_AGO),
    )


def a_payment(damage: Damage, student: int, course: int, status: str) -> int:
    number = 500 + int(str(damage.run("SELECT count(*) FROM payments")[0][0]))
    damage.run(
        "INSERT INTO payments (id, user_id, course_id, amount_cents, currency, status,"
        " refunded_cents, created_at) VALUES (?, ?, ?, 900, 'eur', ?, 0, ?)",
        *(number, student, course, status, LONG_AGO),
    )
    return number


def _source(damage: Damage, student: int, course: int, kind: str, reference: int = 0) -> None:
    damage.run(
        "INSERT INTO access_sources (user_id, course_id, kind, reference, granted_at)"
        " VALUES (?, ?, ?, ?, ?)",
        *(student, course, kind, reference, LONG_AGO),
    )


def _forget(damage: Damage, student: int, course: int, *tables: str) -> None:
    for table in tables:
        column = "student_id" if table == "student_progress" else "user_id"
        damage.run(f"DELETE FROM {table} WHERE {column} = ? AND course_id = ?", student, course)


def _complete(damage: Damage, student: int, chapter: object) -> None:
    damage.run(
        "INSERT INTO chapter_completions (student_id, chapter_id, completed_at) VALUES (?, ?, ?)",
        *(student, chapter, LONG_AGO),
    )


def _chapter_of(damage: Damage, course: int) -> object:
    return damage.run("SELECT min(id) FROM chapters WHERE course_id = ?", course)[0][0]


def orphaned_enrollment(d: Damage, s: School) -> None:
    _enroll(d, NOBODY, s.algebra)
    _mirror(d, s.ada, NOBODY)
    _enroll(d, s.ada, NOBODY)


def orphaned_progress(d: Damage, s: School) -> None:
    _mirror(d, NOBODY, s.algebra)


def orphaned_request(d: Damage, s: School) -> None:
    a_request_row(d, NOBODY, s.algebra, "pending")


def orphaned_completion(d: Damage, s: School) -> None:
    _complete(d, s.ada, NOBODY)


def orphaned_chapter(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO chapters (id, course_id, title, position, body) VALUES (700, ?, 'T', 1, '')",
        NOBODY,
    )
    _complete(d, s.ada, 700)


def orphaned_source(d: Damage, s: School) -> None:
    _source(d, NOBODY, s.algebra, "admin")


def orphaned_waiver(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO access_waivers (user_id, course_id, created_at) VALUES (?, ?, ?)",
        *(s.ada, NOBODY, LONG_AGO),
    )


def orphaned_sign_in(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO sign_ins (token_hash, user_id, created_at, expires_at) VALUES ('x', ?, ?, ?)",
        *(NOBODY, LONG_AGO, LONG_AGO),
    )


def orphaned_notice(d: Damage, s: School) -> None:
    for number, (student, course) in enumerate(((NOBODY, s.algebra), (s.ada, NOBODY))):
        d.run(
            "INSERT INTO notices (user_id, kind, key, title, text, course_id, created_at)"
            " VALUES (?, 'enrolled', ?, 'You are in', '', ?, ?)",
            *(student, f"orphan-{number}", course, LONG_AGO),
        )


def _certify(d: Damage, student: int, course: int, code: str) -> None:
    d.run(
        "INSERT INTO certificates (user_id, course_id, code, student_name, course_title,"
        " completed_at, issued_at) VALUES (?, ?, ?, 'Ada', 'Algebra', ?, ?)",
        *(student, course, code.ljust(29, "0"), LONG_AGO, LONG_AGO),
    )


def orphaned_certificate(d: Damage, s: School) -> None:
    _certify(d, NOBODY, s.algebra, "A")
    _certify(d, s.ada, NOBODY, "B")


def duplicate_certificate(d: Damage, s: School) -> None:
    d.lift("certificates")
    _certify(d, s.bob, s.algebra, "A")
    _certify(d, s.bob, s.algebra, "B")


def missing_certificate(d: Damage, s: School) -> None:
    _complete(d, s.bob, _chapter_of(d, s.welcome))
    d.run(
        "UPDATE enrollments SET progress = 100, completed_at = ? WHERE user_id = ?",
        *(LONG_AGO, s.bob),
    )
    d.run("UPDATE student_progress SET total_progress = 100 WHERE student_id = ?", s.bob)


def orphaned_payment(d: Damage, s: School) -> None:
    a_payment(d, NOBODY, s.botany, "paid")


def paid_without_course(d: Damage, s: School) -> None:
    number = a_payment(d, s.bob, s.botany, "partially_refunded")
    d.run(
        "UPDATE payments SET course_id = NULL, course_title = 'Botany', user_email = 'bob@x.org'"
        " WHERE id = ?",
        number,
    )


def missing_progress(d: Damage, s: School) -> None:
    _forget(d, s.ada, s.algebra, "student_progress")


def missing_enrollment(d: Damage, s: School) -> None:
    _forget(d, s.ada, s.algebra, "enrollments", "access_sources")


def duplicate_enrollment(d: Damage, s: School) -> None:
    d.lift("enrollments")
    _enroll(d, s.ada, s.algebra, 80)
    _enroll(d, s.ada, s.algebra, 25)


def duplicate_progress(d: Damage, s: School) -> None:
    d.lift("student_progress")
    _mirror(d, s.ada, s.algebra, 80)


def duplicate_request(d: Damage, s: School) -> None:
    d.lift("access_requests")
    a_request_row(d, s.bob, s.algebra, "pending")
    a_request_row(d, s.bob, s.algebra, "pending")


def duplicate_completion(d: Damage, s: School) -> None:
    d.lift("chapter_completions")
    _complete(d, s.ada, _chapter_of(d, s.algebra))


def progress_mismatch(d: Damage, s: School) -> None:
    d.run("UPDATE student_progress SET total_progress = 60 WHERE course_id = ?", s.algebra)


def progress_drift(d: Damage, s: School) -> None:
    d.run("UPDATE student_progress SET total_progress = 60 WHERE course_id = ?", s.algebra)
    d.run("UPDATE enrollments SET progress = 60 WHERE course_id = ?", s.algebra)


def progress_out_of_range(d: Damage, s: School) -> None:
    d.lift("enrollments", "student_progress")
    d.run("UPDATE student_progress SET total_progress = 150 WHERE course_id = ?", s.algebra)
    d.run("UPDATE enrollments SET progress = -7 WHERE course_id = ?", s.algebra)
    d.run("UPDATE student_progress SET total_progress = 101 WHERE course_id = ?", s.welcome)


def pending_while_enrolled(d: Damage, s: School) -> None:
    a_request_row(d, s.ada, s.algebra, "pending")


def approved_not_enrolled(d: Damage, s: School) -> None:
    a_request_row(d, s.bob, s.algebra, "approved")


def decided_not_cleared(d: Damage, s: School) -> None:
    a_request_row(d, s.bob, s.algebra, "rejected")
    a_request_row(d, s.ada, s.algebra, "approved")


def paid_not_enrolled(d: Damage, s: School) -> None:
    a_payment(d, s.bob, s.botany, "paid")


def refunded_still_enrolled(d: Damage, s: School) -> None:
    payment = a_payment(d, s.bob, s.botany, "refunded")
    enroll_raw(d, s.bob, s.botany)
    _source(d, s.bob, s.botany, "payment", payment)


def payment_behind_stripe(d: Damage, s: School) -> None:
    """Facts came in and were not acted upon: paid, refunded whole, disputed beside a refund."""
    tell_of_session(d, a_payment(d, s.bob, s.botany, "pending"), "paid")
    for student, course in ((s.ada, s.botany), (s.ada, s.algebra)):
        payment = a_payment(d, student, course, "paid")
        d.run(
            "UPDATE payments SET stripe_payment_intent_id = ? WHERE id = ?",
            f"pi_{payment}",
            payment,
        )
        _source(d, student, course, "payment", payment)
        tell_of_session(d, payment, "paid")
    enroll_raw(d, s.ada, s.botany)
    _tell_of_refund(d, payment - 1, 900)
    _tell_of_refund(d, payment, 300)
    d.run(
        "INSERT INTO stripe_disputes (id, payment_intent, amount, currency, status, told_at,"
        " created_at) VALUES ('dp_1', ?, 900, 'eur', 'needs_response', ?, ?)",
        *(f"pi_{payment}", LONG_AGO, LONG_AGO),
    )


def tell_of_session(d: Damage, payment: int, state: str) -> None:
    d.run(
        "INSERT INTO stripe_sessions (id, payment_id, state, payment_intent, amount_total,"
        " currency, paid_at) VALUES (?, ?, ?, ?, 900, 'eur', ?)",
        *(f"cs_{payment}", payment, state, f"pi_{payment}", LONG_AGO),
    )


def _tell_of_refund(d: Damage, payment: int, amount: int) -> None:
    d.run(
        "INSERT INTO stripe_refunds (id, payment_intent, amount, currency, status, created_at)"
        " VALUES (?, ?, ?, 'eur', 'succeeded', ?)",
        *(f"re_{payment}", f"pi_{payment}", amount, LONG_AGO),
    )


def access_without_source(d: Damage, s: School) -> None:
    _forget(d, s.ada, s.algebra, "access_sources")
    _forget(d, s.bob, s.welcome, "access_sources")


def source_without_enrollment(d: Damage, s: School) -> None:
    _forget(d, s.ada, s.algebra, "enrollments", "student_progress")


def source_not_valid(d: Damage, s: School) -> None:
    _source(d, s.ada, s.algebra, "payment", NOBODY)


def status_not_normalized(d: Damage, s: School) -> None:
    d.lift("courses", "payments", "access_requests")
    d.run("UPDATE courses SET status = ' Published ' WHERE id = ?", s.algebra)
    d.run("UPDATE courses SET status = 'secret' WHERE id = ?", s.botany)
    a_payment(d, s.bob, s.botany, "Failed")
    a_request_row(d, s.bob, s.algebra, "PENDING")


def email_not_normalized(d: Damage, s: School) -> None:
    d.lift("users")
    d.run("UPDATE users SET email = ' Ada@Example.ORG ' WHERE id = ?", s.ada)


def default_not_granted(d: Damage, s: School) -> None:
    _forget(d, s.bob, s.welcome, "enrollments", "student_progress", "access_sources")


def completion_date_mismatch(d: Damage, s: School) -> None:
    d.run("UPDATE enrollments SET completed_at = ? WHERE course_id = ?", LONG_AGO, s.algebra)


def unreadable_date(d: Damage, s: School) -> None:
    """Times as a broken export writes them; PostgreSQL takes no text, but infinity."""
    request_access = "INSERT INTO access_requests (student_id, course_id) VALUES (?, ?)"
    d.run(request_access, s.bob, s.botany)
    a_payment(d, s.bob, s.botany, "failed")
    d.run(
        "INSERT INTO notices (user_id, kind, key, title, text, created_at)"
        " VALUES (?, 'approved', 'undated', 'T', 'T', ?)",
        s.bob,
        LONG_AGO,
    )
    _certify(d, s.bob, s.botany, "UNDATED")
    for table, column in (
        ("users", "created_at"),
        ("courses", "created_at"),
        ("enrollments", "enrolled_at"),
        ("student_progress", "last_activity_at"),
        ("access_sources", "granted_at"),
        ("access_requests", "created_at"),
        ("chapter_completions", "completed_at"),
        ("payments", "access_ended_at"),
        ("notices", "read_at"),
        ("certificates", "revoked_at"),
    ):
        first = f"SELECT min(id) FROM {table}"
        d.run(f"UPDATE {table} SET {column} = ? WHERE id = ({first})", d.no_time)


INJECTIONS: dict[str, Callable[[Damage, School], None]] = {
    injection.__name__: injection
    for injection in (
        orphaned_enrollment,
        orphaned_progress,
        orphaned_request,
        orphaned_completion,
        orphaned_chapter,
        orphaned_source,
        orphaned_waiver,
        orphaned_sign_in,
        orphaned_notice,
        orphaned_certificate,
        orphaned_payment,
        paid_without_course,
        missing_progress,
        missing_enrollment,
        duplicate_enrollment,
        duplicate_progress,
        duplicate_request,
        duplicate_completion,
        progress_mismatch,
        progress_drift,
        progress_out_of_range,
        pending_while_enrolled,
        approved_not_enrolled,
        decided_not_cleared,
        paid_not_enrolled,
        refunded_still_enrolled,
        payment_behind_stripe,
        access_without_source,
        source_without_enrollment,
        source_not_valid,
        status_not_normalized,
        email_not_normalized,
        default_not_granted,
        completion_date_mismatch,
        duplicate_certificate,
        missing_certificate,
        unreadable_date,
    )
}
