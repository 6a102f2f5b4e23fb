"""A portal below a path of its host, with all that scripts do."""

from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Request, expect

from lms import accounts, enrollment
from tests.browser.conftest import PASSWORD, POLL_SECONDS
from tests.builders import a_course, a_request
from tests.databases import Sqlite
from tests.server import Portal, serving

PREFIX = "/portal"


@pytest.fixture
def portal(sqlite: Sqlite) -> Iterator[Portal]:
    settings = {"PUBLIC_URL": f"http://127.0.0.1{PREFIX}", "LMS_POLL_SECONDS": str(POLL_SECONDS)}
    with sqlite.migrated() as url, serving(url, **settings) as portal:
        yield portal
        assert "Traceback" not in portal.said()


def test_pages_stay_live_and_ask_for_nothing_outside(chromium: Browser, portal: Portal) -> None:
    email = "sam@example.org"
    student = portal.call(
        accounts.create_account, email=email, name="Sam Student", password=PASSWORD
    )
    waiting = portal.call(a_request, student, portal.call(a_course, "Algebra"))
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    with chromium.new_context(base_url=portal.url) as context:
        page = context.new_page()
        page.on("request", note)
        page.goto(f"{PREFIX}/student/requests")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{portal.url}{PREFIX}/student/requests")
        rows = page.get_by_role("main")
        expect(rows).to_contain_text("Waiting")
        with page.expect_response(lambda answer: answer.status == 304):
            pass  # nothing new: the front answers
        portal.call(enrollment.reject, waiting, by=None, reason="Next term, please.")
        expect(rows).to_contain_text("Next term, please.")
        page.get_by_role("link", name="Courses").click()
        expect(page).to_have_url(f"{portal.url}{PREFIX}/student/courses")
        page.evaluate("const at = Date.now; Date.now = () => at() + 360_000")  # typed for long
        with page.expect_response(f"**{PREFIX}/api/session") as noted:
            page.get_by_role("main").get_by_role("searchbox").press("x")
        assert noted.value.status == 200
        [cookie] = [each for each in context.cookies() if each["name"] == "portal"]
        assert cookie["path"] == PREFIX
    outside = [each for each in asked if not urlsplit(each).path.startswith(f"{PREFIX}/")]
    assert outside == []
    with urlopen(f"{portal.url}{PREFIX}/healthz") as answer:  # noqa: S310 - our own
        assert answer.status == 200
