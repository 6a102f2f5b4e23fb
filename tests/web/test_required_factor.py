"""A second factor that is required of people."""

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from pyotp import TOTP

from lms.config import ConfigError, load
from lms.db import now
from tests.web.browser import Browser
from tests.web.factors import SET_UP, add_app, key_on, required, setup_of


@pytest.mark.parametrize(
    ("rule", "may"),
    [("optional", (True, True)), ("admins", (True, False)), ("all", (False, False))],
)
def test_whoever_needs_a_factor_sets_it_up_before_anything_else(
    app: Flask, student: Browser, admin: Browser, rule: str, may: tuple[bool, bool]
) -> None:
    seen = {"X-Live": "x=1"}
    with required(app, rule):
        for browser, page, call, is_let_in in (
            (student, "/student/courses", "/api/student/courses", may[0]),
            (admin, "/admin/students", "/api/students", may[1]),
        ):
            if is_let_in:
                assert browser.get(page).status_code == 200
                assert browser.get(call).status_code == 200
                continue
            to = f"{SET_UP}?next={page}"
            assert browser.get(page).headers["Location"] == to
            assert browser.get("/profile").headers["Location"] == f"{SET_UP}?next=/profile"
            poll = browser.get(page, headers=seen)
            assert (poll.status_code, poll.headers["HX-Redirect"]) == (403, to)
            refused = browser.get(call)
            assert refused.status_code == 403
            assert refused.get_json()["code"] == "forbidden"
            assert SET_UP in refused.get_json()["detail"]
            assert browser.get("/api/sync/connection").status_code == 403
            assert browser.get("/api/session").get_json()["user"] is not None
            assert "Set one up to continue" in browser.get(to).text
            assert browser.send_form("/logout").headers["Location"] == "/login"


def test_setting_one_up_leads_on_to_where_one_was_going(app: Flask, student: Browser) -> None:
    with required(app, "all"):
        to = student.get("/student/courses").headers["Location"]
        address = re.search(r'href="(/profile/second-factor/app[^"]*)"', student.get(to).text)
        assert address
        page = student.get(unescape(address[1]))
        fields = {"setup": setup_of(page), "code": TOTP(key_on(page)).at(now()), "name": "P"}
        done = student.send_form(unescape(address[1]), **fields)
        assert 'href="/student/courses"' in done.text
        assert student.get("/student/courses").status_code == 200


def test_an_admin_without_one_sees_neither_metrics_nor_the_reasons_of_health(
    app: Flask, admin: Browser
) -> None:
    for rule, status, detailed in (("optional", 200, True), ("admins", 403, False)):
        with required(app, rule):
            assert admin.get("/metrics").status_code == status
            assert ("violations" in admin.get("/api/sync/health").get_json()) == detailed


def test_the_last_one_stays_where_it_is_required(app: Flask, student: Browser) -> None:
    add_app(student)
    number = re.search(r"second-factor/(\d+)", student.get("/profile").text)
    assert number
    remove = f"{SET_UP}/{number[1]}/remove"
    page = student.get(f"{SET_UP}/{number[1]}").text
    assert remove in page
    assert "your password alone is enough to sign in" in page
    with required(app, "all"):
        page = student.get(f"{SET_UP}/{number[1]}").text
        assert remove not in page
        assert "Add another before you remove this one." in page
        answer = student.send_form(remove)
        assert "Add another one before" in student.get(answer.headers["Location"]).text
        assert student.get("/student/courses").status_code == 200


@pytest.mark.parametrize("value", ["Admins", "yes", "admins,students"])
def test_a_malformed_requirement_stops_the_start(tmp_path: Any, value: str) -> None:
    with pytest.raises(ConfigError, match=r"^LMS_SECOND_FACTOR must be optional, admins or all$"):
        load(str(tmp_path), {"LMS_SECOND_FACTOR": value})
