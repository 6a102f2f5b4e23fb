"""Accounts, and what follows from them for access."""

import pytest

from lms import enrollment
from lms.models import Role
from lms.models.payment_status import GIVING_ACCESS
from lms.refusals import EmailTaken, Invalid, UserNotFound
from tests.builders import a_course, a_course_open_to_all, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses, Touches, Trail


def test_an_account_is_stored_in_lower_case_and_without_stray_blanks(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    with touches("people"):
        user = enrollment.add_user(
            email=" Ada@Example.ORG ", name="  Ada   Lovelace ", password_hash="hash"
        )
    [row] = sql("SELECT * FROM users")
    assert (row.id, row.email, row.name) == (user, "ada@example.org", "Ada Lovelace")
    assert (row.password_hash, row.role, bool(row.is_active)) == ("hash", "student", True)
    [entry] = trail()
    assert (entry.action, entry.actor_id, entry.student_name) == (
        "user.added",
        None,
        "Ada Lovelace",
    )


def test_an_account_that_another_adds_says_who(trail: Trail) -> None:
    admin = an_admin()
    trail()
    enrollment.add_user(email="bob@example.org", name="Bob", password_hash="x", by=admin)
    assert [e.actor_id for e in trail()] == [admin]


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@example.org", " ada@example.org"])
def test_an_email_has_one_account(refuses: Refuses, email: str) -> None:
    a_student(email="ada@example.org")
    with refuses(EmailTaken, field="email"):
        enrollment.add_user(email=email, name="Eve", password_hash="x")


@pytest.mark.parametrize("email", ["", "  ", "@@"[:1], "ada", "x" * 250 + "@a.org"])
def test_what_is_no_email_is_refused(refuses: Refuses, email: str) -> None:
    with refuses(Invalid, field="email"):
        enrollment.add_user(email=email, name="Eve", password_hash="x")


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "A\x00da", "half\ud800"])
def test_a_name_is_needed(refuses: Refuses, name: str) -> None:
    user = a_student()
    with refuses(Invalid, field="name"):
        enrollment.add_user(email="eve@example.org", name=name, password_hash="x")
    with refuses(Invalid, field="name"):
        enrollment.rename_user(user, name, by=user)


def test_renaming_shows_everywhere_and_leaves_the_record(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    enrollment.reject(a_request(student, course), by=admin)
    trail()
    with touches("people", "requests", students=[student]):
        enrollment.rename_user(student, "Ada King", by=student)
    with touches():
        enrollment.rename_user(student, " Ada  King ", by=student)
    assert sql("SELECT name FROM users WHERE id = :id", id=student) == [("Ada King",)]
    assert sql("SELECT student_name FROM decisions") == [("Ada",)]
    [entry] = trail()
    assert entry.details == {"before": "Ada", "after": "Ada King"}


def _signed_in(sql: Sql, **people: int) -> None:
    for token, user_id in people.items():
        sql(
            "INSERT INTO sign_ins (token_hash, user_id, expires_at)"
            " VALUES (:token, :user_id, '2030-01-01')",
            token=token,
            user_id=user_id,
        )


def test_another_address_keeps_all_that_is_theirs_and_ends_their_sessions(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, admin = a_student(email="old@example.org"), an_admin()
    course = a_course(chapters=1)
    enrollment.enroll(student, course, by=admin)
    enrollment.complete_chapter(student, sql("SELECT id FROM chapters")[0].id)
    sql(
        """INSERT INTO payments (user_id, user_email, course_id, course_title, amount_cents)
        VALUES (:student, 'old@example.org', :course, 'Algebra', 500)""",
        student=student,
        course=course,
    )
    kept = (
        "SELECT user_id, progress FROM enrollments",
        "SELECT user_id, user_email FROM payments",
        "SELECT user_id, code FROM certificates",
    )
    before = [sql(statement) for statement in kept]
    assert [len(rows) for rows in before] == [1, 1, 1]
    _signed_in(sql, theirs=student, mine=admin)
    trail()

    with touches("people", "requests", students=[student]):
        enrollment.set_email(student, " New@Example.ORG ", by=admin, reason="Married")
    with touches():
        enrollment.set_email(student, "NEW@example.org", by=admin)

    assert sql("SELECT email FROM users WHERE id = :id", id=student) == [("new@example.org",)]
    assert sql("SELECT token_hash FROM sign_ins") == [("mine",)]
    assert [sql(statement) for statement in kept] == before
    [entry] = trail()
    assert (entry.action, entry.actor_id, entry.student_id) == (
        "user.email_changed",
        admin,
        student,
    )
    assert (entry.reason, entry.details) == (
        "Married",
        {"before": "old@example.org", "after": "new@example.org"},
    )


def test_an_address_that_is_taken_or_none_changes_nothing(refuses: Refuses) -> None:
    student = a_student()
    a_student("Bob", email="bob@example.org")
    with refuses(EmailTaken):
        enrollment.set_email(student, "BOB@example.org", by=None)
    for wrong in ("", "no address", "half\ud800@example.org", "x" * 250 + "@example.org"):
        with refuses(Invalid, field="email"):
            enrollment.set_email(student, wrong, by=None)


def test_a_change_of_role_ends_every_session_and_keeps_the_reason(sql: Sql, trail: Trail) -> None:
    student, admin = a_student(), an_admin()
    roles: tuple[Role, ...] = ("admin", "student")
    for role in roles:
        _signed_in(sql, theirs=student, mine=admin)
        trail()
        enrollment.change_role(student, role, by=admin, reason=f"Now {role}")
        assert sql("SELECT token_hash FROM sign_ins") == [("mine",)]
        assert [(e.action, e.reason) for e in trail()] == [("user.role_changed", f"Now {role}")]
        sql("DELETE FROM sign_ins")


def test_a_student_who_becomes_admin_waits_for_nothing(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    request = a_request(student, course)
    trail()
    with touches("people", "requests", students=[student]):
        enrollment.change_role(student, "admin", by=admin)
    assert sql("SELECT role FROM users WHERE id = :id", id=student) == [("admin",)]
    assert sql("SELECT id FROM access_requests") == []
    assert [(e.action, e.actor_id, e.details.get("request_id")) for e in trail()] == [
        ("user.role_changed", admin, None),
        ("request.dropped", admin, request),
    ]


def test_an_admin_who_becomes_student_is_in_courses_open_to_all(sql: Sql) -> None:
    a_course_open_to_all()
    an_admin()
    other = an_admin("Edith")
    enrollment.change_role(other, "student", by=None)
    assert sql("SELECT user_id FROM enrollments") == [(other,)]


def test_a_role_that_is_held_already_changes_nothing(trail: Trail, touches: Touches) -> None:
    student = a_student()
    trail()
    with touches():
        enrollment.change_role(student, "student", by=None)
    assert trail() == []


def test_there_are_two_roles(refuses: Refuses) -> None:
    student = a_student()
    with refuses(Invalid, field="role"):
        enrollment.change_role(student, "teacher", by=None)  # type: ignore[arg-type]  # on purpose


def test_the_last_active_admin_stays_one(refuses: Refuses, sql: Sql) -> None:
    admin, asleep = an_admin(), an_admin("Edith")
    enrollment.deactivate_user(asleep, by=admin)
    with refuses(Invalid, field="role"):
        enrollment.change_role(admin, "student", by=admin)
    with refuses(Invalid, field="role"):
        enrollment.deactivate_user(admin, by=admin)
    with refuses(Invalid, field="role"):
        enrollment.delete_user(admin, by=admin)
    enrollment.delete_user(asleep, by=admin)
    assert sql("SELECT id FROM users") == [(admin,)]


def test_one_of_two_admins_may_go(sql: Sql) -> None:
    first, second = an_admin(), an_admin("Edith")
    enrollment.change_role(first, "student", by=second)
    assert sql("SELECT role FROM users ORDER BY id") == [("student",), ("admin",)]


def test_deactivating_ends_every_session_and_keeps_access(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    enrollment.enroll(student, course, by=admin)
    _signed_in(sql, theirs=student, mine=admin)
    trail()

    with touches("people", students=[student]):
        enrollment.deactivate_user(student, by=admin, reason="Left")
    with touches():
        enrollment.deactivate_user(student, by=admin)

    assert sql("SELECT token_hash FROM sign_ins") == [("mine",)]
    assert [bool(row[0]) for row in sql("SELECT is_active FROM users ORDER BY id")] == [False, True]
    assert len(sql("SELECT id FROM enrollments")) == 1
    assert [(e.action, e.reason) for e in trail()] == [("user.deactivated", "Left")]


def test_a_deactivated_person_can_come_back(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, admin = a_student(), an_admin()
    enrollment.deactivate_user(student, by=admin)
    trail()
    with touches("people", students=[student]):
        enrollment.reactivate_user(student, by=admin)
    with touches():
        enrollment.reactivate_user(student, by=admin)
    assert bool(sql("SELECT is_active FROM users WHERE id = :id", id=student)[0][0])
    assert [e.action for e in trail()] == ["user.reactivated"]


def test_deleting_a_student_takes_the_learning_along_and_keeps_the_record(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, admin = a_student(email="ada@example.org"), an_admin()
    course, other = a_course(chapters=1), a_course("Botany")
    enrollment.approve(a_request(student, course), by=admin)
    [(chapter,)] = sql("SELECT id FROM chapters")
    enrollment.complete_chapter(student, chapter)
    a_request(student, other)
    sql(
        """INSERT INTO payments (user_id, course_id, course_title, amount_cents, status)
        VALUES (:student, :course, 'Algebra', 500, 'refunded')""",
        student=student,
        course=course,
    )
    trail()

    with touches("people", "requests", "access", "payments", "catalogue"):
        enrollment.delete_user(student, by=admin, reason="Asked for it")

    for table in (
        "enrollments",
        "student_progress",
        "access_sources",
        "chapter_completions",
        "access_requests",
    ):
        assert sql(f"SELECT * FROM {table}") == []
    assert sql("SELECT user_id, user_email FROM payments") == [(None, "ada@example.org")]
    assert sql("SELECT student_name, student_email FROM decisions") == [("Ada", "ada@example.org")]
    assert [(e.action, e.student_name, e.course_title, e.reason) for e in trail()] == [
        ("request.dropped", "Ada", "Botany", ""),
        ("access.ended", "Ada", "Algebra", "Asked for it"),
        ("user.deleted", "Ada", "", "Asked for it"),
    ]


@pytest.mark.parametrize("status", GIVING_ACCESS)
def test_money_of_a_deleted_student_is_shown_to_the_admin(sql: Sql, status: str) -> None:
    bob, ada = a_student("Bob"), a_student()
    for buyer in (bob, ada):
        sql(
            """INSERT INTO payments (user_id, course_title, amount_cents, status)
            VALUES (:buyer, 'Algebra', 500, :status)""",
            buyer=buyer,
            status=status,
        )
    enrollment.delete_user(ada, by=an_admin())
    assert sql("SELECT status, attention FROM payments ORDER BY id") == [
        (status, ""),
        ("undeliverable", "The account no longer exists. Refund the payment."),
    ]


def test_the_email_that_paid_stays_on_the_payment(sql: Sql) -> None:
    student, admin = a_student(email="new@example.org"), an_admin()
    sql(
        """INSERT INTO payments (user_id, user_email, course_title, amount_cents)
        VALUES (:student, 'old@example.org', 'Algebra', 500)""",
        student=student,
    )
    enrollment.delete_user(student, by=admin)
    assert sql("SELECT user_email FROM payments") == [("old@example.org",)]


def test_deleting_an_admin_keeps_the_decisions_readable(sql: Sql) -> None:
    student, course = a_student(), a_course()
    grace, edith = an_admin(), an_admin("Edith")
    enrollment.approve(a_request(student, course), by=grace)
    enrollment.delete_user(grace, by=edith)
    assert sql("SELECT decided_by, decided_by_name FROM decisions") == [(grace, "Grace")]


def test_who_is_not_there_cannot_be_changed(refuses: Refuses) -> None:
    with refuses(UserNotFound):
        enrollment.rename_user(999, "Eve", by=999)
    with refuses(UserNotFound):
        enrollment.set_email(999, "eve@example.org", by=999)
    with refuses(UserNotFound):
        enrollment.change_role(999, "admin", by=None)
    with refuses(UserNotFound):
        enrollment.deactivate_user(999, by=None)
    with refuses(UserNotFound):
        enrollment.reactivate_user(999, by=None)
    with refuses(UserNotFound):
        enrollment.delete_user(999, by=None)
