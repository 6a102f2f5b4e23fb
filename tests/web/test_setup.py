"""The first admin of an empty school: by a link, once, and by nobody without it."""

import re
from time import time

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from tests.builders import a_student
from tests.commands import error_line, run
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act
from tests.web.pages import error_at

OWNER = {"name": "Olga Owner", "email": "Owner@School.test", "password": PASSWORD}


@pytest.fixture
def link(app: Flask) -> str:
    """The path of the page that makes the first admin."""
    printed = run(app, "setup-link")
    assert (printed.exit_code, printed.stderr) == (0, "")
    [path] = re.findall(r"^http://127\.0\.0\.1:8000(/setup/[\w.-]+)\n$", printed.stdout)
    return str(path)


def test_the_link_makes_the_first_admin_who_is_signed_in(
    browser: Browser, link: str, sql: Sql
) -> None:
    page = browser.get(link)
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "private, no-store")
    answer = browser.send_form(link, **OWNER)
    assert (answer.status_code, answer.location) == (303, "/admin/requests")
    assert "Your school is ready" in browser.get(answer.location).text
    [user] = sql("SELECT * FROM users")
    assert (user.email, user.name, user.role) == ("owner@school.test", "Olga Owner", "admin")
    assert user.email_verified_at is not None
    trail = sql("SELECT action, actor_id FROM audit_entries ORDER BY id")
    assert trail == [("user.added", None), ("school.opened", user.id)]


def test_whoever_opens_the_school_names_it_and_its_time_zone(
    browser: Browser, link: str, sql: Sql
) -> None:
    typed = {**OWNER, "school": "Hill School", "time_zone": "Europe/Nowhere", "currency": "nzd"}
    typed |= {"contact": "Office@hill.example", "address": "1 Mill Lane"}
    refused = browser.send_form(link, **typed)
    assert (refused.status_code, error_at(refused.text, "school")) == (422, "")
    assert "such as Europe/Berlin" in error_at(refused.text, "time_zone")
    assert 'value="Hill School"' in refused.text
    wrong = browser.send_form(link, **{**typed, "time_zone": "", "contact": "office"})
    assert "Enter an e-mail address" in error_at(wrong.text, "contact")
    assert sql("SELECT id FROM users") == []
    assert browser.send_form(link, **{**typed, "time_zone": "europe/berlin"}).status_code == 303
    assert "Hill School" in browser.get("/profile").text
    kept = sql("SELECT name, time_zone, currency, contact, address FROM school_settings")
    assert kept == [("Hill School", "Europe/Berlin", "nzd", "office@hill.example", "1 Mill Lane")]
    [(actor,)] = sql("SELECT actor_name FROM audit_entries WHERE action = 'school.changed'")
    assert actor == "Olga Owner"


def test_what_the_environment_says_is_not_asked_for(
    app: Flask, browser: Browser, link: str, sql: Sql
) -> None:
    app.config.update(SCHOOL_NAME="Given School", SCHOOL_TIME_ZONE="Asia/Tokyo")
    assert 'name="school"' not in browser.get(link).text
    assert browser.send_form(link, **OWNER, school="Other", time_zone="x").status_code == 303
    assert sql("SELECT id FROM school_settings") == []


def test_the_link_is_good_for_one_admin(app: Flask, browser: Browser, link: str, sql: Sql) -> None:
    browser.send_form(link, **OWNER)
    assert browser.get(link).location == "/admin/requests"
    other = Browser(app)
    answer = other.send_form(link, name="Eve", email="eve@school.test", password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/login")
    assert "This school is already set up. Sign in." in other.get("/login").text
    assert len(sql("SELECT * FROM users")) == 1
    assert "already has an admin" in error_line(run(app, "setup-link"))


def test_what_is_typed_wrong_comes_back_with_the_rest(browser: Browser, link: str) -> None:
    answer = browser.send_form(link, **{**OWNER, "password": "short"})
    assert answer.status_code == 422
    assert "at least 8" in answer.text
    assert 'value="Olga Owner"' in answer.text
    assert browser.send_form(link, **{**OWNER, "email": "no address"}).status_code == 422
    assert browser.send_form(link, **{**OWNER, "name": "  "}).status_code == 422


def test_an_address_of_a_student_is_refused_at_its_field(
    browser: Browser, link: str, act: Act, sql: Sql
) -> None:
    act(a_student, email="sam@school.test")
    answer = browser.send_form(link, **{**OWNER, "email": "sam@school.test"})
    assert answer.status_code == 422
    assert "An account with this e-mail address already exists" in answer.text
    assert sql("SELECT role FROM users") == [("student",)]


def test_a_link_expires_after_a_day(
    browser: Browser, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for age, status in ((86_400 - 60, 200), (86_400 + 60, 410)):
        signer = URLSafeTimedSerializer.default_signer
        monkeypatch.setattr(*(signer, "get_timestamp"), lambda _self, age=age: int(time()) + age)
        assert browser.get(link).status_code == status


@pytest.mark.parametrize("token", ["nonsense", "%00", "x" * 3000])
def test_what_is_no_link_opens_nothing_and_says_how_to_get_one(
    browser: Browser, token: str, sql: Sql
) -> None:
    for answer in (browser.get(f"/setup/{token}"), browser.send_form(f"/setup/{token}", **OWNER)):
        assert answer.status_code == 410
        assert "flask setup-link" in answer.text
    assert sql("SELECT * FROM users") == []


def test_a_school_without_an_admin_says_so_where_people_sign_in(
    browser: Browser, link: str
) -> None:
    assert "no admin yet" in browser.get("/login").text
    browser.send_form(link, **OWNER)
    browser.send_form("/logout")
    assert "no admin yet" not in browser.get("/login").text
