"""A real browser in front of a running portal whose pages refresh every second."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from lms import accounts
from lms.models import Role
from tests.browser.chromium import ARGUMENTS, executable
from tests.databases import Sqlite
from tests.patience import PATIENCE
from tests.server import Portal, serving

PASSWORD = "correct horse 9"
POLL_SECONDS = 1
PROMISED = (POLL_SECONDS + 1) * 1000
"""Within how many milliseconds a page shows what was changed elsewhere."""
SOON = 1000 * PATIENCE // 2
"""How long a test waits for it: a busy machine cannot keep every promise of seconds."""

FORGOTTEN = 'Cleared data types: "cache".'
"""What Chromium says in the console at each sign-out."""

_numbers = count(1)

Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=SOON)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def portal(sqlite: Sqlite) -> Iterator[Portal]:
    with sqlite.migrated() as url, serving(url, LMS_POLL_SECONDS=str(POLL_SECONDS)) as portal:
        yield portal
        assert "Traceback" not in portal.said()


@pytest.fixture
def account(portal: Portal) -> Callable[..., str]:
    """Open an account and return its e-mail; the password is PASSWORD."""

    def opened(role: Role = "student", name: str = "Sam Student") -> str:
        email = f"browser{next(_numbers)}@example.org"
        portal.call(accounts.create_account, email=email, name=name, password=PASSWORD, role=role)
        return email

    return opened


@pytest.fixture
def visit(chromium: Browser, portal: Portal) -> Iterator[Visit]:
    """Open a browser of its own, signed in if an e-mail is given.

    Afterwards its console must be empty, but for what `expected` says.
    """
    said: list[str] = []
    with ExitStack() as stack:

        def opened(email: str = "", *, expected: str = "", **settings: Any) -> Page:
            context = chromium.new_context(**{"base_url": portal.url, **settings})
            stack.callback(context.close)
            page = context.new_page()

            def note(text: str) -> None:
                if not (text.endswith(FORGOTTEN) or (expected and expected in text)):
                    said.append(text)

            page.on("console", lambda message: note(message.text))
            page.on("pageerror", lambda error: note(str(error)))
            if email:
                sign_in(page, email)
            return page

        yield opened
    assert said == []


def mostly(happens: Callable[[], None]) -> None:
    """See something happen in the time promised in three of five tries.

    A busy machine is late now and then; what is late by itself is so most of the time.
    """
    late = 0
    for _ in range(5):
        try:
            happens()
        except AssertionError:
            late += 1
            if late == 3:
                raise


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Sign in by the form."""
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/login" not in address)
