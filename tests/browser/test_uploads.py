"""A large file in a browser: its progress is shown, and it goes on after the network was away."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.builders import a_course
from tests.patience import comes
from tests.server import Portal

Account = Callable[..., str]
BYTES = 30_000_000
AWAY = "net::ERR_INTERNET_DISCONNECTED"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "A film.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(BYTES))
    return path


@pytest.fixture
def files(portal: Portal) -> str:
    return f"/admin/courses/{portal.call(a_course)}/files"


class Wire:
    """The network of a page: slow, and away where it is said so."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Network.enable")
        self.be_away(away=False)

    def be_away(self, *, away: bool) -> None:
        # Playwright's own set_offline() would be undone by what makes it slow.
        limits = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": 6_000_000}
        self._session.send("Network.emulateNetworkConditions", limits | {"offline": away})


def begin(page: Page, files: str, film: Path) -> None:
    page.goto(files)
    page.get_by_label("File", exact=True).set_input_files(film)
    page.get_by_role("button", name="Add file").click()


def begin_slowly(page: Page, files: str, film: Path) -> Wire:
    wire = Wire(page)
    begin(page, files, film)
    return wire


def comes_to(page: Page, percent: int) -> None:
    bar = page.locator("#upload progress")
    assert comes(lambda: bar.evaluate("bar => bar.value") >= percent)


def test_a_film_shows_its_progress_and_goes_on_when_the_network_is_back(
    portal: Portal, visit: Visit, account: Account, files: str, film: Path
) -> None:
    page = visit(account("admin"), expected=AWAY)
    wire = begin_slowly(page, files, film)
    comes_to(page, 30)
    bar = page.get_by_role("progressbar", name="Upload")
    expect(bar).to_be_visible()
    expect(page.locator("#upload [role=status]")).to_contain_text(re.compile(r"MB of 30 MB sent"))
    expect(page.locator("#upload")).to_contain_text("A film.mp4")
    expect(page.get_by_role("button", name="Add file")).to_be_disabled()
    expect(page.get_by_role("button", name="Cancel upload")).to_be_focused()
    wire.be_away(away=True)
    expect(page.locator("#upload [role=status]")).to_contain_text("The connection is lost.")
    wire.be_away(away=False)
    expect(page.locator("#flashes")).to_contain_text("File added.")
    expect(page.get_by_role("link", name="A film.mp4")).to_be_visible()
    [(size,)] = portal.sql("SELECT bytes FROM course_files WHERE name = 'A film.mp4'")
    assert size == BYTES + 12
    assert page.evaluate("localStorage.length") == 0


def test_after_a_reload_the_same_file_goes_on_where_it_stopped(
    portal: Portal, visit: Visit, account: Account, files: str, film: Path
) -> None:
    page = visit(account("admin"))
    begin_slowly(page, files, film)
    comes_to(page, 60)
    assert "film" not in str(page.evaluate("JSON.stringify(localStorage)"))
    begun = []
    page.on("request", lambda request: begun.append(request.method))
    begin(page, files, film)
    expect(page.locator("#flashes")).to_contain_text("File added.")
    assert begun.count("HEAD") == 1
    assert 1 <= begun.count("PATCH") <= 3
    assert begun.count("POST") == 1  # to finish it: none began


def test_what_is_canceled_leaves_nothing_and_the_keyboard_where_it_was(
    portal: Portal, visit: Visit, account: Account, files: str, film: Path
) -> None:
    page = visit(account("admin"))
    begin_slowly(page, files, film)
    comes_to(page, 30)
    page.keyboard.press("Enter")
    expect(page.locator("#upload")).to_be_hidden()
    expect(page.get_by_label("File", exact=True)).to_be_focused()
    expect(page.get_by_role("button", name="Add file")).to_be_enabled()
    assert comes(lambda: page.evaluate("localStorage.length") == 0)


def test_what_is_not_accepted_is_told_at_the_field(
    visit: Visit, account: Account, files: str, tmp_path: Path
) -> None:
    page = visit(account("admin"), expected="422")
    program = tmp_path / "program.mp4"
    program.write_bytes(b"MZ\x90\0" * 500_000)
    begin(page, files, program)
    expect(page.get_by_role("alert")).to_contain_text("This type of file isn't accepted.")
    expect(page.get_by_label("File", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("File", exact=True)).to_be_focused()


def test_without_script_a_large_file_goes_by_its_form(
    visit: Visit, account: Account, files: str, film: Path
) -> None:
    page = visit(account("admin"), java_script_enabled=False)
    begin(page, files, film)
    expect(page.locator("#flashes")).to_contain_text("File added.")
    expect(page.get_by_role("link", name="A film.mp4")).to_be_visible()
