"""Second factors as browsers set them up."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask
from pyotp import TOTP
from webauthn.helpers import base64url_to_bytes
from werkzeug.test import TestResponse

from lms.db import at, now
from tests.authenticator import Passkey
from tests.web.browser import Browser

EMAIL = "sam@example.org"
HOST = "localhost"
SET_UP = "/profile/second-factor"


def key_on(page: TestResponse) -> str:
    """Return the key that the page shows as text."""
    found = re.search(r'<code class="key">([A-Z2-7 ]+)</code>', page.text)
    assert found, page.text
    return found[1].replace(" ", "")


def setup_of(page: TestResponse) -> str:
    found = re.search(r'name="setup" type="hidden" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def codes_on(page: TestResponse) -> list[str]:
    return re.findall(r"<li><code>([a-z2-9-]{27})</code></li>", page.text)


def add_app(browser: Browser, *, next: str = "", name: str = "My phone") -> tuple[str, list[str]]:
    """Set an app up as of five minutes ago, so that its present codes are new."""
    with at(now() - timedelta(minutes=5)):
        page = browser.get(f"{SET_UP}/app", query_string={"next": next})
        key = key_on(page)
        fields = {"setup": setup_of(page), "code": TOTP(key).at(now()), "name": name}
        added = browser.send_form(f"{SET_UP}/app?next={next}", **fields)
    assert added.status_code in {200, 303}, added.text
    return key, codes_on(added)


def asked(browser: Browser, address: str) -> tuple[bytes, str]:
    """Return what a page's script is given for a passkey: the challenge, and the state."""
    given = browser.get(address).get_json()
    return base64url_to_bytes(given["options"]["challenge"]), given["state"]


def add_passkey(browser: Browser, passkey: Passkey) -> TestResponse:
    challenge, state = asked(browser, f"{SET_UP}/passkey/options")
    fields = {"name": "My key", "credential": passkey.create(challenge), "state": state}
    return browser.send_form(f"{SET_UP}/passkey", **fields)


@contextmanager
def required(app: Flask, of: str) -> Iterator[None]:
    app.config["LMS_SECOND_FACTOR"] = of
    yield
    app.config["LMS_SECOND_FACTOR"] = "optional"
