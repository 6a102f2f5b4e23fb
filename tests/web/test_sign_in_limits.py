"""Wrong passwords from several addresses, as a proxy in front names them."""

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask, request

from lms import accounts, create_app, enrollment, logs, web
from lms.accounts import passwords
from lms.accounts.limit import LONGEST_PAUSE
from lms.db import at, db, now
from lms.web import pauses
from tests.conftest import Sql
from tests.databases import settings
from tests.web.browser import PASSWORD, Browser

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
WRONG = "not the password"
A_MINUTE = timedelta(seconds=61)
From = Callable[[str], Browser]


@pytest.fixture
def app(database_url: str) -> Any:
    """The portal behind a proxy that names who calls."""
    app = create_app({**settings(database_url), "TRUSTED_PROXIES": "1"})
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def of(app: Flask) -> From:
    """A new browser at an address."""

    def browser(address: str) -> Browser:
        made = Browser(app)
        made.environ_base["HTTP_X_FORWARDED_FOR"] = address
        return made

    return browser


@pytest.fixture
def teacher(add_person: Any) -> int:
    return int(add_person("teacher@example.org"))


def fail(browser: Browser, times: int = 10, email: str = "teacher@example.org") -> list[int]:
    """Return the statuses that a wrong password gets, so often."""
    return [browser.sign_in(email, WRONG).status_code for _ in range(times)]


def test_ten_failures_lock_out_where_they_came_from(of: From, teacher: int) -> None:
    here = of(HERE)
    assert fail(here, 11) == [422] * 10 + [429]
    refused = here.sign_in("teacher@example.org")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "Too many attempts" in refused.text
    assert 'value="teacher@example.org"' in refused.text
    with at(now().replace(microsecond=0) + A_MINUTE):
        assert here.sign_in("teacher@example.org").status_code == 303


def test_ten_failures_from_elsewhere_lock_nobody_out_here(of: From, teacher: int) -> None:
    for number in range(5):
        fail(of(f"198.51.100.{number}"), 11)
    assert of(ELSEWHERE).sign_in("teacher@example.org").status_code == 303
    assert of(HERE).sign_in("teacher@example.org").status_code == 303


def test_the_typos_of_pupils_behind_one_address_stop_no_teacher(of: From, teacher: int) -> None:
    own = of(HERE)
    assert own.sign_in("teacher@example.org").status_code == 303
    own.send_form("/logout")
    fail(of(HERE), 11)  # by a pupil who would like to be the teacher
    for number in range(110):
        fail(of(HERE), 1, f"{number}@example.org")
    assert of(HERE).sign_in("teacher@example.org").status_code == 429
    assert own.sign_in("teacher@example.org").status_code == 303


def test_a_browser_that_is_known_has_as_many_tries_and_no_more(of: From, teacher: int) -> None:
    own, other = of(HERE), of(HERE)
    for browser in (own, other):
        browser.sign_in("teacher@example.org")
        browser.send_form("/logout")
    assert fail(own, 11) == [422] * 10 + [429]
    own.environ_base["HTTP_X_FORWARDED_FOR"] = ELSEWHERE
    assert own.sign_in("teacher@example.org").status_code == 429
    assert other.sign_in("teacher@example.org").status_code == 303
    assert of(HERE).sign_in("teacher@example.org").status_code == 303


def test_many_known_browsers_have_no_more_tries_than_ten(of: From, teacher: int) -> None:
    known = [of(f"198.51.100.{number}") for number in range(12)]
    for browser in known:
        browser.sign_in("teacher@example.org")
        browser.send_form("/logout")
    for browser in known[:10]:
        assert fail(browser) == [422] * 10
    # Beyond that they are like any browser of their address, which has tries for itself.
    assert fail(known[10], 11) == [422] * 10 + [429]
    assert fail(of("198.51.100.10"), 1) == [429]
    assert of("198.51.100.11").sign_in("teacher@example.org").status_code == 303


def test_a_mark_is_good_for_one_account_and_from_here_alone(
    app: Flask, of: From, teacher: int, add_person: Any
) -> None:
    add_person("pupil@example.org")
    pupil = of(HERE)
    pupil.sign_in("pupil@example.org")
    fail(of(HERE), 11)
    assert pupil.sign_in("teacher@example.org").status_code == 429
    mark = pupil.get_cookie("portal-browser")
    assert mark is not None
    for forged in (mark.value[:-1], "x", "W1sxLCJ4Il1d.aaaa.bbbb", ""):
        pupil.set_cookie("portal-browser", forged)
        assert pupil.sign_in("teacher@example.org").status_code == 429


def test_the_mark_lets_nobody_in_and_is_for_no_script(of: From, teacher: int) -> None:
    own = of(HERE)
    answer = own.sign_in("teacher@example.org")
    [cookie] = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("portal-browser=")]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=34560000"):
        assert part in cookie.split("; ")
    thief = of(ELSEWHERE)
    mark = own.get_cookie("portal-browser")
    assert mark is not None
    thief.set_cookie("portal-browser", mark.value)
    assert thief.get("/api/session").get_json()["user"] is None
    own.send_form("/logout")
    kept = own.get_cookie("portal-browser")
    assert kept is not None
    assert kept.value == mark.value


def test_a_mark_survives_a_new_password_and_means_nothing_after_deletion(
    app: Flask, of: From, teacher: int, add_person: Any
) -> None:
    own = of(HERE)
    own.sign_in("teacher@example.org")
    with app.app_context():
        accounts.set_password(teacher, "another long password", by=None, reason="")
    fail(of(HERE), 11)
    assert own.sign_in("teacher@example.org", "another long password").status_code == 303
    with app.app_context():
        enrollment.delete_user(teacher, by=None)
    add_person("teacher@example.org")
    assert own.sign_in("teacher@example.org").status_code == 429


def test_a_shared_computer_remembers_those_of_late(of: From, add_person: Any) -> None:
    shared = of(HERE)
    for number in range(9):
        add_person(f"{number}@example.org")
        shared.sign_in(f"{number}@example.org")
    for number, status in ((0, 429), (1, 303), (8, 303)):
        fail(of(HERE), 11, f"{number}@example.org")
        assert shared.sign_in(f"{number}@example.org").status_code == status


def test_one_address_cannot_try_a_password_on_everybody(of: From, teacher: int) -> None:
    statuses = [
        of(HERE).sign_in(f"{number}@example.org", "Summer2026!").status_code
        for number in range(101)
    ]
    assert statuses == [422] * 100 + [429]
    refused = of(HERE).sign_in("teacher@example.org")
    assert refused.status_code == 429
    assert 60 < int(refused.headers["Retry-After"]) <= 600
    assert of(ELSEWHERE).sign_in("teacher@example.org").status_code == 303


def test_failures_of_one_account_are_one_account_of_an_address(of: From, teacher: int) -> None:
    for number in range(11):
        with at(now() + number * A_MINUTE / 2):
            fail(of(HERE), 10, "one@example.org")
    assert of(HERE).sign_in("teacher@example.org").status_code == 303


def test_successes_do_not_count_and_give_the_tries_back(of: From, teacher: int, sql: Sql) -> None:
    browser = of(HERE)
    for _ in range(12):
        assert browser.sign_in("teacher@example.org").status_code == 303
    assert sql("SELECT key FROM allowances") == []
    for _ in range(2):
        other = of(HERE)
        assert fail(other, 9) == [422] * 9
        assert other.sign_in("teacher@example.org").status_code == 303
    assert sql("SELECT used FROM allowances WHERE key LIKE 'account:%'") == [(18,)]
    assert sql("SELECT used FROM allowances WHERE key LIKE 'pair:%'") == []


def test_a_password_that_a_signed_in_person_types_is_guessed_at_no_more_often(
    of: From, teacher: int
) -> None:
    own = of(HERE)
    own.sign_in("teacher@example.org")
    fields = {"current_password": WRONG, "password": "quite another one"}
    statuses = [own.send_form("/profile/password", **fields).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    own.environ_base["HTTP_X_FORWARDED_FOR"] = ELSEWHERE
    refused = own.send_form("/profile/password", **{**fields, "current_password": PASSWORD})
    assert refused.status_code == 429
    assert of(HERE).sign_in("teacher@example.org").status_code == 303


def test_guesses_elsewhere_do_not_stop_somebody_from_changing_the_password(
    of: From, teacher: int
) -> None:
    own = of(HERE)
    own.sign_in("teacher@example.org")
    for address in (HERE, ELSEWHERE):
        fail(of(address), 11)
    fields = {"current_password": PASSWORD, "password": "quite another one"}
    assert own.send_form("/profile/password", **fields).status_code == 303


@pytest.mark.parametrize("email", ["teacher@example.org", "nobody@example.org"])
def test_many_failures_of_an_account_slow_the_answers_down(
    app: Flask, of: From, teacher: int, email: str
) -> None:
    paused: list[float] = []

    @app.after_request
    def note(response: Any) -> Any:
        if request.method == "POST" and request.path == "/login":
            paused.append(request.environ.get(pauses.PAUSE, 0.0))
        return response

    own = of(HERE)
    own.sign_in("teacher@example.org")
    assert paused == [0.0]
    for number in range(5):
        fail(of(f"198.51.100.{number}"), 10, email)
    assert paused[1:11] == [0.0] * 10
    assert paused[11:13] == pytest.approx([0.0, 0.1])
    assert paused == sorted(paused)
    assert paused[-1] == LONGEST_PAUSE
    paused.clear()
    of(ELSEWHERE).sign_in(email)  # a right one, too, or who guesses need not wait for it
    assert paused == [LONGEST_PAUSE]
    own.environ_base["HTTP_X_FORWARDED_FOR"] = ELSEWHERE
    own.sign_in("teacher@example.org")
    assert paused == [LONGEST_PAUSE, 0.0]  # nobody waits at a browser that is known


def test_known_and_unknown_addresses_take_as_long_at_every_stage(
    app: Flask, of: From, teacher: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=3, memory_cost=32_768))
    monkeypatch.setattr(passwords, "_dummy_hash", "")
    with app.app_context():
        accounts.set_password(teacher, PASSWORD, by=None, reason="")
    browsers = {email: of(HERE) for email in ("teacher@example.org", "nobody@example.org")}
    spent: dict[str, list[float]] = {email: [] for email in browsers}
    for round_ in range(16):
        for email, browser in browsers.items():
            fields = {"csrf_token": browser.csrf_token(), "email": email, "password": WRONG}
            began = time.process_time()
            browser.post("/login", data=fields)
            if 0 < round_ < 10:  # then both are refused unread
                spent[email].append(time.process_time() - began)
    known, unknown = map(median, spent.values())
    assert 0.8 < known / unknown < 1.25


def test_a_proxy_that_the_settings_do_not_name_is_warned_of_once(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {**settings(database_url), "LMS_ENV": "production", "LMS_CHEAP_HASHES": False}
    for proxies, warnings in (("0", 1), ("1", 0)):
        app = create_app({**given, "TRUSTED_PROXIES": proxies})
        logs.configure("production", about=web.about)
        browser = Browser(app)
        browser.get("/login")
        assert "TRUSTED_PROXIES" not in capsys.readouterr().err
        for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"):
            browser.get("/login", headers={name: "192.0.2.9"})
        assert capsys.readouterr().err.count("set TRUSTED_PROXIES") == warnings
        with app.app_context():
            db.engine.dispose()
    logs.configure("development", about=web.about)
