"""Signing in with a second factor."""

import pytest
from flask import Flask
from pyotp import TOTP

from lms.db import now
from tests.authenticator import Passkey
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.factors import EMAIL, add_app, add_passkey
from tests.web.pages import text_of


def test_an_app_is_set_up_and_signs_in(student: Browser, browser: Browser) -> None:
    key, codes = add_app(student)
    assert len(set(codes)) == 10
    profile = text_of(student.get("/profile").text)
    assert "My phone Authenticator app" in profile
    assert "10 recovery codes left" in profile
    answer = browser.sign_in(EMAIL)
    assert answer.headers["Location"] == "/login/second-step"
    assert "Your password is correct" in browser.get("/login/second-step").text
    assert browser.get("/student/dashboard").headers["Location"].startswith("/login")
    answer = browser.send_form("/login/second-step", code=TOTP(key).at(now()))
    assert answer.headers["Location"] == "/student/dashboard"
    assert browser.get("/student/dashboard").status_code == 200


def test_between_the_steps_no_session_exists(student: Browser, browser: Browser, sql: Sql) -> None:
    key, _ = add_app(student)
    before = sql("SELECT id, token_hash FROM sign_ins ORDER BY id")
    browser.sign_in(EMAIL)
    assert browser.get("/api/session").get_json()["user"] is None
    assert browser.get("/api/student/courses").status_code == 401
    assert sql("SELECT id, token_hash FROM sign_ins ORDER BY id") == before
    halfway = browser.get_cookie("portal")
    browser.send_form("/login/second-step", code=TOTP(key).at(now()))
    whole = browser.get_cookie("portal")
    assert halfway is not None
    assert whole is not None
    assert halfway.value != whole.value
    assert len(sql("SELECT id FROM sign_ins")) == len(before) + 1


def test_where_to_go_and_to_be_remembered_outlast_the_second_step(
    student: Browser, browser: Browser, sql: Sql
) -> None:
    key, _ = add_app(student)
    fields = {"email": EMAIL, "password": PASSWORD, "remember": "y"}
    answer = browser.send_form("/login?next=/student/courses", **fields)
    address = answer.headers["Location"]
    answer = browser.send_form(address, code=TOTP(key).at(now()))
    assert answer.headers["Location"] == "/student/courses"
    assert browser.stays_signed_in()


def test_the_second_step_needs_the_first_in_this_browser(app: Flask, student: Browser) -> None:
    key, _ = add_app(student)
    other = Browser(app)
    for answer in (
        other.get("/login/second-step"),
        other.send_form("/login/second-step", code=TOTP(key).at(now())),
        other.send_form("/login/second-step/passkey", credential="{}", state=""),
    ):
        assert answer.headers["Location"].startswith("/login")
    assert other.get("/login/second-step/passkey").status_code == 404
    assert other.get("/api/session").get_json()["user"] is None


def test_a_wrong_code_comes_back_and_too_many_wait(student: Browser, browser: Browser) -> None:
    key, _ = add_app(student)
    browser.sign_in(EMAIL)
    answer = browser.send_form("/login/second-step", code="12 34")
    assert answer.status_code == 422
    assert "This code is wrong" in answer.text
    assert browser.send_form("/login/second-step").status_code == 422
    for _ in range(15):
        answer = browser.send_form("/login/second-step", code="none")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    right = TOTP(key).at(now())
    assert browser.send_form("/login/second-step", code=right).status_code == 429
    assert browser.get("/api/session").get_json()["user"] is None


def test_without_an_app_the_recovery_codes_are_named_and_a_long_wait_has_a_way_out(
    app: Flask, student: Browser, browser: Browser, passkey: Passkey
) -> None:
    add_passkey(student, passkey)
    browser.sign_in(EMAIL)
    page = browser.get("/login/second-step").text
    assert "If they don't work here, use a recovery code." in page
    assert 'href="/login">Sign in<' not in page
    limit = app.config["LMS_LOGIN_LIMIT"]
    app.config["LMS_LOGIN_LIMIT"] = "1 per day"
    first, second = (browser.send_form("/login/second-step", code=code) for code in "12")
    app.config["LMS_LOGIN_LIMIT"] = limit
    assert "Enter one of your recovery codes." in first.text
    assert "Too many attempts. Try again in 24 hours." in second.text
    assert "Or use a recovery code, or ask the school to remove your" in second.text


def test_a_form_of_an_old_page_comes_back(student: Browser, browser: Browser) -> None:
    key, _ = add_app(student)
    browser.sign_in(EMAIL)
    data = {"csrf_token": "of yesterday", "code": TOTP(key).at(now())}
    answer = browser.post("/login/second-step", data=data)
    assert answer.status_code == 400
    assert "has expired" in answer.text


def test_a_recovery_code_signs_in_once_and_the_owner_is_told(
    student: Browser, app: Flask, sql: Sql
) -> None:
    _, codes = add_app(student)
    first, second = Browser(app), Browser(app)
    for browser, address in ((first, "/student/dashboard"), (second, None)):
        browser.sign_in(EMAIL)
        answer = browser.send_form("/login/second-step", code=codes[0])
        assert answer.headers.get("Location") == address
    [mail] = sql("SELECT * FROM outbox_emails WHERE key LIKE 'recovery%'")
    assert mail.link.endswith("/profile")
    assert "9 recovery codes left" in first.get("/profile").text


def test_a_line_of_the_log_tells_each_outcome_and_no_code(
    student: Browser, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    key, codes = add_app(student)
    code = TOTP(key).at(now())
    browser.sign_in(EMAIL)
    browser.send_form("/login/second-step", code="123123")
    browser.send_form("/login/second-step", code=code)
    said = capsys.readouterr().err
    assert "second factor asked for" in said
    lines = [line for line in said.splitlines() if "second factor" in line]
    for outcome in ("added", "wrong", "right"):
        assert any(outcome in line for line in lines)
    assert not any(secret in said for secret in (key, code, "123123", *codes))
