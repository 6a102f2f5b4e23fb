"""Where a person is signed in: for how long, shown to them, and ended by them or an admin."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from lms import enrollment
from lms.accounts.sign_in import IDLE, LIFETIME
from lms.db import at, now
from lms.web.devices import device
from tests.builders import verification
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act, Statements

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SECONDS = timedelta(seconds=1)
MINUTES = timedelta(minutes=1)


def _elsewhere(app: Flask, email: str = "sam@example.org", agent: str = FIREFOX) -> Browser:
    browser = Browser(app)
    browser.environ_base["HTTP_USER_AGENT"] = agent
    browser.sign_in(email)
    return browser


def _is_in(browser: Browser) -> bool:
    return browser.get("/api/session").get_json()["user"] is not None


def test_a_cookie_outlives_its_browser_only_if_that_was_asked_for(
    browser: Browser, add_person: Any
) -> None:
    add_person("sam@example.org")
    browser.sign_in("sam@example.org")
    assert not browser.stays_signed_in()
    kept = {"email": "sam@example.org", "password": PASSWORD, "remember": "y"}
    browser.send_form("/login", **kept)
    assert browser.stays_signed_in()
    assert "kept signed in" in browser.get("/profile").text
    change = {"current_password": PASSWORD, "password": "another horse 10"}
    assert browser.send_form("/profile/password", **change).status_code == 303
    assert browser.stays_signed_in()
    browser.sign_in("sam@example.org", "another horse 10")
    assert not browser.stays_signed_in()


def test_registering_keeps_nobody_signed_in_beyond_the_browser(browser: Browser, act: Act) -> None:
    browser.send_form("/register", name="N", email="n@example.org", password=PASSWORD)
    assert not _is_in(browser)
    browser.get(act(verification, "n@example.org"))
    assert _is_in(browser)
    assert not browser.stays_signed_in()


def test_whoever_does_nothing_is_signed_out_and_whoever_does_something_is_not(
    student: Browser, admin: Browser
) -> None:
    began = now()
    for browser, idle in ((student, IDLE["student"]), (admin, IDLE["admin"])):
        with at(began + idle - MINUTES):
            assert _is_in(browser)
        with at(began + 2 * idle - 2 * MINUTES):
            assert _is_in(browser)
        with at(began + 3 * idle):
            assert not _is_in(browser)


def test_being_active_ends_after_fourteen_days_too(student: Browser) -> None:
    began = now()
    for day in range(1, 14):
        with at(began + timedelta(days=day)):
            assert _is_in(student)
    with at(began + LIFETIME + SECONDS):
        assert not _is_in(student)


def test_polls_keep_nobody_signed_in(admin: Browser, sql: Sql) -> None:
    page = admin.get("/admin/requests").text
    tag = re.search(r"data-live-etag=\"&#34;([^&]+)&#34;\"", page)
    assert tag is not None
    later = now() + timedelta(minutes=20)
    before = sql("SELECT expires_at, last_seen_at FROM sign_ins")
    with at(later):
        for address, headers, status in (
            ("/admin/requests", {"X-Live": "queue=0", "If-None-Match": f'"{tag[1]}"'}, 304),
            ("/admin/requests", {"X-Live": "queue=0", "If-None-Match": '"old"'}, 200),
            ("/api/requests", {"If-None-Match": '"old"'}, 200),
            ("/api/sync/connection", {}, 200),
        ):
            assert admin.get(address, headers=headers).status_code == status
    assert sql("SELECT expires_at, last_seen_at FROM sign_ins") == before
    with at(later):
        admin.get("/admin/requests")
    assert sql("SELECT expires_at, last_seen_at FROM sign_ins") != before


def test_use_is_written_down_once_a_minute(student: Browser, statements: Statements) -> None:
    def changes(moment: datetime) -> int:
        with at(moment), statements() as sent:
            assert student.get("/profile").status_code == 200
        return sum("UPDATE sign_ins" in str(statement) for statement in sent)

    first = now()
    assert changes(first + 30 * SECONDS) == 0
    assert changes(first + 70 * SECONDS) == 1
    assert changes(first + 100 * SECONDS) == 0
    assert changes(first + 140 * SECONDS) == 1


def test_pages_are_shown_where_nothing_can_be_written(
    student: Browser, sql: Sql, database_url: str
) -> None:
    refuse: tuple[str, ...] = (
        "CREATE TRIGGER full_disk BEFORE UPDATE ON sign_ins BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    if database_url.startswith("postgresql"):
        refuse = (
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'full'; END $$",
            "CREATE TRIGGER full_disk BEFORE UPDATE ON sign_ins FOR EACH ROW"
            " EXECUTE FUNCTION full_disk()",
        )
    sql(*refuse)
    with at(now() + 70 * SECONDS):
        assert student.get("/profile").status_code == 200
        assert student.get("/student/courses").status_code == 200
    assert sql("SELECT last_seen_at FROM sign_ins") == [(None,)]


def test_the_profile_lists_the_sign_ins_and_says_which_is_this_one(
    app: Flask, student: Browser, add_person: Any
) -> None:
    add_person("kim@example.org")
    _elsewhere(app, "kim@example.org", WINDOWS)
    _elsewhere(app)
    page = student.get("/profile").text
    card = page[page.index('id="sign-ins-card"') :]
    rows = re.findall(r'<tr id="sign-in-.*?</tr>', card, re.DOTALL)
    assert len(rows) == 2
    assert ["(this one)" in row for row in rows].count(True) == 1
    assert ["Firefox on Linux" in row for row in rows].count(True) == 1
    assert all(">Sign out</button>" in row for row in rows)
    assert "Windows" not in card
    assert "Sign out everywhere else" in card


def test_one_ends_a_sign_in_elsewhere_and_all_others(app: Flask, student: Browser) -> None:
    first, second, third = (_elsewhere(app) for _ in range(3))
    assert student.send_form(f"/profile/sign-ins/{_number(first)}/end").status_code == 303
    assert [_is_in(each) for each in (student, first, second, third)] == [True, False, True, True]
    assert student.send_form("/profile/sign-ins/end-others").status_code == 303
    assert [_is_in(each) for each in (student, second, third)] == [True, False, False]
    assert "Sign out everywhere else" not in student.get("/profile").text
    out = student.send_form(f"/profile/sign-ins/{_number(student)}/end")
    assert (out.location, out.headers["Clear-Site-Data"]) == ("/login", '"cache"')
    assert not _is_in(student)


def test_nobody_ends_the_sign_ins_of_others(
    app: Flask, student: Browser, browser: Browser, add_person: Any
) -> None:
    add_person("kim@example.org")
    kim = _elsewhere(app, "kim@example.org")
    assert student.send_form(f"/profile/sign-ins/{_number(kim)}/end").status_code == 303
    assert student.send_form("/profile/sign-ins/end-others").status_code == 303
    assert _is_in(kim)
    assert student.post(f"/profile/sign-ins/{_number(student)}/end").status_code == 400  # no token
    assert browser.send_form("/profile/sign-ins/end-others").location.startswith("/login")
    assert _is_in(student)


def test_an_admin_ends_a_student_s_sign_ins_and_the_trail_says_so(
    app: Flask, student: Browser, admin: Browser, sql: Sql, act: Act
) -> None:
    other = _elsewhere(app)
    address = f"/admin/students/{student.user_id}"
    assert "Sign out everywhere" in admin.get(address).text
    assert student.send_form(f"{address}/sign-out").status_code == 403
    assert admin.send_form(f"{address}/sign-out").location == address
    assert "Signed out of 2 browsers." in admin.get(address).text
    assert not _is_in(student)
    assert not _is_in(other)
    assert _is_in(admin)
    trail = sql("SELECT actor_id, student_id FROM audit_entries WHERE action = 'user.signed_out'")
    assert trail == [(admin.user_id, student.user_id)]
    admin.send_form(f"{address}/sign-out")
    assert act(enrollment.end_sign_ins, student.user_id, by=admin.user_id) == 0
    assert student.sign_in("sam@example.org").status_code == 303
    sql("UPDATE sign_ins SET expires_at = '2026-01-01 00:00:00.000000'")
    assert act(enrollment.end_sign_ins, student.user_id, by=admin.user_id) == 0
    assert len(sql("SELECT 1 FROM audit_entries WHERE action = 'user.signed_out'")) == 1


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (f"{WINDOWS} Chrome/150.0.0.0 Safari/537.36", "Chrome on Windows"),
        (f"{WINDOWS} Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML,"
            " like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 16; SM-G991B) AppleWebKit/537.36 (KHTML, like Gecko)"
            " SamsungBrowser/29.0 Chrome/140.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        ("python-requests/2.34", ""),
        ("", ""),
        ("<script>" * 900, ""),
    ],
)
def test_a_browser_is_known_by_a_few_words(agent: str, words: str) -> None:
    assert device(agent) == words


def _number(browser: Browser) -> int:
    page = browser.get("/profile").text
    [number] = re.findall(r'id="sign-in-(\d+)-device">[^<]*\(this one\)', page)
    return int(number)
