"""Open pages stay true by themselves, and leave alone what belongs to whoever reads them."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

from playwright.sync_api import Page, Request, Response, expect

from lms import enrollment
from lms.enrollment import CourseFields
from tests.browser.conftest import POLL_SECONDS, PROMISED, SOON, Visit, mostly
from tests.builders import a_chapter, a_course, a_request, a_student
from tests.patience import PATIENCE
from tests.server import Portal

Account = Callable[..., str]

HIDE = """hidden => {
    Object.defineProperty(document, "hidden", {get: () => hidden, configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def polls(page: Page) -> list[Response]:
    """Return a list that fills with the answers to the page's polls."""
    answers: list[Response] = []

    def note(answer: Response) -> None:
        if answer.request.headers.get("x-live"):
            answers.append(answer)

    page.on("response", note)
    return answers


def wait_for_polls(page: Page, answers: list[Response], number: int) -> None:
    wanted = len(answers) + number
    for _ in range(20 * PATIENCE):
        if len(answers) >= wanted:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{len(answers)} polls, waited for {wanted}")


def begun_polls(page: Page) -> list[Request]:
    """Return a list that fills with the polls that begin from now on."""
    begun: list[Request] = []

    def note(request: Request) -> None:
        if request.headers.get("x-live"):
            begun.append(request)

    page.on("request", note)
    return begun


def queue(portal: Portal, people: int, title: str) -> list[int]:
    course = portal.call(a_course, title)
    return [
        portal.call(a_request, portal.call(a_student, f"Waiting {n:02}"), course)
        for n in range(people)
    ]


def test_what_is_being_typed_and_chosen_outlives_every_refresh(
    portal: Portal, visit: Visit, account: Account
) -> None:
    ids = queue(portal, 25, "Keeping what is yours")
    page = visit(account("admin", "Ada Admin"), viewport={"width": 1000, "height": 500})
    page.goto("/admin/requests?q=Keeping")  # other tests' requests may fill the first page
    page.locator("#reason").fill("half a sen")
    page.locator(f"#ids-{ids[3]}").check()
    page.locator(f"#ids-{ids[20]}").check()
    page.locator("details.account summary").click()
    page.locator(f"#ids-{ids[20]}").scroll_into_view_if_needed()
    page.locator(f"#ids-{ids[20]}").focus()
    page.locator("details.account").evaluate("menu => { menu.open = true }")
    scrolled = page.evaluate("scrollY")
    assert scrolled > 0
    badge = page.locator("#nav-pending")
    for late in ("Late One", "Late Two"):
        before = badge.text_content()
        portal.call(
            a_request, portal.call(a_student, late), portal.call(a_course, f"Keeping {late}")
        )
        expect(badge).not_to_have_text(before or "", timeout=SOON)
        expect(page.get_by_role("row").filter(has_text=late).first).to_be_attached()

    expect(page.locator("#reason")).to_have_value("half a sen")
    assert page.locator("details.account").evaluate("menu => menu.open") is True
    ticked = page.locator("input[name=ids]:checked")
    assert [box.get_attribute("value") for box in ticked.all()] == [str(ids[3]), str(ids[20])]
    assert page.evaluate("document.activeElement.id") == f"ids-{ids[20]}"
    assert page.evaluate("scrollY") == scrolled
    portal.call(enrollment.cancel_request, ids[0], by=_student_of(portal, ids[0]))
    expect(page.locator(f"#request-{ids[0]}")).to_have_count(0, timeout=SOON)
    expect(page.locator(f"#ids-{ids[3]}")).to_be_checked()


def test_a_double_click_decides_one_request(portal: Portal, visit: Visit, account: Account) -> None:
    first, *others = queue(portal, 4, "Pressed twice")
    page = visit(account("admin", "Ada Admin"))
    page.goto("/admin/requests?q=Pressed+twice")
    page.locator(f"#request-{first}").get_by_role("button", name="Approve").click()
    expect(page.locator("#flashes")).to_contain_text("Approved")  # it has moved the rows down
    box = page.locator(f"#request-{others[0]}").get_by_role("button", name="Approve").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 9, box["y"] + 9)
    expect(page.locator("tbody tr")).to_have_count(2)
    page.mouse.down(click_count=2)  # where the next row's button is by now
    page.mouse.up(click_count=2)
    wait_for_polls(page, polls(page), 1)
    expect(page.locator("tbody tr")).to_have_count(2)


def test_a_message_begun_in_an_opened_card_stays_open_and_as_typed(
    portal: Portal, visit: Visit, account: Account
) -> None:
    portal.call(a_course, "A message begun")
    page = visit(account())
    page.goto("/student/courses?q=begun")
    card = page.get_by_role("article").filter(has_text="A message begun")
    card.get_by_text("Add a message").click()
    message = card.get_by_label("Why you'd like access")
    message.press_sequentially("I would li")
    message.press("ArrowLeft")
    portal.call(a_course, "Begun elsewhere meanwhile")
    expect(page.get_by_text("Begun elsewhere meanwhile")).to_be_attached(timeout=SOON)
    expect(message).to_be_visible()
    expect(message).to_have_value("I would li")
    expect(message).to_be_focused()
    assert message.evaluate("field => field.selectionStart") == 9


def test_a_form_takes_over_what_others_save_and_keeps_what_was_typed_until_the_course_is_gone(
    portal: Portal, visit: Visit, account: Account
) -> None:
    course = portal.call(a_course, "Draft of a title")
    page = visit(account("admin", "Ada Admin"), expected="status of 404")
    page.goto(f"/admin/courses/{course}")
    page.get_by_label("Description").fill("Half a sen")
    fields = CourseFields(title="Title of another admin", status="active", price_cents=700)
    portal.call(enrollment.edit_course, course, fields, by=None)
    expect(page.get_by_role("heading", level=1)).to_have_text(fields.title, timeout=SOON)
    expect(page.get_by_label("Title", exact=True)).to_have_value(fields.title)
    expect(page.get_by_label("Price")).to_have_value("7.00")
    expect(page.get_by_label("Description")).to_have_value("Half a sen")
    portal.call(enrollment.delete_course, course, by=None)
    expect(page.get_by_text("This page can't be used anymore.")).to_be_visible(timeout=SOON)
    expect(page.get_by_label("Description")).to_have_value("Half a sen")
    with page.expect_popup() as why:
        page.get_by_role("link", name="See why").click()
    expect(why.value.get_by_role("heading", level=1)).to_have_text("Not found")


def test_what_another_admin_saves_while_one_types_is_not_overwritten_unseen(
    portal: Portal, visit: Visit, account: Account
) -> None:
    course = portal.call(a_course, "Opened by two")
    page = visit(account("admin", "Ada Admin"), expected="status of 409")
    page.goto(f"/admin/courses/{course}")
    seen = page.locator("input[name=seen]")
    shown = seen.input_value()
    fields = CourseFields(title="Opened by two", status="published", teacher="Kim")
    portal.call(enrollment.edit_course, course, fields, by=None)
    expect(page.get_by_label("Teacher")).to_have_value("Kim", timeout=SOON)
    expect(seen).not_to_have_value(shown)  # nothing was typed: this is what one sees now
    page.get_by_label("Title", exact=True).fill("Typed by one")
    other = replace(fields, title="Saved by another", description="Of another, too")
    portal.call(enrollment.edit_course, course, other, by=None)
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Saved by another", timeout=SOON)
    expect(page.get_by_label("Description")).to_have_value("Of another, too")
    page.get_by_role("button", name="Save course").click()
    expect(page.get_by_text("This course has changed since you opened it")).to_be_visible()
    told = page.get_by_role("region", name="Saved now")
    expect(told).to_contain_text("Saved by another")
    expect(told).not_to_contain_text("Of another, too")
    expect(page.get_by_label("Title", exact=True)).to_have_value("Typed by one")
    page.get_by_role("button", name="Save course").click()
    expect(heading).to_have_text("Typed by one")
    expect(page.get_by_label("Description")).to_have_value("Of another, too")


def test_a_student_reads_on_while_the_course_grows(
    portal: Portal, visit: Visit, account: Account
) -> None:
    email = account()
    course = portal.call(a_course, "Growing", chapters=1)
    student = portal.sql("SELECT id FROM users WHERE email = :email", email=email)[0][0]
    portal.call(enrollment.enroll, student, course, by=None)
    page = visit(email)
    page.goto(f"/student/courses/{course}")
    heading = page.get_by_role("heading", level=1).text_content()
    portal.call(a_chapter, course, "A second chapter")
    expect(page.get_by_role("link", name="A second chapter").first).to_be_attached(timeout=SOON)
    assert page.get_by_role("heading", level=1).text_content() == heading


def test_polls_with_no_news_have_no_body(visit: Visit, account: Account) -> None:
    page = visit(account())
    for address in ("/student/dashboard", "/student/courses", "/student/progress"):
        page.goto(address)
        answers = polls(page)
        wait_for_polls(page, answers, 2)
        assert [answer.status for answer in answers] == [304] * len(answers)


def test_a_hidden_page_does_not_poll_and_catches_up_when_shown(
    portal: Portal, visit: Visit, account: Account
) -> None:
    page = visit(account())
    page.goto("/student/courses?q=while you were away")
    page.evaluate(HIDE, True)
    begun = begun_polls(page)
    page.wait_for_timeout(2500 * POLL_SECONDS)
    assert begun == []
    numbers = count()

    def catch_up() -> None:
        page.evaluate(HIDE, True)
        title = f"Opened while you were away {next(numbers)}"
        portal.call(a_course, title)
        page.evaluate(HIDE, False)
        expect(page.get_by_text(title)).to_be_visible(timeout=900 * POLL_SECONDS)

    mostly(catch_up)


def test_a_page_whose_server_is_gone_says_so_and_recovers(
    portal: Portal, visit: Visit, account: Account
) -> None:
    page = visit(account(), expected="Failed to load resource")
    page.goto("/student/courses?q=after the pause")
    notice = page.locator("#live-stale")
    expect(notice).to_be_empty()
    portal.stop()
    try:
        expect(notice).to_contain_text("Out of date")
    finally:
        portal.start()
    portal.call(a_course, "Opened after the pause")
    expect(page.get_by_text("Opened after the pause")).to_be_visible()
    expect(notice).to_be_empty()


def test_a_page_whose_session_has_ended_leads_to_the_sign_in_page(
    portal: Portal, visit: Visit, account: Account
) -> None:
    email = account()
    page = visit(email, expected="status of 401")
    page.goto("/student/progress")
    portal.sql(
        "DELETE FROM sign_ins WHERE user_id = (SELECT id FROM users WHERE email = :email)",
        email=email,
    )
    page.wait_for_url("**/login?next=/student/progress", timeout=SOON)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_change_shows_within_the_time_promised(
    portal: Portal, visit: Visit, account: Account
) -> None:
    page = visit(account())
    page.goto("/student/courses?q=a moment ago")
    numbers = count()

    def change() -> None:
        title = f"Opened a moment ago {next(numbers)}"
        portal.call(a_course, title)
        expect(page.get_by_text(title)).to_be_attached(timeout=PROMISED)

    mostly(change)


def test_a_page_can_be_paused(portal: Portal, visit: Visit, account: Account) -> None:
    page = visit(account())
    page.goto("/student/courses")
    page.get_by_role("button", name="Pause updates").click()
    begun = begun_polls(page)
    page.wait_for_timeout(1500 * POLL_SECONDS)
    assert begun == []
    answers = polls(page)
    page.locator("[data-live-pause]").click()
    wait_for_polls(page, answers, 1)


def _student_of(portal: Portal, request_id: int) -> int:
    found = portal.sql("SELECT student_id FROM access_requests WHERE id = :id", id=request_id)
    return int(found[0][0])
