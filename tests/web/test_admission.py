"""Who may open an account by themselves: LMS_REGISTRATION, as a browser sees it."""

from typing import Any

import pytest
from flask import Flask

from tests.web.browser import PASSWORD, Browser


def _register(browser: Browser, email: str) -> Any:
    return browser.send_form("/register", name="New Student", email=email, password=PASSWORD)


def test_anybody_registers_where_nothing_else_is_set(browser: Browser, sql: Any) -> None:
    assert _register(browser, "new@anywhere.example").status_code < 400
    assert sql("SELECT email FROM users") == [("new@anywhere.example",)]


def test_a_school_that_makes_all_accounts_offers_no_other_way(
    app: Flask, browser: Browser, sql: Any
) -> None:
    assert 'href="/register' in browser.get("/login").text
    app.config["LMS_REGISTRATION"] = "closed"
    assert "/register" not in browser.get("/login").text
    unsigned = browser.post("/register", data={"email": "new@example.org", "password": PASSWORD})
    for refused in (browser.get("/register"), _register(browser, "new@example.org"), unsigned):
        assert refused.status_code == 403
        assert "Accounts are created by the school" in refused.text
        assert "<form" not in refused.text.partition("<main")[2]
    assert sql("SELECT id FROM users") == []


@pytest.mark.parametrize("email", ["new@school.example", "New@BÜCHER.example"])
def test_addresses_of_the_named_domains_register(
    app: Flask, browser: Browser, sql: Any, email: str
) -> None:
    app.config["LMS_REGISTRATION"] = "bücher.example,school.example"
    assert "school.example" in browser.get("/register").text
    assert _register(browser, email).status_code < 400
    assert sql("SELECT email FROM users") == [(email.lower(),)]


@pytest.mark.parametrize(
    "email",
    [
        "new@example.com",
        "new@evil-example.org",
        "new@mail.example.org",
        "example.org@example.com",
        "taken@example.com",
    ],
)
def test_addresses_of_other_domains_are_refused_without_a_word_about_accounts(
    app: Flask, browser: Browser, add_person: Any, sql: Any, email: str
) -> None:
    add_person("taken@example.com")
    app.config["LMS_REGISTRATION"] = "example.org,school.example"
    refused = _register(browser, email)
    assert refused.status_code == 422
    assert "Use an address at example.org or school.example." in refused.text
    assert "already" not in refused.text.partition("<main")[2].replace("Already have an", "")
    assert sql("SELECT email FROM users") == [("taken@example.com",)]
