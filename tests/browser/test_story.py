"""One school from the empty start to a paid, completed, certified course, by its pages alone."""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from lms.db import db
from lms.demo.stripe import StripeStandIn
from lms.times import place
from tests.browser import film
from tests.browser.conftest import FORGOTTEN, PASSWORD, SOON
from tests.browser.test_journeys import course_card
from tests.patience import comes
from tests.server import Portal

SCHOOL_ZONE, STUDENT_ZONE = "Europe/Berlin", "Pacific/Auckland"
KEY, SECRET = "sk_test_of_the_story", "whsec_of_the_story"
TITLE = "Growing from seed"

Open = Callable[[], Page]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Portal]:
    """What `make run` serves with DEMO=0 and no database, with a Stripe that tells of payments."""
    settings = {"LMS_POLL_SECONDS": "1"}
    with tempfile.NamedTemporaryFile(prefix="lms-story-", suffix=".log") as log:
        portal = Portal(f"sqlite:///{tmp_path / 'portal.db'}", log, settings)
        with StripeStandIn(
            *(tmp_path / "stripe",), portal_url=portal.url, key=KEY, webhook_secret=SECRET
        ) as stripe:
            settings |= {
                "STRIPE_SECRET_KEY": KEY,
                "STRIPE_WEBHOOK_SECRET": SECRET,
                "STRIPE_API_BASE": stripe.url,
            }
            try:
                portal.start()
                yield portal
                assert "Traceback" not in portal.said()
            finally:
                portal.stop()
                with portal.app.app_context():
                    db.engine.dispose()


@pytest.fixture
def browser(chromium: Browser, empty: Portal) -> Iterator[Open]:
    """A browser of somebody's own; its console has to stay empty."""
    said: list[str] = []
    with ExitStack() as stack:

        def opened() -> Page:
            context = chromium.new_context(base_url=empty.url)
            stack.callback(context.close)
            page = context.new_page()
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            return page

        yield opened
    assert [each for each in said if not each.endswith(FORGOTTEN)] == []


def test_a_school_opens_sells_a_course_and_certifies_who_completed_it(
    empty: Portal, browser: Open
) -> None:
    owner = browser()
    open_school(owner, printed(empty, r"Create the first admin within \d+ hours: (\S+)"))
    choose_logo(owner)
    course = offer_course(owner)
    write_chapters(owner, course)
    publish(owner, course)
    invite(owner, "Nora Newcomer", "nora@example.org")

    student = browser()
    accept(student, printed(empty, r"(http://\S+/invitation/\S+)"))
    live_in(student, STUDENT_ZONE)
    buy(student)
    read(student)
    complete(student)
    get_certificate(student)

    look_at_people(owner, course)
    look_at_times(owner, "/admin/payments", SCHOOL_ZONE)
    look_at_times(student, "/student/payments", STUDENT_ZONE)


def open_school(owner: Page, link: str) -> None:
    owner.goto(link)
    owner.get_by_label("Name", exact=True).fill("Olga Owner")
    owner.get_by_label("E-mail", exact=True).fill("olga@example.org")
    owner.get_by_label("Password").fill(PASSWORD)
    owner.get_by_label("School's name").fill("Hill School")
    owner.get_by_label("Time zone").fill(SCHOOL_ZONE)
    owner.get_by_role("button", name="Set up school").click()
    expect(owner.locator("#flashes")).to_contain_text("Your school is ready")
    expect(owner.get_by_role("link", name="Hill School")).to_be_visible()
    expect(owner.locator("#first-steps")).to_contain_text("First steps")


def choose_logo(owner: Page) -> None:
    owner.get_by_label("Account menu for Olga Owner").click()
    owner.get_by_role("link", name="School settings").click()
    owner.get_by_label("Picture").set_input_files(film.logo())
    owner.get_by_role("button", name="Save logo").click()
    expect(owner.locator("#flashes")).to_contain_text("Logo saved")
    assert_shown(owner.locator(".brand img.school-logo"), 256)


def offer_course(owner: Page) -> str:
    """Create a draft with a picture and a price; return its address."""
    owner.get_by_role("link", name="Courses").click()
    owner.get_by_role("link", name="New course").first.click()
    owner.get_by_label("Title").fill(TITLE)
    owner.get_by_label("Description").fill("From the seed to the first leaves.")
    owner.get_by_label("Picture").set_input_files(film.picture())
    owner.get_by_label("Buy", exact=True).check()
    owner.get_by_label("Price").fill("49,00")
    owner.get_by_label("Currency").fill("EUR")
    owner.get_by_role("button", name="Create course").click()
    expect(owner.locator("#flashes")).to_contain_text("Course created")
    assert_shown(owner.locator("#course-picture img"), 800)
    return owner.url


def write_chapters(owner: Page, course: str) -> None:
    owner.get_by_role("link", name="Add chapter").click()
    owner.get_by_label("Title").fill("A leaf")
    text = owner.get_by_label("Text")
    text.fill("A leaf makes sugar: $`6 CO_2 + 6 H_2O`$.\n\n")
    owner.get_by_text("Pictures and files of this course").click()
    insert(owner, film.picture(640, 360) | {"name": "green.png"}, "A green leaf with its veins")
    text.press("Control+End")
    insert(owner, film.sheet())
    expect(owner.locator("#preview math")).to_be_visible()
    owner.get_by_role("button", name="Add chapter").click()
    expect(owner.locator("#flashes .callout-success")).to_be_visible()

    owner.get_by_role("link", name="Add chapter").click()
    owner.get_by_label("Title").fill("A week in a minute")
    owner.get_by_text("Pictures and files of this course").click()
    insert(owner, film.film(owner))
    owner.get_by_role("button", name="Add chapter").click()
    expect(owner.locator("#flashes .callout-success")).to_be_visible()

    owner.get_by_role("link", name="Files", exact=True).click()
    owner.get_by_label("File", exact=True).set_input_files(film.captions())
    owner.get_by_role("button", name="Add file").click()
    owner.get_by_label("Captions of").select_option(label="seedling.webm")
    owner.get_by_label("Language").fill("en")
    owner.get_by_role("button", name="Save file").click()
    expect(owner.locator("#flashes")).to_contain_text("File saved")
    owner.goto(course)


def insert(owner: Page, file: Any, words: str = "") -> None:
    """Upload a file beside the text, and have it named there."""
    owner.get_by_label("Upload a picture or file").set_input_files(file)
    dialog = owner.get_by_role("dialog", name=f"Upload {file['name']}")
    if words:
        dialog.get_by_label("What does the picture show?").fill(words)
    dialog.get_by_role("button", name="Upload and insert").click()
    expect(dialog).to_be_hidden()
    expect(owner.get_by_label("Text")).to_have_value(re.compile(r"\(file:\d+\)\s*$"))


def publish(owner: Page, course: str) -> None:
    owner.get_by_label("Status").select_option("published")
    owner.get_by_role("button", name="Save course").click()
    expect(owner.locator("#flashes")).to_contain_text("Course saved.")
    assert owner.url == course
    expect(owner.get_by_text("Nobody can buy this course")).to_have_count(0)


def invite(owner: Page, name: str, email: str) -> None:
    owner.get_by_role("navigation", name="Main").get_by_role("link", name="Students").click()
    owner.get_by_role("link", name="Invitations").click()
    owner.get_by_label("Name", exact=True).fill(name)
    owner.get_by_label("E-mail", exact=True).fill(email)
    owner.get_by_role("button", name="Invite", exact=True).click()
    expect(owner.locator("#flashes .callout-success")).to_be_visible()


def printed(portal: Portal, pattern: str) -> str:
    """Wait for what a newcomer's terminal shows, e-mails included, and return a part of it."""
    assert comes(lambda: re.search(pattern, portal.said()))
    return str(re.findall(pattern, portal.said())[-1])


def accept(student: Page, link: str) -> None:
    student.goto(link)
    student.get_by_label("New password").fill(PASSWORD)
    student.get_by_role("button", name="Set password").click()
    expect(student.locator("#flashes")).to_contain_text("Your account is ready")
    assert_shown(student.locator(".brand img.school-logo"), 256)


def live_in(student: Page, zone: str) -> None:
    student.goto("/profile")
    student.get_by_role("combobox", name="Time zone").fill(zone)
    student.locator("#zone-card").get_by_role("button").click()
    expect(student.locator("#foot-zone")).to_have_text("Times are in Auckland time.")


def buy(student: Page) -> None:
    student.get_by_role("link", name="Courses", exact=True).click()
    card = course_card(student, TITLE)
    expect(card).to_contain_text("€49.00")
    assert_shown(card.locator("img"), 800)
    card.get_by_role("button", name="Buy").click()
    expect(student.get_by_role("heading", name="€49.00")).to_be_visible()
    student.get_by_role("button", name="Pay", exact=True).click()
    student.get_by_role("link", name="Open course").click(timeout=SOON)


def read(student: Page) -> None:
    expect(student.get_by_role("heading", name="A leaf")).to_be_visible()
    assert_shown(student.get_by_role("img", name="A green leaf with its veins"), 640)
    expect(student.locator("article math")).to_be_visible()
    with student.expect_download() as download:
        student.get_by_role("link", name="watering-plan.pdf").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")
    student.get_by_role("link", name="A week in a minute").first.click()
    video = student.locator("article video")
    video.evaluate("film => { film.muted = true; return film.play() }")
    assert comes(lambda: video.evaluate("film => film.currentTime > 0"))
    assert video.evaluate("film => film.textTracks[0].language") == "en"
    video.evaluate("film => { film.textTracks[0].mode = 'showing' }")
    assert comes(lambda: video.evaluate("film => film.textTracks[0].cues?.length === 2"))


def complete(student: Page) -> None:
    for said in ("1 of 2 chapters completed", "You've completed"):
        student.get_by_role("button", name="Mark complete").first.click()
        expect(student.locator("#flashes")).to_contain_text(said)


def get_certificate(student: Page) -> None:
    with student.expect_download() as download:
        student.get_by_role("link", name="Download certificate").first.click()
    assert download.value.path().read_bytes().startswith(b"%PDF")


def look_at_people(owner: Page, course: str) -> None:
    owner.goto(course)
    owner.locator("#course-head").get_by_role("link", name="Students").click()
    row = owner.get_by_role("row").filter(has_text="Nora Newcomer")
    expect(row).to_contain_text("€49.00")
    expect(row.get_by_role("progressbar")).to_have_js_property("value", 100)
    expect(row.get_by_role("link", name="Certificate")).to_be_visible()


def look_at_times(page: Page, address: str, zone: str) -> None:
    """See each moment on a page as the clocks of a zone show it."""
    page.goto(address)
    expect(page.locator("main time[title]").first).to_be_visible()
    for each in page.locator("main time[title]").all():
        moment = datetime.fromisoformat(each.get_attribute("datetime") or "")
        assert (each.get_attribute("title") or "").startswith(place(zone))
        there = moment.astimezone(ZoneInfo(zone))
        assert each.inner_text().startswith(f"{there:%-d %b %Y}")
        assert "," not in each.inner_text() or each.inner_text().endswith(f"{there:%H:%M}")
    stamp = page.locator("[data-live-stamp]")  # made by the browser, which lives elsewhere
    there = datetime.fromisoformat(stamp.get_attribute("datetime") or "").astimezone(ZoneInfo(zone))
    assert stamp.text_content() == f"{there:%H:%M:%S}"


def assert_shown(picture: Locator, width: int) -> None:
    """See that a picture has arrived."""
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", width)
