"""What a shared computer keeps of somebody who has signed out: nothing."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Cookie, Page, expect

from tests.browser.chromium import ARGUMENTS, executable
from tests.browser.conftest import PASSWORD, SOON, Visit, sign_in
from tests.server import Portal

Account = Callable[..., str]
PRIVATE = ("/admin/students", "/admin/payments", "/admin/audit", "/profile")


def test_signing_out_leaves_no_private_page_in_the_cache_s_folder(
    portal: Portal, chromium: Browser, account: Account, tmp_path: Path
) -> None:
    email = account("admin", "Ada Admin")
    context = chromium.browser_type.launch_persistent_context(
        tmp_path,
        executable_path=executable(),
        args=list(ARGUMENTS),
        base_url=portal.url,
    )
    try:
        page = context.new_page()
        sign_in(page, email)
        for address in PRIVATE:
            page.goto(address)
        assert _kept(tmp_path, "/static/css/portal.css"), "nothing is written to this folder"
        page.locator("details.account summary").click()
        page.locator("details.account").get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/login")
        kept = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    finally:
        context.close()
    assert set(kept) <= {"keys", "theme"}
    assert [address for address in PRIVATE if _kept(tmp_path, address)] == []


def test_going_back_after_signing_out_shows_no_private_page(visit: Visit, account: Account) -> None:
    page = visit(account("admin", "Ada Admin"))
    page.goto("/admin/students")
    page.goto("/admin/audit")
    page.locator("details.account summary").click()
    page.locator("details.account").get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    for _ in range(3):
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_going_back_and_forward_shows_the_pages_as_they_are_now(
    visit: Visit, account: Account
) -> None:
    page = visit(account())
    for address, heading in (("/student/courses", "Courses"), ("/student/progress", "Progress")):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Courses")
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text("Progress")


def test_a_session_ended_from_elsewhere_leads_its_open_page_to_sign_in(
    visit: Visit, account: Account
) -> None:
    email = account()
    left_open = visit(email, expected="status of 401")
    left_open.goto("/student/courses")
    page = visit(email)
    page.goto("/profile")
    card = page.locator("#sign-ins-card")
    expect(card.locator("tbody tr")).to_have_count(2)
    expect(card.locator("tbody tr").first).to_contain_text("Chrome on Linux")
    card.get_by_role("button", name="Sign out everywhere else").click()
    expect(page.locator("#flashes")).to_contain_text("signed out everywhere else")
    expect(card.locator("tbody tr")).to_have_count(1)
    left_open.wait_for_url("**/login?next=/student/courses", timeout=SOON)


def test_the_cookie_goes_with_the_browser_unless_it_was_to_be_kept(
    visit: Visit, account: Account
) -> None:
    email = account()
    assert _session_cookie(visit(email))["expires"] == -1
    page = visit()
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Keep me signed in").check()
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/student/dashboard")
    assert _session_cookie(page)["expires"] > 0


def _session_cookie(page: Page) -> Cookie:
    [cookie] = [each for each in page.context.cookies() if each["name"] == "portal"]
    return cookie


def _kept(folder: Path, address: str) -> bool:
    """Return whether the browser's cache has an entry of this address, which it names in clear."""
    return any(
        address.encode() in path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "Cache" in str(path.relative_to(folder))
    )
