"""A large file in a browser: its progress is shown, and it goes on after the network was away."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

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
    expect(page.locator("#upload [role=status]")).to_contain_text("The connection was lost.")
    wire.be_away(away=False)
    expect(page.locator("#flashes")).to_contain_text("File added.")
    expect(page.get_by_role("heading", name="A film.mp4")).to_be_visible()
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
    expect(page.get_by_role("heading", name="A film.mp4")).to_be_visible()


@contextmanager
def _never_answered(page: Page, pattern: str) -> Iterator[None]:
    """Hold the requests to an address until its reader has given up on them.

    They are aborted then: one left open keeps a task of Playwright's, which complains in
    the log of whatever test runs as it is collected.
    """
    held: list[Route] = []
    page.route(pattern, lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks the function
    yield
    assert held
    for route in held:
        route.abort("aborted")
    page.unroute(pattern)


def test_what_has_arrived_is_not_sent_again_where_its_check_was_cut_off(
    visit: Visit, account: Account, files: str, film: Path
) -> None:
    page = visit(account("admin"))
    with _never_answered(page, "**/finish"):
        with page.expect_request("**/finish"):
            begin(page, files, film)
        expect(page.get_by_role("button", name="Cancel upload")).to_be_focused()
        page.goto(files)  # gives that request up: nobody waits for it any more
    begun = []
    page.on("request", lambda request: begun.append(request.method))
    begin(page, files, film)
    expect(page.locator("#flashes")).to_contain_text("File added.")
    assert (begun.count("HEAD"), begun.count("PATCH"), begun.count("POST")) == (1, 0, 1)
    assert page.evaluate("localStorage.length") == 0
    page.goto(files)
    expect(page.get_by_role("link", name="A film.mp4")).to_have_count(1)


def test_what_the_server_itself_cannot_do_is_told_in_its_words_and_soon(
    visit: Visit, account: Account, files: str, film: Path
) -> None:
    page = visit(account("admin"), expected="503")
    page.clock.install()
    full = '{"detail": "The disk may be full.", "code": "unavailable"}'
    tries = []

    def refuse(route: Route) -> None:
        if route.request.method != "PATCH":
            return route.fallback()
        tries.append(route)
        return route.fulfill(status=503, body=full, content_type="application/problem+json")

    page.route("**/uploads/*", refuse)
    begin(page, files, film)
    expect(page.locator("#upload-state")).to_have_text("The disk may be full.")
    for _ in range(60):
        page.clock.run_for(1_000)
        if page.get_by_role("alert").inner_text():
            break
    trouble = page.locator("#upload-trouble")
    expect(trouble).to_have_text("The disk may be full.")
    assert len(tries) == 6
    field = page.get_by_label("File", exact=True)
    expect(field).to_be_focused()
    assert "upload-trouble" in str(field.get_attribute("aria-describedby")).split()
    page.unroute("**/uploads/*")
    page.get_by_role("button", name="Add file").click()
    expect(page.locator("#flashes")).to_contain_text("File added.")


def _answer(route: Route, *, status: int, body: str) -> None:
    route.fulfill(status=status, body=body)


def test_what_has_no_room_stays_to_be_finished_and_what_is_gone_is_forgotten(
    visit: Visit, account: Account, files: str, film: Path
) -> None:
    page = visit(account("admin"), expected="status of 4")
    for status, code, kept in ((422, "no_room", 1), (401, "not_authenticated", 1), (404, "", 0)):
        body = f'{{"detail": "Refused.", "code": "{code}"}}'
        page.route("**/finish", partial(_answer, status=status, body=body))
        begin(page, files, film)
        expect(page.locator("#upload-trouble")).not_to_be_empty()
        assert page.evaluate("localStorage.length") == kept
        page.unroute("**/finish")


def test_canceling_while_it_is_checked_leaves_nothing(
    visit: Visit, account: Account, files: str, film: Path
) -> None:
    page = visit(account("admin"))
    with _never_answered(page, "**/finish"):
        with page.expect_request("**/finish"):
            begin(page, files, film)
        with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
            page.keyboard.press("Enter")
    assert deleted.value.status == 204
    expect(page.get_by_label("File", exact=True)).to_be_focused()
    assert comes(lambda: page.evaluate("localStorage.length") == 0)
