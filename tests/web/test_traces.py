"""What browsers keep by themselves: pages for all; tests/web/crawl says what they must not keep."""

import re

from flask import Flask

from tests.web.browser import Browser

PUBLIC = ("/login", "/register", "/forgot", "/certificates", "/healthz")


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
