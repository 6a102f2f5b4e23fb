"""What every answer carries, whoever asks for whatever; and that nothing changes by itself."""

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lms import create_app
from lms.db import db
from tests.databases import settings
from tests.web.browser import Browser
from tests.web.crawl.conftest import Come, on_one_engine
from tests.web.crawl.people import PEOPLE
from tests.web.crawl.requests import Asked, asked, rows
from tests.web.crawl.school import School

NOT_SERVED = {
    "/nowhere": 404,
    "/static/": 404,
    "/static/js/": 404,
    "/static/nothing.css": 404,
    "/api/nowhere": 404,
    "/logout": 405,
    "/admin/students/999999": 404,
}
"""Errors carry the same as answers; these are what they are for an admin."""
OVER = {"/setup/<token>"}
"""Leads everybody away before it looks at what was sent: there is an admin."""
SIGNED = {"/api/payments/webhook"}
"""Changes that need no token: Stripe signs them."""
ASKED_FOR_AGAIN = {"/courses/<course_id>/files/<file_id>/<name>"}
"""Kept by browsers, which ask each time whether they may show it: pictures, video."""
MEASURED = {"allowances", "validations", "versions"}
"""Written by GETs that are limited, or show the health of the school; no row of anybody."""


@on_one_engine
@pytest.mark.parametrize("who", PEOPLE)
def test_every_answer_carries_the_headers_and_nothing_changes_without_a_token(
    app: Flask, school: School, caller: Come, who: str
) -> None:
    browser = caller(who)
    is_known = "without factor" in PEOPLE[who]
    lacks_factor = is_known and "signed in" not in PEOPLE[who]
    away = ("/login", "/profile/second-factor") if lacks_factor else ("/login",)
    before = rows(app)
    for request in asked(app, school.ids):
        answer = request.send(browser, **({"json": {}} if request.is_json else {}))
        assert_carries(answer, request, is_private=is_known or request.is_json)
        if not request.is_safe and request.rule not in SIGNED | OVER:
            refused = {401, 403} if request.is_json else {400, 403}
            is_sent_away = answer.headers.get("Location", "").startswith(away)
            assert answer.status_code in refused or is_sent_away, request
    after = rows(app)
    assert {table for table in after if after[table] != before[table]} <= MEASURED


def test_errors_carry_the_headers(app: Flask, caller: Come) -> None:
    for who, is_private in (("admin", True), ("nobody", False)):
        browser = caller(who)
        for address, status in NOT_SERVED.items():
            request = Asked("GET", address, address)
            answer = request.send(browser)
            assert not is_private or answer.status_code == status
            assert_carries(answer, request, is_private=is_private or request.is_json)


@on_one_engine
def test_in_production_every_answer_asks_for_https_and_every_cookie_is_secure(
    database_url: str, school: School
) -> None:
    app = create_app({**settings(database_url), "LMS_ENV": "production", "LMS_CHEAP_HASHES": False})
    browser = Browser(app)
    for request in asked(app, school.ids):
        answer = request.send(browser, base_url="https://portal.example.org")
        assert_carries(answer, request, is_private=request.is_json, scheme="https")
    with app.app_context():
        db.engine.dispose()


def assert_carries(
    answer: TestResponse, request: Asked, *, is_private: bool, scheme: str = "http"
) -> None:
    """Hold an answer to what all of them carry."""
    headers, about = answer.headers, (request, answer.status_code)
    assert answer.status_code < 500 or answer.status_code == 503, about
    parts = headers["Content-Security-Policy"].split("; ")
    policy = {part.partition(" ")[0]: part.partition(" ")[2] for part in parts}
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers
    assert "Server" not in headers, about
    year = "max-age=31536000; includeSubDomains"
    assert headers.get("Strict-Transport-Security") == (year if scheme == "https" else None)
    _assert_typed(answer, request)
    if request.rule.startswith(("/static/", "/logo/")) and answer.status_code == 200:
        assert "Set-Cookie" not in headers
        return
    assert "private" in headers["Cache-Control"], about
    assert "public" not in headers["Cache-Control"], about
    assert "Cookie" in answer.vary, about
    if request.rule in ASKED_FOR_AGAIN and answer.status_code == 200:
        assert "no-cache" in headers["Cache-Control"], about
    elif is_private and request.rule != "/healthz":
        assert "no-store" in headers["Cache-Control"], about
    for cookie in headers.getlist("Set-Cookie"):
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; ")), about
        assert ("Secure" in cookie.split("; ")) == (scheme == "https"), about
        assert cookie.startswith("__Host-" if scheme == "https" else "portal="), about


def _assert_typed(answer: TestResponse, request: Asked) -> None:
    """What has a body says what it is, text in UTF-8, and JSON is never taken for a page."""
    kind = answer.headers.get("Content-Type", "")
    assert kind or not answer.data, request
    assert not kind.startswith("text/") or "charset=utf-8" in kind, (request, kind)
    if request.is_json and answer.data:
        assert re.fullmatch(r"application/(problem\+)?json", kind), (request, kind)
