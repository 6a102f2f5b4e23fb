"""Nobody's text is lost because they were signed out while they wrote it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, SOON, Visit
from tests.builders import a_course, a_student
from tests.server import Portal

Account = Callable[..., str]
TEXT = "Warp.\n\nWeft."


def _end_sign_ins(portal: Portal, email: str) -> None:
    portal.sql(
        "UPDATE sign_ins SET expires_at = '2026-01-01 00:00:00.000000'"
        " WHERE user_id = (SELECT id FROM users WHERE email = :email)",
        email=email,
    )


def _sign_in(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("scripts", [False, True], ids=["plain forms", "with scripts"])
def test_a_chapter_written_for_too_long_is_saved_after_signing_in(
    portal: Portal, visit: Visit, account: Account, scripts: bool
) -> None:
    course = portal.call(a_course, f"Slow writing {scripts}")
    email = account("admin", "Ada Admin")
    page = visit(email, java_script_enabled=scripts)
    page.goto(f"/admin/courses/{course}/chapters/new")
    page.get_by_label("Title").fill("The loom")
    page.get_by_label("Text").fill(TEXT)
    _end_sign_ins(portal, email)
    page.get_by_role("button", name="Add chapter").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    _sign_in(page, email)
    expect(page.get_by_role("heading", name="Send this change now?")).to_be_visible()
    expect(page.get_by_label("Text", exact=True)).to_have_value(TEXT)
    page.get_by_role("button", name="Send it now").click()
    expect(page.locator("#flashes .callout-success")).to_be_visible()
    found = portal.sql("SELECT title, body FROM chapters WHERE course_id = :id", id=course)
    assert [(row[0], row[1].replace("\r", "")) for row in found] == [("The loom", TEXT)]


def test_a_page_that_polls_stays_while_something_is_typed_in_it(
    portal: Portal, visit: Visit, account: Account
) -> None:
    student = portal.call(a_student, "Nora Newcomer")
    email = account("admin", "Ada Admin")
    page = visit(email, expected="status of 401")
    page.goto(f"/admin/students/{student}")
    page.locator("#name").fill("Nora of the North")
    _end_sign_ins(portal, email)
    notice = page.locator("#live-stale")
    expect(notice).to_contain_text("You've been signed out", timeout=SOON)
    with page.context.expect_page() as opened:
        notice.get_by_role("link", name="Sign in").click()
    _sign_in(opened.value, email)
    opened.value.wait_for_url(f"**/admin/students/{student}")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Nora of the North")
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nora of the North")


def test_typing_counts_as_use(portal: Portal, visit: Visit, account: Account) -> None:
    course = portal.call(a_course, "Typed for long")
    page = visit(account("admin", "Ada Admin"))
    page.clock.install()
    page.goto(f"/admin/courses/{course}/chapters/new")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for minutes, expected in ((4, 0), (2, 1), (4, 1), (2, 2)):
        page.clock.fast_forward(minutes * 60_000)
        page.get_by_label("Text").press("x")
        page.wait_for_timeout(100)
        assert sum(url.endswith("/api/session") for url in asked) == expected
