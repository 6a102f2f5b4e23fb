"""Limits as people and programs meet them: a message beside what was typed, 429, and when again."""

from collections import Counter
from typing import Any

import pytest
from flask import Flask

from lms import accounts, create_app
from lms.db import db
from lms.ledger.limits import LIMITS, key_of
from tests.builders import a_course
from tests.conftest import Sql
from tests.databases import settings
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act


@pytest.fixture
def use_up(sql: Sql) -> Any:
    """Use up somebody's allowance of an action."""

    def use(action: Any, who: int | str) -> None:
        for limit in LIMITS[action]:
            sql(
                "INSERT INTO allowances (key, used, expires_at) VALUES (:key, :used, :later)",
                key=key_of(action, limit, who),
                used=limit.allowed,
                later="2999-01-01 00:00:00.000000",
            )

    return use


def _register(browser: Browser, number: int) -> Any:
    fields = {"name": f"Ada {number}", "email": f"ada{number}@example.org", "password": PASSWORD}
    return browser.send_form("/register", **fields)


def test_a_program_that_registers_meets_a_limit_and_a_person_keeps_what_was_typed(
    app: Flask, sql: Sql
) -> None:
    statuses = Counter(_register(Browser(app), number).status_code for number in range(25))
    assert statuses == {303: 20, 429: 5}
    assert len(sql("SELECT id FROM users")) == 20
    refused = _register(Browser(app), 25)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "Too many attempts." in refused.text
    assert 'value="Ada 25"' in refused.text
    assert 'value="ada25@example.org"' in refused.text
    assert PASSWORD not in refused.text


def test_the_limit_of_registrations_does_not_tell_known_addresses(
    app: Flask, add_person: Any
) -> None:
    add_person("ada7@example.org")
    for known in (True, False):
        seen = []
        for _ in range(11):
            answer = _register(Browser(app), 7 if known else 8)
            seen.append((answer.status_code, answer.location))
        assert len(set(seen[:9])) == 1
    assert seen[-1][0] == 429


def test_behind_a_proxy_each_address_has_its_own(database_url: str) -> None:
    app = create_app({**settings(database_url), "TRUSTED_PROXIES": "1"})
    for place in (1, 2):
        statuses = []
        for number in range(21):
            browser = Browser(app)
            browser.environ_base["HTTP_X_FORWARDED_FOR"] = f"192.0.2.{place}"
            statuses.append(_register(browser, 100 * place + number).status_code)
        assert statuses == [303] * 20 + [429]
    with app.app_context():
        db.engine.dispose()


def test_links_are_limited_whether_or_not_an_account_is_there(
    browser: Browser, add_person: Any
) -> None:
    add_person("ada@example.org")
    statuses = [
        browser.send_form("/forgot", email=email).status_code
        for _ in range(20)
        for email in ("ada@example.org", "nobody@example.org")
    ]
    assert statuses == [303] * 20 + [429] * 20
    refused = browser.send_form("/forgot", email="ada@example.org")
    assert 'value="ada@example.org"' in refused.text
    assert "Too many attempts." in refused.text
    assert int(refused.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("number", [1, 2])
def test_the_confirmation_is_sent_again_no_more_often(browser: Browser, number: int) -> None:
    """Nor asked for, where nobody waits for it."""
    _register(browser, 1)
    email = f"ada{number}@example.org"
    statuses = [browser.send_form("/verify", email=email).status_code for _ in range(21)]
    assert statuses == [303] * 20 + [429]


def test_a_request_too_many_comes_back_with_its_message(
    student: Browser, act: Act, use_up: Any
) -> None:
    course = act(a_course, "Algebra")
    use_up("request", student.user_id)
    address = f"/student/courses/{course}/request"
    refused = student.send_form(address, message="I'd like to know more.")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert "I&#39;d like to know more.</textarea>" in refused.text
    assert "Too many attempts." in refused.text


def test_the_form_of_an_open_page_gets_a_message_there(
    student: Browser, act: Act, use_up: Any
) -> None:
    course = act(a_course, "Algebra")
    use_up("request", student.user_id)
    data = {"csrf_token": student.csrf_token(), "back": "/student/courses"}
    answer = student.post(
        f"/student/courses/{course}/request", data=data, headers={"HX-Request": "true"}
    )
    assert (answer.status_code, answer.location) == (303, "/student/courses")
    assert "Too many attempts." in student.get("/student/courses").text


def test_programs_are_told_when_to_try_again(student: Browser, act: Act, use_up: Any) -> None:
    free, sold = act(a_course), act(a_course, price_cents=900)
    use_up("request", student.user_id)
    refused = student.send_json("POST", "/api/student/requests", {"courseId": free})
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert refused.mimetype == "application/problem+json"
    assert int(refused.headers["Retry-After"]) > 0
    assert student.send_json("POST", "/api/student/requests", {"courseId": sold}).status_code == 429


def test_exports_meet_a_limit_and_pages_do_not(admin: Browser, use_up: Any) -> None:
    assert admin.get("/admin/payments.csv").status_code == 200
    use_up_for = LIMITS["export"][0].allowed
    statuses = Counter(admin.get("/admin/payments.csv").status_code for _ in range(use_up_for))
    assert statuses == {200: use_up_for - 1, 429: 1}
    refused = admin.get("/admin/payments.csv")
    assert int(refused.headers["Retry-After"]) > 0
    assert "Too many attempts" in refused.text
    assert admin.get("/admin/payments").status_code == 200


def test_each_refusal_by_a_limit_is_one_line(
    student: Browser, act: Act, use_up: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    course = act(a_course)
    use_up("request", student.user_id)
    capsys.readouterr()
    student.send_json("POST", "/api/student/requests", {"courseId": course})
    student.send_form(f"/student/courses/{course}/request", message="Please")
    data = {"csrf_token": student.csrf_token()}
    address = f"/student/courses/{course}/request"
    student.post(address, data=data, headers={"HX-Request": "true"})
    lines = [line for line in capsys.readouterr().err.splitlines() if "refused" in line]
    assert len(lines) == 3
    for line in lines:
        assert "limit=request" in line
        assert "reason='too many'" in line
        assert "Please" not in line


def test_a_class_behind_one_address_does_ordinary_things(app: Flask, act: Act) -> None:
    public, asked = act(a_course, is_public=True), act(a_course)
    for number in range(30):
        email = f"pupil{number}@example.org"
        act(accounts.create_account, email=email, name="P", password=PASSWORD)
        pupil = Browser(app)
        assert pupil.sign_in(email, "a typo").status_code == 422
        assert pupil.sign_in(email).status_code == 303
        enroll = pupil.send_json("POST", "/api/student/enroll", {"courseId": public})
        request = pupil.send_json("POST", "/api/student/requests", {"courseId": asked})
        assert (enroll.status_code, request.status_code) == (201, 201)


def test_links_to_a_new_address_are_limited_per_person(student: Browser) -> None:
    answers = [
        student.send_form(
            "/profile/address", email=f"new{number}@example.org", current_password=PASSWORD
        )
        for number in range(21)
    ]
    assert [answer.status_code for answer in answers] == [303] * 20 + [429]
    assert int(answers[-1].headers["Retry-After"]) <= 60
    assert 'value="new20@example.org"' in answers[-1].text
    again = student.send_form("/profile/address/again")
    assert again.status_code == 429
