"""Students and admins as admins look after them."""

from typing import Any

import pytest
from flask import Flask

from lms import accounts, enrollment
from lms.queries.admin import students as people
from tests.builders import a_course, a_course_open_to_all, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act, AddPerson
from tests.web.pages import text_of

AGAIN_BY_DEFAULT = "this student isn't enrolled automatically again."
MONEY = (
    "Payments that give access aren't refunded, but are marked for review. The student is notified."
)
AGAIN_BY_CLICK = "This student can enroll again without approval."


def test_the_list_shows_figures_and_is_searched(admin: Browser, act: Act) -> None:
    act(a_course_open_to_all)
    ada = act(a_student, "Ada Lovelace")
    act(a_student, "Bob Ross")
    page = admin.get("/admin/students?q=lovelace").text
    assert f'href="/admin/students/{ada}"' in page
    assert 'data-label="Enrolled">1<' in page
    assert "Bob Ross" not in page
    assert "No student matches" in admin.get("/admin/students?q=_").text


def test_a_student_is_shown_with_sources_requests_payments_and_timeline(
    admin: Browser, act: Act, sql: Sql
) -> None:
    student = act(a_student)
    course = act(a_course_open_to_all, "Welcome")
    act(enrollment.enroll, student, course, by=admin.user_id, reason="Guest of honor")
    act(a_request, student, act(a_course, "Asked for"))
    sql(
        "INSERT INTO payments (user_id, course_title, amount_cents) VALUES (:id, 'Old', 1250)",
        id=student,
    )

    page = admin.get(f"/admin/students/{student}").text

    for text in ("Open to everyone", "Enrolled by an admin", "Asked for", "€12.50"):
        assert text in page
    trail = page[page.index('id="trail"') :]
    assert "Access granted: Welcome" in trail
    assert "By Ada Admin" in trail
    assert "Reason: Guest of honor" in trail
    assert (
        trail.index("Access requested")
        < trail.index("Access granted")
        < trail.index("Account added")
    )


def test_a_student_is_enrolled_and_unenrolled(admin: Browser, act: Act, sql: Sql) -> None:
    student, course = act(a_student), act(a_course, "Algebra", status="draft")
    address = f"/admin/students/{student}"
    form = admin.get(address).text.partition('id="enroll"')[2]
    assert 'class="optional"' not in form.partition(">Reason")[0]
    assert "Choose one of the courses." in admin.send_form(f"{address}/enroll").text
    assert "Algebra (draft)" in admin.get(address).text

    answer = admin.send_form(f"{address}/enroll", course_id=course, reason="Guest")
    assert (answer.status_code, answer.location) == (303, address)
    assert sql("SELECT user_id, course_id FROM enrollments") == [(student, course)]
    assert "Enrolled." in admin.get(address).text

    preview = admin.get(f"{address}/courses/{course}/unenroll").text
    assert "Unenroll Ada from “Algebra”?" in preview
    assert sql("SELECT count(*) FROM enrollments") == [(1,)]

    admin.send_form(f"{address}/courses/{course}/unenroll", reason="Left")
    assert sql("SELECT * FROM enrollments") == []
    assert sql("SELECT reason FROM audit_entries WHERE action = 'access.ended'") == [("Left",)]


def test_unenrolling_warns_of_money(admin: Browser, act: Act, sql: Sql) -> None:
    student, course = act(a_student), act(a_course_open_to_all)
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents, status)"
        " VALUES (:student, :course, 4900, 'paid')",
        student=student,
        course=course,
    )
    preview = admin.get(f"/admin/students/{student}/courses/{course}/unenroll").text
    assert "paid €49.00 for this course" in preview


@pytest.mark.parametrize(
    ("course", "said"),
    [
        ({"is_default_unlocked": True}, [AGAIN_BY_DEFAULT]),
        ({"is_default_unlocked": True, "is_public": True}, [AGAIN_BY_DEFAULT, AGAIN_BY_CLICK]),
        ({"is_default_unlocked": True, "is_public": True, "price_cents": 50}, [AGAIN_BY_DEFAULT]),
        ({"is_public": True}, [AGAIN_BY_CLICK]),
        ({"is_public": True, "status": "archived"}, []),
        ({}, []),
    ],
)
def test_unenrolling_says_how_the_student_may_come_back(
    admin: Browser, student: Browser, act: Act, course: dict[str, Any], said: list[str]
) -> None:
    number = act(a_course, **course)
    act(enrollment.enroll, student.user_id, number, by=admin.user_id)
    address = f"/admin/students/{student.user_id}/courses/{number}/unenroll"
    preview = text_of(admin.get(address).text)
    assert [words for words in (AGAIN_BY_DEFAULT, AGAIN_BY_CLICK) if words in preview] == said
    admin.send_form(address)
    student.send_form(f"/student/courses/{number}/enroll")
    enrolled = act(people.detail, student.user_id).enrollments
    assert ([row.course_id for row in enrolled] == [number]) == (AGAIN_BY_CLICK in said)


def test_a_student_without_a_course_to_enroll_in_is_said_to_have_none(
    admin: Browser, act: Act
) -> None:
    address = f"/admin/students/{act(a_student)}"
    page = text_of(admin.get(address).text)
    assert "There are no courses yet." in page
    assert "Enroll the student below" not in page
    assert "enrolled in every course" not in page
    course = act(a_course)
    assert "Enroll the student below" in admin.get(address).text
    admin.send_form(f"{address}/enroll", course_id=course)
    page = text_of(admin.get(address).text)
    assert "The student is enrolled in every course." in page


@pytest.mark.parametrize(("status", "is_said"), [("paid", True), ("refunded", False)])
def test_deleting_a_student_says_what_becomes_of_the_money(
    admin: Browser, act: Act, sql: Sql, status: str, *, is_said: bool
) -> None:
    student = act(a_student)
    sql(
        "INSERT INTO payments (user_id, course_title, amount_cents, status)"
        " VALUES (:student, 'Algebra', 4900, :status)",
        student=student,
        status=status,
    )
    preview = text_of(admin.get(f"/admin/students/{student}/delete").text)
    assert "1 payment and the audit trail are kept" in preview
    assert (MONEY in preview) == is_said


def test_unenrolling_twice_is_told(admin: Browser, act: Act) -> None:
    student, course = act(a_student), act(a_course)
    address = f"/admin/students/{student}/courses/{course}/unenroll"
    for send in (admin.get, admin.send_form):
        assert send(address).status_code == 303
        assert "isn&#39;t enrolled" in admin.get(f"/admin/students/{student}").text


def test_enrolling_without_a_seat_is_told(admin: Browser, act: Act, sql: Sql) -> None:
    student = act(a_student)
    admin.send_form(f"/admin/students/{student}/enroll", course_id=act(a_course, capacity=0))
    assert "This course is full" in admin.get(f"/admin/students/{student}").text
    assert sql("SELECT * FROM enrollments") == []


def test_an_odd_choice_brings_the_form_back(admin: Browser, act: Act, sql: Sql) -> None:
    student = act(a_student)
    course = act(a_course)
    address = f"/admin/students/{student}/enroll"
    for fields in (
        {"course_id": "x"},
        {"course_id": "999"},
        {},
        {"course_id": course, "reason": "x" * 2001},
    ):
        answer = admin.send_form(address, **fields)
        assert answer.status_code == 422
        assert 'id="errors"' in answer.text
    assert sql("SELECT * FROM enrollments") == []


def test_a_course_that_is_gone_is_named_as_such(admin: Browser, act: Act) -> None:
    answer = admin.send_form(f"/admin/students/{act(a_student)}/enroll", course_id=999)
    assert "This course doesn&#39;t exist. Choose another one." in answer.text


def test_renaming_keeps_what_was_typed_when_it_is_refused(
    admin: Browser, act: Act, sql: Sql
) -> None:
    student = act(a_student, "Ada")
    long = "x" * 121
    answer = admin.send_form(f"/admin/students/{student}/rename", name=long)
    assert answer.status_code == 422
    assert long in answer.text
    assert admin.send_form(f"/admin/students/{student}/rename", name=" ").status_code == 422
    assert admin.send_form(f"/admin/students/{student}/rename", name=" Ada  L. ").status_code == 303
    assert sql("SELECT name FROM users WHERE id = :id", id=student) == [("Ada L.",)]


def test_a_deactivated_student_is_signed_out_until_reactivated(
    admin: Browser, student: Browser, sql: Sql
) -> None:
    address = f"/admin/students/{student.user_id}"
    assert "signed out everywhere" in admin.get(f"{address}/deactivate").text
    assert student.get("/student/dashboard").status_code == 200

    admin.send_form(f"{address}/deactivate", reason="Left")
    assert student.get("/student/dashboard").status_code == 303
    assert "can&#39;t sign in" in admin.get(address).text
    instead = "deactivate the account instead"
    assert instead not in admin.get(f"{address}/delete").text

    admin.send_form(f"{address}/reactivate")
    assert instead in admin.get(f"{address}/delete").text
    student.sign_in("sam@example.org")
    assert student.get("/student/dashboard").status_code == 200


def test_deleting_a_student_shows_what_goes_first(admin: Browser, act: Act, sql: Sql) -> None:
    student = act(a_student, "Ada")
    act(enrollment.enroll, student, act(a_course), by=admin.user_id)
    act(a_request, student, act(a_course, "Asked"))
    for code in ("A", "B"):
        sql(
            "INSERT INTO certificates (user_id, student_name, course_title, code, completed_at)"
            " VALUES (:id, 'Ada', 'Old', :code, '2026-03-05 10:00:00')",
            id=student,
            code=29 * code,
        )
    sql(
        "INSERT INTO payments (user_id, course_title, amount_cents) VALUES (:id, 'Old', 5)",
        id=student,
    )
    preview = admin.get(f"/admin/students/{student}/delete").text
    for text in ("1 enrollment with", "1 waiting request<", "2 certificates<", "1 payment "):
        assert text in preview

    answer = admin.send_form(f"/admin/students/{student}/delete", reason="Asked to")

    assert answer.location == "/admin/students"
    assert sql("SELECT * FROM enrollments") == []
    assert sql("SELECT * FROM certificates") == []
    assert sql("SELECT user_id FROM payments") == [(None,)]
    assert admin.get(f"/admin/students/{student}").status_code == 404
    assert "Account deleted" in admin.get(f"/admin/audit?student={student}").text


def test_a_reason_that_is_too_long_changes_nothing(admin: Browser, act: Act, sql: Sql) -> None:
    student, course = act(a_student), act(a_course_open_to_all)
    long = "x" * 2001
    answer = admin.send_form(f"/admin/students/{student}/delete", reason=long)
    assert answer.status_code == 422
    admin.send_form(f"/admin/students/{student}/courses/{course}/unenroll", reason=long)
    assert sql("SELECT count(*) FROM enrollments WHERE user_id = :id", id=student) == [(1,)]
    assert "Nothing was changed" in admin.get(f"/admin/students/{student}").text


def test_a_student_becomes_an_admin_and_back(admin: Browser, act: Act, sql: Sql) -> None:
    student = act(a_student, "Bob Ross")
    page = admin.get(f"/admin/students/{student}/make-admin").text
    assert "can see and change" in page
    assert "will be deleted" not in page
    assert "Recorded in the audit trail." in page
    act(a_request, student, act(a_course))
    page = admin.get(f"/admin/students/{student}/make-admin").text
    assert "1 waiting request will be deleted." in page
    made = admin.send_form(f"/admin/students/{student}/make-admin", reason="Helps out")
    assert made.location == "/admin/admins"
    assert "Bob Ross" in admin.get("/admin/admins").text
    assert admin.get(f"/admin/students/{student}").status_code == 404

    page = admin.get(f"/admin/admins/{student}/make-student").text
    assert "Make Bob Ross a student?" in page
    assert "Recorded in the audit trail." in page
    address = f"/admin/admins/{student}/make-student"
    assert "Nothing was changed" in admin.send_form(address, reason="x" * 2001).text
    answer = admin.send_form(address, reason="Has left")
    assert answer.location == f"/admin/students/{student}"
    trail = admin.get("/admin/audit").text
    for reason in ("Helps out", "Has left"):
        assert reason in trail
    assert sql("SELECT role FROM users WHERE id = :id", id=student) == [("student",)]


def test_the_last_admin_stays_one(admin: Browser, act: Act) -> None:
    address = f"/admin/admins/{admin.user_id}/make-student"
    assert admin.send_form(address).location == "/admin/admins"
    assert "only active admin" in admin.get("/admin/admins").text
    act(an_admin, "Grace")
    assert admin.send_form(address).location == "/login"
    assert "You&#39;re a student now. Sign in again." in admin.get("/login").text
    assert admin.get("/admin/admins").location.startswith("/login")


def test_no_admin_is_changed_as_if_a_student(
    admin: Browser, add_person: AddPerson, sql: Sql
) -> None:
    other = add_person("grace@example.org", role="admin")
    for change in ("deactivate", "delete", "make-admin", "rename", "reactivate"):
        assert admin.send_form(f"/admin/students/{other}/{change}", name="X").status_code == 404
    assert sql("SELECT name, is_active FROM users WHERE id = :id", id=other) == [("Somebody", True)]


def test_a_students_page_says_when_they_last_signed_in(
    app: Flask, admin: Browser, act: Act, sql: Sql
) -> None:
    student = act(accounts.create_account, email="new@example.org", name="N", password=PASSWORD)
    page = f"/admin/students/{student}"
    assert "Last sign-in None recorded" in text_of(admin.get(page).text)
    browser = Browser(app)
    browser.sign_in("new@example.org")
    browser.send_form("/logout")  # the row of the sign-in is gone, the time stays
    sql("UPDATE users SET signed_in_at = '2026-03-01 09:30:00.000000' WHERE id = :id", id=student)
    sql("UPDATE users SET time_zone = 'Europe/Berlin' WHERE role = 'admin'")
    assert "Last sign-in 1 Mar 2026, 10:30" in text_of(admin.get(page).text)
    assert browser.sign_in("new@example.org").status_code == 303
    assert sql("SELECT 1 FROM users WHERE signed_in_at > '2026-06-01' AND id = :id", id=student)
