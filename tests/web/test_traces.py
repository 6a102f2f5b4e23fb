"""What is left on a shared computer after sign-out: nothing that a browser keeps by itself."""

import re
from typing import Any

import pytest
from flask import Flask

from tests.builders import a_course
from tests.web.browser import Browser

PUBLIC = ("/login", "/register", "/forgot", "/certificates", "/healthz")
SPREADSHEETS = ("/admin/payments.csv", "/admin/audit.csv")


def _pages_without_parameters(app: Flask) -> list[str]:
    """Return the address of every GET that needs no id, from the URL map itself."""
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments
    )


@pytest.mark.parametrize("role", ["student", "admin"])
def test_no_answer_to_a_signed_in_person_is_kept_by_the_browser(
    app: Flask, role: str, request: pytest.FixtureRequest
) -> None:
    browser: Browser = request.getfixturevalue(role)
    seen = 0
    for address in _pages_without_parameters(app):
        answer = browser.get(address, buffered=True)
        if address != "/healthz":
            assert "no-store" in answer.headers["Cache-Control"], address
            seen += answer.status_code == 200
    assert seen > 12


def test_pages_of_one_person_or_course_and_errors_are_not_kept(
    admin: Browser, act: Any, add_person: Any
) -> None:
    student, course = add_person("sam@example.org"), act(a_course)
    for address in (
        f"/admin/students/{student}",
        f"/admin/courses/{course}",
        f"/api/students/{student}",
        "/admin/students/999999",
        "/nowhere",
        *SPREADSHEETS,
    ):
        assert "no-store" in admin.get(address).headers["Cache-Control"], address


def test_json_is_not_kept_whoever_asks(app: Flask) -> None:
    nobody = Browser(app)
    for address in ("/api/session", "/api/openapi.json", "/api/student/courses", "/api/nowhere"):
        assert "no-store" in nobody.get(address).headers["Cache-Control"], address


def test_public_pages_are_kept_as_before(app: Flask) -> None:
    nobody = Browser(app)
    for address in PUBLIC:
        assert nobody.get(address).headers["Cache-Control"] == "private, no-cache", address


def test_polls_are_still_answered_as_unchanged_and_not_kept_either(student: Browser) -> None:
    page = student.get("/student/courses").text
    tag = re.search(r'data-live-etag="&#34;([^&]+)&#34;"', page)
    assert tag is not None
    for tags, status in ((f'"{tag[1]}"', 304), ('"0"', 200)):
        headers = {"X-Live": "courses=000000000000", "If-None-Match": tags}
        poll = student.get("/student/courses", headers=headers)
        assert poll.status_code == status
        assert tag[1] in poll.headers["ETag"]
        assert "no-store" in poll.headers["Cache-Control"]


def test_signing_out_clears_the_browser_s_cache(student: Browser) -> None:
    assert "Clear-Site-Data" not in student.get("/profile").headers
    assert student.send_form("/logout").headers["Clear-Site-Data"] == '"cache"'
