"""Changing an address in a browser, and the mails that it sends."""

import re

from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser

OLD, NEW = "sam@example.org", "sam@new.example"


def choose(browser: Browser, email: str = NEW, password: str = PASSWORD) -> None:
    answer = browser.send_form("/profile/address", email=email, current_password=password)
    assert (answer.status_code, answer.location) == (303, "/profile#address-card")


def mailed(sql: Sql, recipient: str) -> tuple[str, str]:
    """Return subject and path of the link of the latest e-mail to an address."""
    mail = sql(
        "SELECT subject, link FROM outbox_emails WHERE recipient = :to ORDER BY id DESC LIMIT 1",
        to=recipient,
    )[0]
    return mail.subject, re.sub(r"^https?://[^/]+", "", mail.link)


def change(browser: Browser, sql: Sql, to: str = NEW, password: str = PASSWORD) -> None:
    choose(browser, to, password)
    answer = browser.send_form(mailed(sql, to)[1])
    assert answer.location == "/profile#address-card"
    assert f"now {to}" in browser.get("/profile").text


def address_of(sql: Sql, browser: Browser) -> str:
    [(email,)] = sql("SELECT email FROM users WHERE id = :id", id=browser.user_id)
    return str(email)
