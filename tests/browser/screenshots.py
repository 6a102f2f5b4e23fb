"""Take the README's pictures: `make screenshots`."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import ARGUMENTS, ROOT, executable
from tests.browser.demo import PASSWORDS, demo_school
from tests.browser.lesson import lesson
from tests.server import Portal

FOLDER = ROOT / "docs" / "screenshots"
DESK = (1280, 720)
PHONE = (390, 780)


@dataclass(frozen=True)
class Shot:
    """A page as somebody sees it."""

    name: str
    role: str
    path: str
    size: tuple[int, int] = DESK
    theme: Literal["light", "dark"] = "light"
    keys: str = ""
    """What is pressed before the picture is taken."""
    plays: bool = False
    """Whether its film is in the middle by then, with its captions."""


SHOTS = (
    Shot("queue", "admin", "/admin/requests", keys="jjx"),
    Shot("courses", "student", "/student/courses"),
    Shot("reader", "student", "{reader}", (1280, 1280), theme="dark", plays=True),
    Shot("analytics", "admin", "/admin/analytics", theme="dark"),
    Shot("queue-phone", "admin", "/admin/requests", PHONE),
    Shot("dashboard-phone", "student", "/student/dashboard", PHONE, "dark"),
)


_TO_THE_MIDDLE = """async (film) => {
  film.textTracks[0].mode = "showing";
  film.muted = true;
  await film.play();
  while (film.currentTime < 1.3) await new Promise((resolve) => setTimeout(resolve, 20));
  film.pause();
}"""

_PAINTED = """() => new Promise(
  (painted) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(painted, 200)))
)"""


def main() -> None:
    """Write every picture anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with demo_school() as portal, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(ARGUMENTS))
        with closing(browser.new_page()) as page:
            reader = lesson(portal, page, PASSWORDS["student"][0])
        for shot in SHOTS:
            file = FOLDER / f"{shot.name}.png"
            _take(browser, portal, shot, reader, file)
            print(f"{file.relative_to(ROOT)}  {file.stat().st_size // 1024} KB", flush=True)
        browser.close()


def _take(browser: Browser, portal: Portal, shot: Shot, reader: str, file: Path) -> None:
    width, height = shot.size
    context = browser.new_context(
        base_url=portal.url,
        viewport={"width": width, "height": height},
        color_scheme=shot.theme,
        reduced_motion="reduce",
        locale="en-GB",
    )
    page = context.new_page()
    _sign_in(page, shot.role)
    page.goto(shot.path.format(reader=reader))
    for key in shot.keys:
        page.keyboard.press(key)
    if shot.plays:
        page.locator("video").evaluate(_TO_THE_MIDDLE)
    page.evaluate(_PAINTED)
    page.screenshot(path=file)
    context.close()


def _sign_in(page: Page, role: str) -> None:
    email, password = PASSWORDS[role]
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/login" not in address)


if __name__ == "__main__":
    main()
