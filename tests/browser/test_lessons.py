"""Lessons in a browser: players load nothing unasked, the preview follows what one types."""

import re
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect

from lms import enrollment
from tests.browser import film
from tests.browser.conftest import SOON, Visit
from tests.builders import a_chapter, a_course, a_file
from tests.server import Portal

Account = Callable[..., str]
VIDEO = "https://youtu.be/dQw4w9WgXcQ"
NOCOOKIE = "https://www.youtube-nocookie.com"


def chapter(portal: Portal, email: str, body: str) -> str:
    """Return the address at which a student reads a chapter."""
    course = portal.call(a_course, "Watching")
    portal.call(a_chapter, course, "One", body)
    [(student,)] = portal.sql("SELECT id FROM users WHERE email = :email", email=email)
    portal.call(enrollment.enroll, student, course, by=None)
    return f"/student/courses/{course}"


def foreign(page: Page) -> list[str]:
    """Answer for the sites of players, and note what is asked of them."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body="<title>The player</title><p>Playing</p>", content_type="text/html")

    page.route(re.compile(r"^https://"), answer)
    return asked


def test_a_player_is_loaded_once_it_is_pressed_and_not_before(
    portal: Portal, visit: Visit, account: Account
) -> None:
    email = account()
    page = visit(email)
    asked = foreign(page)
    page.goto(chapter(portal, email, f"Watch this.\n\n[How seeds wake]({VIDEO})"))
    link = page.get_by_role("link", name="How seeds wake")
    expect(link).to_contain_text("From www.youtube-nocookie.com.")
    assert asked == []
    link.focus()
    page.keyboard.press("Enter")
    player = page.frame_locator("iframe[title='How seeds wake']")
    expect(player.get_by_text("Playing")).to_be_visible()
    assert asked == [f"{NOCOOKIE}/embed/dQw4w9WgXcQ?autoplay=1"]
    assert page.locator("iframe").get_attribute("referrerpolicy") == "strict-origin"


def test_a_player_goes_on_when_the_page_has_news(
    portal: Portal, visit: Visit, account: Account
) -> None:
    email = account()
    page = visit(email)
    foreign(page)
    address = chapter(portal, email, VIDEO)
    page.goto(address)
    page.get_by_role("link", name="Play the video from YouTube").click()
    expect(page.locator("iframe")).to_have_count(1)
    page.evaluate("document.querySelector('iframe').dataset.same = 'yes'")
    portal.call(a_chapter, int(address.rsplit("/", 1)[1]), "Newly added")
    expect(page.get_by_role("link", name="Newly added")).to_be_visible(timeout=SOON)
    expect(page.locator("iframe[data-same=yes]")).to_have_count(1)


def test_without_script_a_player_is_a_link_to_the_video(
    portal: Portal, visit: Visit, account: Account
) -> None:
    email = account()
    page = visit(email, java_script_enabled=False)
    asked = foreign(page)
    page.goto(chapter(portal, email, VIDEO))
    page.get_by_role("link", name="Play the video from YouTube").click()
    page.wait_for_url(VIDEO)
    assert asked == [VIDEO]


def test_the_preview_follows_what_one_types(portal: Portal, visit: Visit, account: Account) -> None:
    page = visit(account("admin"))
    page.goto(f"/admin/courses/{portal.call(a_course)}/chapters/new")
    preview = page.get_by_role("region", name="Preview")
    expect(preview).to_contain_text("This chapter has no text yet.")
    page.get_by_label("Text").press_sequentially("# Seeds\n\n**Dig**")
    expect(preview.get_by_role("heading", name="Seeds")).to_be_visible()
    expect(preview.locator("strong")).to_have_text("Dig")
    page.get_by_label("Text").fill("![A map](https://example.org/map.png)")
    expect(preview).to_contain_text("Not shown: a picture from example.org.")
    assert portal.sql("SELECT id FROM chapters WHERE body LIKE '%map.png%'") == []


def test_without_script_a_button_shows_the_preview(
    portal: Portal, visit: Visit, account: Account
) -> None:
    page = visit(account("admin"), java_script_enabled=False)
    page.goto(f"/admin/courses/{portal.call(a_course)}/chapters/new")
    page.get_by_label("Title").fill("Seeds")
    page.get_by_label("Text").fill("**Dig**")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview strong")).to_have_text("Dig")
    expect(page.get_by_label("Text")).to_have_value("**Dig**")


def test_a_preview_that_could_not_be_had_says_so(
    portal: Portal, visit: Visit, account: Account
) -> None:
    page = visit(account("admin"), expected="net::ERR_FAILED")
    page.goto(f"/admin/courses/{portal.call(a_course)}/chapters/new")
    page.route("**/chapters/preview", lambda route: route.abort())
    page.get_by_label("Text").fill("**Dig**")
    expect(page.locator(".preview-trouble")).to_contain_text("The preview is out of date.")
    page.unroute("**/chapters/preview")
    page.get_by_label("Text").fill("**Dig on**")
    expect(page.locator("#preview strong")).to_have_text("Dig on")
    expect(page.locator(".preview-trouble")).to_be_empty()


def test_a_file_is_inserted_where_one_types(portal: Portal, visit: Visit, account: Account) -> None:
    course = portal.call(a_course)
    picture = portal.call(a_file, course, "pot.png")
    sheet = portal.call(
        a_file, course, "sheet.pdf", b"pdf", kind="document", media_type="application/pdf"
    )
    page = visit(account("admin"), expected="status of 404")
    page.goto(f"/admin/courses/{course}/chapters/new")
    text = page.get_by_label("Text")
    text.fill("Look:")
    page.get_by_text("Pictures and files of this course").click()
    page.get_by_role("button", name="Insert").last.click()
    page.keyboard.type("A pot")
    expect(text).to_have_value(f"Look:\n![A pot](file:{picture})\n")
    page.get_by_role("button", name="Insert").first.click()  # while the cursor is in the brackets
    expect(text).to_have_value(f"Look:\n![A pot](file:{picture})\n[sheet.pdf](file:{sheet})\n\n")
    expect(page.locator("#preview img")).to_have_attribute("alt", "A pot")
    expect(page.locator("#preview")).to_contain_text("sheet.pdf PDF, 1 KB")


def picture() -> bytes:
    """Return a small picture."""
    made = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(made, "PNG")
    return made.getvalue()


PASTE = """([name, type, bytes, kind]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  const given = kind === "paste" ? { clipboardData: data } : { dataTransfer: data };
  const event = kind === "paste" ? new ClipboardEvent(kind, given) : new DragEvent(kind, given);
  document.querySelector("[name=body]").dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_picture_that_is_pasted_or_dropped_is_uploaded_and_inserted_with_its_words(
    portal: Portal, visit: Visit, account: Account, kind: str
) -> None:
    course = portal.call(a_course)
    page = visit(account("admin"))
    page.goto(f"/admin/courses/{course}/chapters/new")
    page.evaluate(PASTE, ["pot.png", "image/png", list(picture()), kind])
    dialog = page.get_by_role("dialog", name="Upload pot.png")
    dialog.get_by_label("What does the picture show?").fill("A [red] pot")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    [(number, alt)] = portal.sql(
        "SELECT id, alt FROM course_files WHERE course_id = :course", course=course
    )
    assert alt == "A [red] pot"
    expect(page.get_by_label("Text")).to_have_value(f"![A \\[red\\] pot](file:{number})\n")
    expect(page.locator("#preview img")).to_have_attribute("alt", "A [red] pot")
    expect(page.locator("#preview img")).to_have_js_property("naturalWidth", 40)


def test_a_chosen_file_is_uploaded_and_what_is_refused_says_why(
    portal: Portal, visit: Visit, account: Account
) -> None:
    course = portal.call(a_course)
    page = visit(account("admin"), expected="status of 422")
    page.goto(f"/admin/courses/{course}/chapters/new")
    page.get_by_label("Text").fill("Read this:")
    page.get_by_text("Pictures and files of this course").click()
    chosen = page.get_by_label("Upload a picture or file")
    page_of_script = FilePayload(name="x.pdf", mimeType="application/pdf", buffer=b"<html><script>")
    chosen.set_input_files(page_of_script)
    dialog = page.get_by_role("dialog", name="Upload x.pdf")
    dialog.get_by_role("button", name="Upload and insert").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This type of file isn't accepted.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_label("Text")).to_have_value("Read this:")
    sheet = FilePayload(name="sheet.txt", mimeType="text/plain", buffer=b"Water the pots.")
    chosen.set_input_files(sheet)
    page.get_by_role("button", name="Upload and insert").click()
    expect(page.locator("#preview")).to_contain_text("sheet.txt TXT, 1 KB")
    expect(page.get_by_role("button", name="Insert", exact=True)).to_have_count(1)


def test_captions_uploaded_while_writing_lead_to_where_their_video_is_chosen(
    portal: Portal, visit: Visit, account: Account
) -> None:
    course = portal.call(a_course)
    page = visit(account("admin"))
    page.goto(f"/admin/courses/{course}/chapters/new")
    told = page.get_by_role("status").filter(has_text="Captions uploaded: seedling.vtt. Choose")
    page.get_by_text("Pictures and files of this course").click()
    chosen = page.get_by_label("Upload a picture or file")
    chosen.set_input_files(film.captions())
    expect(told).to_be_hidden()
    page.get_by_role("button", name="Upload and insert").click()
    expect(told).to_be_visible()
    expect(told).to_contain_text("on the page of the course's files.")
    expect(page.get_by_label("Text")).to_have_value("")
    chosen.set_input_files(FilePayload(name="x.txt", mimeType="text/plain", buffer=b"Water."))
    page.get_by_role("button", name="Upload and insert").click()
    expect(page.locator("#preview")).to_contain_text("x.txt")
    expect(told).to_be_visible()  # there still, as long as it is to be done
    portal.call(a_file, course, "f.mp4", b"f", kind="video", media_type="video/mp4")
    with page.expect_popup() as opened:
        told.get_by_role("link").click()
    expect(opened.value.get_by_label("Captions of")).to_have_value(re.compile("[1-9]"))
    opened.value.get_by_role("button", name="Save file").click()
    expect(opened.value.locator("#flashes")).to_contain_text("File saved.")
    page.bring_to_front()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(told).to_be_hidden()


def test_a_file_that_cannot_be_added_is_refused_in_the_words_of_the_page_of_the_error(
    portal: Portal, visit: Visit, account: Account
) -> None:
    course = portal.call(a_course)
    page = visit(account("admin"), expected="status of 404")
    page.goto(f"/admin/courses/{course}/chapters/new")
    portal.call(enrollment.delete_course, course, by=None)
    page.get_by_text("Pictures and files of this course").click()
    sheet = FilePayload(name="sheet.txt", mimeType="text/plain", buffer=b"Water the pots.")
    page.get_by_label("Upload a picture or file").set_input_files(sheet)
    page.get_by_role("button", name="Upload and insert").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("doesn't exist")
