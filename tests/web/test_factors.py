"""Second factors set up, renamed, removed, and reset by an admin."""

import re

import pytest
from flask import Flask
from pyotp import TOTP

from lms.db import now
from lms.models import Role
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import AddPerson
from tests.web.factors import EMAIL, SET_UP, add_app, codes_on, key_on, setup_of
from tests.web.pages import text_of


def test_new_recovery_codes_are_shown_once(student: Browser) -> None:
    _, old = add_app(student)
    page = student.send_form(f"{SET_UP}/codes")
    new = codes_on(page)
    assert len(new) == 10
    assert not set(old) & set(new)
    assert "no-store" in page.headers["Cache-Control"]
    assert not any(code in student.get("/profile").text for code in new)


def test_without_a_factor_there_are_no_recovery_codes(student: Browser) -> None:
    answer = student.send_form(f"{SET_UP}/codes")
    assert "Add one first" in student.get(answer.headers["Location"]).text


def test_the_key_is_confirmed_by_a_code_of_it(student: Browser, sql: Sql) -> None:
    page = student.get(f"{SET_UP}/app")
    assert "<svg" in page.text
    assert "style=" not in page.text
    key, setup = key_on(page), setup_of(page)
    fields = {"setup": setup, "name": "Phone"}
    wrong = student.send_form(f"{SET_UP}/app", code="000000", **fields)
    assert wrong.status_code == 422
    assert key_on(wrong) == key
    assert "the code that the app shows now" in wrong.text
    forged = student.send_form(
        f"{SET_UP}/app", code=TOTP(key).at(now()), name="Phone", setup=setup + "x"
    )
    assert "took too long" in forged.text
    assert key_on(forged) != key
    assert sql("SELECT * FROM second_factors") == []
    right = student.send_form(f"{SET_UP}/app", code=TOTP(key).at(now()), **fields)
    again = student.send_form(f"{SET_UP}/app", code=TOTP(key).at(now()), **fields)
    assert codes_on(right)
    assert "already one of your" in student.get(again.headers["Location"]).text


def test_nobody_confirms_a_key_that_another_session_was_shown(
    student: Browser, app: Flask, add_person: AddPerson, sql: Sql
) -> None:
    page = student.get(f"{SET_UP}/app")
    add_person("eve@example.org")
    eve = Browser(app)
    eve.sign_in("eve@example.org")
    fields = {"setup": setup_of(page), "name": "Mine", "code": TOTP(key_on(page)).at(now())}
    assert eve.send_form(f"{SET_UP}/app", **fields).status_code == 422
    assert sql("SELECT * FROM second_factors") == []


def test_a_factor_is_renamed_and_removed(student: Browser, app: Flask) -> None:
    add_app(student)
    other = Browser(app)
    number = re.search(r"second-factor/(\d+)", student.get("/profile").text)
    assert number
    page = f"{SET_UP}/{number[1]}"
    assert "My phone" in student.get(page).text
    assert student.send_form(page, name="").status_code == 422
    student.send_form(page, name="Old phone")
    assert "Old phone" in student.get("/profile").text
    student.send_form(f"{page}/remove")
    assert "Old phone" not in student.get("/profile").text
    assert student.get(page).status_code == 404
    assert other.sign_in(EMAIL).headers["Location"] == "/student/dashboard"


@pytest.mark.parametrize("role", ["student", "admin"])
def test_an_admin_removes_the_factor_of_who_has_lost_it(
    app: Flask, admin: Browser, add_person: AddPerson, sql: Sql, role: Role
) -> None:
    user_id = add_person("lost@example.org", name="Lou Lost", role=role)
    theirs = Browser(app)
    theirs.sign_in("lost@example.org")
    add_app(theirs)
    page = "/admin/admins" if role == "admin" else f"/admin/students/{user_id}"
    address = f"/admin/people/{user_id}/reset-factors"
    assert address in admin.get(page).text
    assert "Lou Lost is signed out everywhere" in text_of(admin.get(address).text)
    answer = admin.send_form(address, reason="Phone in the river")
    assert answer.headers["Location"] == page
    assert "Removed 1 second factor" in admin.get(page).text
    assert address not in admin.get(page).text
    assert theirs.get("/profile").headers["Location"].startswith("/login")
    assert theirs.sign_in("lost@example.org").headers["Location"] in {
        "/student/dashboard",
        "/admin/requests",
    }
    [mail] = sql("SELECT body FROM outbox_emails WHERE key LIKE 'factors-reset%'")
    assert "The school removed" in mail.body
    assert "Phone in the river" in admin.get("/admin/audit").text


def test_nobody_removes_their_own_factors_that_way(admin: Browser, student: Browser) -> None:
    mine = f"/admin/people/{admin.user_id}/reset-factors"
    assert admin.get(mine).headers["Location"].startswith("/profile")
    assert admin.send_form(mine, reason="").status_code == 403
    assert admin.get("/admin/people/999/reset-factors").status_code == 404
    assert admin.send_form("/admin/people/999/reset-factors", reason="").status_code == 404
    assert student.send_form(mine, reason="").status_code == 403
