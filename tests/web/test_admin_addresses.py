"""An address, or a way in, that an admin gives."""

import re

from flask import Flask

from lms import enrollment
from tests.builders import a_course_open_to_all
from tests.conftest import Sql
from tests.web.addresses import NEW, OLD, address_of, change, mailed
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act
from tests.web.pages import text_of


def test_an_admin_changes_an_address_with_a_reason(
    app: Flask, student: Browser, admin: Browser, sql: Sql
) -> None:
    change(student, sql, "mistaken@example.org")
    undo = mailed(sql, OLD)[1]
    page = f"/admin/students/{student.user_id}/address"
    assert page in admin.get(f"/admin/students/{student.user_id}").text
    assert "both addresses" in admin.get(page).text
    for fields, said in (
        ({"email": NEW, "reason": ""}, "Enter a reason"),
        ({"email": "ada@example.org", "reason": "x"}, "already exists"),
        ({"email": "sam@gmail", "reason": "x"}, "E-mail can&#39;t reach gmail"),
    ):
        answer = admin.send_form(page, **fields)
        assert answer.status_code == 422
        assert said in answer.text
        assert f'value="{fields["email"]}"' in answer.text
    said = admin.get(admin.send_form(page, email=NEW, reason="Married").location).text
    assert "We&#39;ve e-mailed both addresses." in said
    assert address_of(sql, student) == NEW
    assert student.get("/api/session").get_json()["user"] is None
    assert Browser(app).sign_in(NEW).status_code == 303
    assert mailed(sql, "mistaken@example.org")[0].endswith("changed by the school")
    assert mailed(sql, NEW)[0] == "Your new e-mail address"
    entry = sql("SELECT * FROM audit_entries WHERE action = 'user.email_changed' ORDER BY id")[-1]
    assert (entry.actor_id, entry.reason) == (admin.user_id, "Married")
    Browser(app).send_form(undo)  # an admin's word is the last
    assert address_of(sql, student) == NEW


def test_an_admin_helps_whom_no_mail_reached(
    app: Flask, admin: Browser, act: Act, sql: Sql
) -> None:
    """Whoever registered may be somebody else: their password ends, as when an admin vouches."""
    course = act(a_course_open_to_all)
    stranger = Browser(app)
    form = {"name": "Kim", "email": "kim@gmail.example", "password": "the stranger's words"}
    stranger.send_form("/register", **form)
    [(kim,)] = sql("SELECT id FROM users WHERE email = 'kim@gmail.example'")
    page = f"/admin/students/{kim}/address"
    assert "never confirmed" in admin.get(page).text
    theirs = text_of(admin.get(f"/admin/students/{kim}").text)
    assert "Sign-in Not until the address is confirmed" in theirs
    assert theirs.count("The student can be enrolled once the address is confirmed.") == 2
    assert f"/admin/students/{kim}/enroll" not in admin.get(f"/admin/students/{kim}").text
    said = admin.get(admin.send_form(page, email=NEW, reason="Typing error").location).text
    assert "We&#39;ve sent an invitation to the new address." in said
    assert sql("SELECT course_id FROM enrollments WHERE user_id = :id", id=kim) == [(course,)]
    assert stranger.sign_in(NEW, "the stranger's words").status_code == 422
    mails = sql("SELECT recipient, subject FROM outbox_emails")
    assert [tuple(mail) for mail in mails] == [(NEW, "Your account is ready")]


def test_where_no_mail_can_be_sent_an_admin_changes_it(
    app: Flask, student: Browser, admin: Browser, sql: Sql
) -> None:
    app.config["LMS_ENV"] = "production"
    assert "only an admin can change your address" in student.get("/profile").text
    answer = student.send_form("/profile/address", email=NEW, current_password=PASSWORD)
    assert answer.status_code == 503
    assert "Ask an admin" in answer.text
    form = {"email": NEW, "reason": "Asked at the desk"}
    admin.send_form(f"/admin/students/{student.user_id}/address", **form)
    assert address_of(sql, student) == NEW


def test_where_no_mail_can_be_sent_an_admin_hands_over_a_link(
    app: Flask, student: Browser, admin: Browser, sql: Sql
) -> None:
    app.config["LMS_ENV"] = "production"
    page = student.get("/forgot").text
    assert "Ask an admin at your school" in page
    assert "<form class" not in page
    address = f"/admin/students/{student.user_id}/password-link"
    assert "/reset/" not in admin.get(address).text
    answer = admin.send_form(address, reason="Came to the desk")
    assert "no-store" in answer.headers["Cache-Control"]
    link = re.search(r"http://localhost(/reset/[^<]+)</textarea>", answer.text)
    assert link is not None
    entry = sql("SELECT * FROM audit_entries WHERE action = 'password.link_made'")[0]
    assert (entry.actor_id, entry.student_id) == (admin.user_id, student.user_id)
    assert entry.reason == "Came to the desk"
    assert link[1] not in str(entry)
    other = Browser(app)
    assert other.send_form(link[1], password="a new one of mine").status_code == 303
    assert other.send_form(link[1], password="once more, please").location == "/forgot"
    assert other.sign_in(OLD, "a new one of mine").status_code == 303


def test_a_link_of_a_deactivated_account_is_refused(
    student: Browser, admin: Browser, act: Act
) -> None:
    act(enrollment.deactivate_user, student.user_id, by=admin.user_id)
    assert "password-link" not in admin.get(f"/admin/students/{student.user_id}").text
    answer = admin.send_form(f"/admin/students/{student.user_id}/password-link")
    assert answer.status_code == 404
    assert "Reactivate it first" in answer.text
