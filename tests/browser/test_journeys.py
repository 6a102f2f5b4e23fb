"""What people do, from the first visit on, with JavaScript and without."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PASSWORD, SOON, Visit
from tests.builders import a_course, a_public_course, an_invitation, verification
from tests.server import Portal

Account = Callable[..., str]


def test_a_newcomer_asks_an_admin_approves_and_the_page_shows_it_by_itself(
    portal: Portal, visit: Visit, account: Account
) -> None:
    portal.call(a_course, "Cartography", chapters=2)
    student, admin = visit(), visit(account("admin", "Ada Admin"))
    register(portal, student, "Nora Newcomer", "nora@example.org")
    student.goto("/student/courses?q=Cartography")
    student.evaluate("window.sameDocument = true")
    expect(bell(student, "none")).to_be_visible()
    course_card(student, "Cartography").get_by_role("button", name="Request access").click()
    cancel = course_card(student, "Cartography").get_by_role("button", name="Cancel request")
    expect(cancel).to_be_visible()

    row = admin.get_by_role("row").filter(has_text="Nora Newcomer")
    expect(row).to_contain_text("Cartography", timeout=SOON)
    row.get_by_role("button", name="Approve").click()
    proceed = course_card(student, "Cartography").get_by_role("link", name="Continue")
    expect(proceed).to_be_visible(timeout=SOON)
    expect(bell(student, "1")).to_have_text("1", timeout=SOON)
    expect(row).to_have_count(0)
    assert student.evaluate("window.sameDocument") is True
    bell(student, "1").click()
    student.get_by_role("button", name="Mark as read").click()
    expect(bell(student, "none")).to_be_visible(timeout=SOON)
    student.get_by_role("link", name="Open course").click()
    student.get_by_role("button", name="Mark complete").last.click()
    expect(student.get_by_role("progressbar").first).to_have_js_property("value", 50)


def test_a_link_opened_in_another_browser_takes_the_account_from_whoever_registered(
    portal: Portal, visit: Visit
) -> None:
    stranger, owner = visit(expected="status of 422"), visit()
    send_registration(stranger, "Not Nora", "owner@example.org")
    owner.goto(portal.call(verification, "owner@example.org"))
    owner.get_by_label("New password").fill("a phrase of her own")
    owner.get_by_role("button", name="Confirm address").click()
    owner.wait_for_url("**/student/dashboard")
    stranger.goto("/login")
    stranger.get_by_label("E-mail").fill("owner@example.org")
    stranger.get_by_label("Password").fill(PASSWORD)
    stranger.get_by_role("button", name="Sign in", exact=True).click()
    stranger.wait_for_load_state()
    assert stranger.goto("/student/dashboard") is not None
    assert stranger.url.endswith("/login?next=/student/dashboard")


@pytest.mark.parametrize("scripts", [False, True], ids=["plain forms", "with scripts"])
def test_an_invitation_opens_the_account_once(portal: Portal, visit: Visit, scripts: bool) -> None:
    email = f"invited.{scripts}@example.org".lower()
    path = portal.call(an_invitation, email)
    first, second = (visit(java_script_enabled=scripts) for _ in range(2))
    for page in (first, second):
        page.goto(path)
        page.get_by_label("New password").fill(PASSWORD)
    for page in (first, second):
        page.get_by_role("button", name="Set password").click()
    first.wait_for_url("**/student/dashboard")
    expect(first.locator("#flashes")).to_contain_text("Your account is ready")
    expect(second.locator("#flashes")).to_contain_text("already has a password")
    second.get_by_label("E-mail").fill(email)
    second.get_by_label("Password").fill(PASSWORD)
    second.get_by_role("button", name="Sign in").click()
    second.wait_for_url("**/student/dashboard")


def bell(page: Page, unread: str) -> Locator:
    return page.get_by_role("link", name=f"Notices, {unread} unread")


def read_notices(page: Page, expected: str) -> None:
    page.goto("/student/notices")
    expect(page.locator("main")).to_contain_text(expected)
    page.get_by_role("button", name="Mark all as read").click()
    expect(bell(page, "none")).to_be_visible()


def download_certificate(page: Page) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download certificate").click()
    assert download.value.suggested_filename.endswith(".pdf")


@pytest.mark.parametrize("scripts", [False, True], ids=["plain forms", "with scripts"])
def test_a_school_day(portal: Portal, visit: Visit, account: Account, scripts: bool) -> None:
    settings: dict[str, Any] = {"java_script_enabled": scripts}
    title = f"Weaving {scripts}"
    name = f"Nils {scripts}"
    admin = visit(account("admin", "Ada Admin"), **settings)
    build_course(admin, title)

    student = visit(**settings)
    register(portal, student, name, f"nils.{scripts}@example.org".lower())
    student.get_by_role("link", name="Courses", exact=True).click()
    student.goto(f"/student/courses?q={title}")  # other tests may have filled more than a page
    card = course_card(student, title)
    card.get_by_text("Add a message").click()
    card.get_by_label("Why you'd like access").fill("I spin already")
    card.get_by_role("button", name="Request access").click()
    expect(student.locator("#flashes")).to_contain_text(f"You requested access to {title}")
    course_card(student, title).get_by_role("button", name="Cancel request").click()
    expect(student.locator("#flashes")).to_contain_text("Request canceled")
    course_card(student, title).get_by_role("button", name="Request access").click()
    expect(student.locator("#flashes")).to_contain_text(f"You requested access to {title}")

    admin.goto("/admin/requests")
    row = admin.get_by_role("row").filter(has_text=name)
    row.get_by_role("checkbox").check()
    admin.get_by_label("Reason", exact=True).fill("The next group starts in May")
    admin.get_by_role("button", name="Reject selected").click()
    expect(admin.locator("#flashes")).to_contain_text("1 request rejected")
    read_notices(student, "The next group starts in May")

    student.goto(f"/student/courses?q={title}")
    course_card(student, title).get_by_role("button", name="Request access").click()
    expect(student.locator("#flashes")).to_contain_text(f"You requested access to {title}")
    admin.goto("/admin/requests")
    row.get_by_role("button", name="Approve").click()
    expect(admin.locator("#flashes")).to_contain_text("Approved")

    student.goto(f"/student/courses?q={title}")
    course_card(student, title).get_by_role("link", name="Continue").click()
    student.locator("article").get_by_role("button", name="Mark complete").click()
    expect(student.locator("#flashes")).to_contain_text("1 of 2 chapters completed")
    student.locator("article").get_by_role("button", name="Mark complete").click()
    expect(student.locator("#flashes")).to_contain_text("You've completed")
    download_certificate(student)
    student.locator("article").get_by_role("button", name="Mark incomplete").click()
    expect(student.locator("#flashes")).to_contain_text("The chapter is marked incomplete")

    admin.goto("/admin/students")
    admin.get_by_role("link", name=name).click()
    admin.get_by_role("link", name="Unenroll").click()
    admin.locator("form").get_by_role("button", name="Unenroll").click()
    expect(admin.locator("#flashes .callout")).to_be_visible()
    student.goto(f"/student/courses?q={title}")
    expect(course_card(student, title).get_by_role("button", name="Request access")).to_be_visible()
    sign_out(student)
    student.goto("/student/dashboard")
    expect(student).to_have_url(f"{portal.url}/login?next=/student/dashboard")


def test_a_public_course_is_joined_with_one_press_and_a_refusal_is_told(
    portal: Portal, visit: Visit, account: Account
) -> None:
    portal.call(a_public_course, "Botany for all", chapters=1)
    page = visit(account(), expected="status of 400")
    page.goto("/student/courses?q=Botany for all")
    page.evaluate("document.body.removeAttribute('hx-headers:inherited')")
    page.locator("[name=csrf_token]").evaluate_all("fields => fields.map(each => each.value = 'x')")
    course_card(page, "Botany for all").get_by_role("button", name="Enroll").click()
    expect(page.locator("#flashes")).to_contain_text("That didn't work (error 400)")
    page.reload()
    course_card(page, "Botany for all").get_by_role("button", name="Enroll").click()
    proceed = course_card(page, "Botany for all").get_by_role("link", name="Continue")
    expect(proceed).to_be_visible()


def test_a_form_that_comes_back_says_what_is_wrong_and_keeps_what_was_typed(visit: Visit) -> None:
    page = visit(expected="status of 422")
    page.goto("/register")
    page.get_by_label("Name").fill("Nora")
    page.get_by_label("E-mail").fill("nils@example.org")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_label("Name")).to_have_value("Nora")
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    expect(page.locator(".field-error").first).to_be_visible()


def register(portal: Portal, page: Page, name: str, email: str) -> None:
    send_registration(page, name, email)
    page.goto(portal.call(verification, email))
    page.wait_for_url("**/student/dashboard")


def send_registration(page: Page, name: str, email: str) -> None:
    page.goto("/register")
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/register/sent")


def build_course(admin: Page, title: str) -> None:
    """Write a course of two chapters by the admins' forms."""
    admin.goto("/admin/courses/new")
    admin.get_by_label("Title").fill(title)
    admin.get_by_label("Status").select_option("published")
    admin.get_by_role("button", name="Create course").click()
    expect(admin.locator("#flashes .callout-success")).to_be_visible()
    for chapter in ("The loom", "The thread"):
        admin.get_by_role("link", name="Add chapter").click()
        admin.get_by_label("Title").fill(chapter)
        admin.get_by_label("Text").fill("# Read\n\nand *weave*.")
        admin.get_by_role("button", name="Add chapter").click()
        expect(admin.locator("#flashes .callout-success")).to_be_visible()


def course_card(page: Page, title: str) -> Any:
    """Return the element that has the course's title as its heading."""
    heading = page.get_by_role("heading", name=title, exact=True)
    return page.get_by_role("article").filter(has=heading)


def sign_out(page: Page) -> None:
    page.locator("details.account summary").click()
    page.locator("details.account").get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
