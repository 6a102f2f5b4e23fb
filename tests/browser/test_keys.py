"""An admin without a mouse: the queue by keys, undo, search for a student from every page."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from lms import enrollment
from tests.browser.conftest import SOON, Visit
from tests.builders import a_course, a_request, a_student, an_admin
from tests.server import Portal

Account = Callable[..., str]


def queue(portal: Portal, title: str, *names: str) -> list[int]:
    """Let these wait for a course of their own."""
    course = portal.call(a_course, title)
    return [portal.call(a_request, portal.call(a_student, name), course) for name in names]


def opened(visit: Visit, account: Account, title: str) -> Page:
    """Open the queue, showing those alone who wait for a course."""
    page = visit(account("admin", "Ada Admin"))
    page.goto(f"/admin/requests?q={title}")
    return page


def focused(page: Page) -> str:
    """Return which request's row has the focus, if any."""
    return str(page.evaluate("document.activeElement.closest('tr')?.id ?? ''"))


def test_the_queue_is_decided_by_keys_alone(portal: Portal, visit: Visit, account: Account) -> None:
    one, two, three, four = queue(portal, "Keyboarding", "Kim", "Lou", "Max", "Nic")
    page = opened(visit, account, "Keyboarding")
    page.keyboard.press("j")
    assert focused(page) == f"request-{one}"
    expect(page.get_by_label("Select Kim, Keyboarding")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert focused(page) == f"request-{two}"
    page.keyboard.press("x")
    expect(page.get_by_label("Select Lou, Keyboarding")).to_be_checked()

    page.keyboard.press("a")
    expect(page.locator("#flashes")).to_contain_text("Approved")
    expect(page.locator(f"#request-{two}")).to_have_count(0)
    expect(page.locator(f"#ids-{three}")).to_be_focused()

    page.keyboard.press("r")
    expect(page.locator("#reason")).to_be_focused()
    expect(page.locator("#keys-hint")).to_contain_text(
        "Press Enter to reject this request (Max, Keyboarding), or Escape to cancel."
    )
    page.keyboard.type("jakx? Not yet")
    page.keyboard.press("Enter")
    expect(page.locator("#flashes")).to_contain_text("Rejected")
    expect(page.locator(f"#ids-{four}")).to_be_focused()
    decided = portal.sql(
        "SELECT request_id, status, reason FROM decisions WHERE request_id >= :one", one=one
    )
    assert decided == [(two, "approved", ""), (three, "rejected", "jakx? Not yet")]

    page.keyboard.press("u")
    expect(page.locator("#flashes")).to_contain_text("Undone")
    expect(page.get_by_label("Select Max, Keyboarding")).to_be_visible()
    page.locator(f"#ids-{four}").focus()
    page.keyboard.press("r")
    page.keyboard.press("Escape")
    assert focused(page) == f"request-{four}"
    expect(page.locator("#keys-hint")).to_be_empty()
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/students/*")


def test_the_place_is_kept_when_others_decide(
    portal: Portal, visit: Visit, account: Account
) -> None:
    ids = queue(portal, "Shorthand", "Pia", "Quy", "Rob")
    page = opened(visit, account, "Shorthand")
    page.locator(f"#ids-{ids[1]}").focus()
    admin = portal.call(an_admin)
    portal.call(enrollment.reject, ids[0], by=admin)
    expect(page.locator(f"#request-{ids[0]}")).to_have_count(0, timeout=SOON)
    assert focused(page) == f"request-{ids[1]}"
    portal.call(enrollment.reject, ids[1], by=admin)
    expect(page.locator(f"#request-{ids[1]}")).to_have_count(0, timeout=SOON)
    expect(page.locator(f"#ids-{ids[2]}")).to_be_focused()


def test_keys_are_told_and_can_be_switched_off(
    portal: Portal, visit: Visit, account: Account
) -> None:
    [request] = queue(portal, "Stenography", "Sue")
    page = opened(visit, account, "Stenography")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Approve it")
    page.keyboard.press("a")
    dialog.get_by_label("Use single-key shortcuts").uncheck()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    page.locator(f"#ids-{request}").focus()
    for key in "?a/xr":
        page.keyboard.press(key)
    expect(dialog).to_be_hidden()
    expect(page.locator("input[name=ids]:checked")).to_have_count(0)
    assert focused(page) == f"request-{request}"
    page.reload()
    page.keyboard.press("/")
    expect(page.get_by_label("Search", exact=True)).not_to_be_focused()
    page.get_by_role("button", name="Shortcuts").click()
    dialog.get_by_label("Use single-key shortcuts").check()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_label("Search", exact=True)).to_be_focused()
    assert portal.sql("SELECT id FROM decisions WHERE request_id = :id", id=request) == []


def test_enter_in_the_reason_decides_nothing_by_itself(
    portal: Portal, visit: Visit, account: Account
) -> None:
    [request] = queue(portal, "Typing", "Tom")
    page = opened(visit, account, "Typing")
    page.locator(f"#ids-{request}").check()
    page.locator("#reason").fill("Welcome")
    page.locator("#reason").press("Enter")
    page.locator("#reason").press("Tab")
    page.goto("/admin/requests/decided?q=Typing")
    assert portal.sql("SELECT id FROM decisions WHERE request_id = :id", id=request) == []


def test_a_student_is_found_from_every_page(portal: Portal, visit: Visit, account: Account) -> None:
    ursula = portal.call(a_student, "Ursula Vondel", email="ursula@school.test")
    portal.call(a_student, "Ursula Weiss")
    page = visit(account("admin", "Ada Admin"))
    page.goto("/admin/audit")
    page.keyboard.press("f")
    expect(page.get_by_label("Search student or course")).to_be_focused()
    page.locator("h1").click()
    page.keyboard.press("/")
    page.keyboard.type("ursula")
    hits = page.locator(".find-hits a")
    expect(hits).to_have_count(3)  # the last leads to all
    expect(page.locator(".find [role=status]")).to_have_text("2 results")
    page.keyboard.press("Escape")
    expect(hits).to_have_count(0)
    page.keyboard.type(" vond")
    expect(hits).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/students/{ursula}")
    page.set_viewport_size({"width": 390, "height": 800})
    page.keyboard.press("/")
    page.get_by_label("Search", exact=True).fill("ursula@school.test")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ursula Vondel")


def test_undo_and_search_need_no_scripts(portal: Portal, visit: Visit, account: Account) -> None:
    queue(portal, "Handwriting", "Vera Handwriter")
    page = visit(account("admin", "Ada Admin"), java_script_enabled=False)
    page.goto("/admin/requests?q=Handwriting")
    page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#flashes")).to_contain_text(
        "The request is back in its old place in the queue"
    )
    expect(page.get_by_role("row").filter(has_text="Vera Handwriter")).to_be_visible()
    page.get_by_role("button", name="Approve", exact=True).click()
    page.goto("/admin/requests/decided?q=Handwriting")
    page.get_by_role("button", name="Undo").click()
    row = page.get_by_role("row").filter(has_text="Approved")
    expect(row).to_contain_text("by Ada Admin")
    page.get_by_label("Search", exact=True).fill("handwriter")
    page.get_by_label("Search", exact=True).press("Enter")
    page.wait_for_url("**/admin/search?q=handwriter&go=1")
    expect(page.get_by_role("row").filter(has_text="Vera Handwriter")).to_be_visible()
