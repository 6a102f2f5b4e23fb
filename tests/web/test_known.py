"""Signing in, registering and asking for a password say the same to all, letter by letter."""

import re

import pytest
from flask import Flask, current_app

from lms import enrollment
from lms.accounts.links import Purpose, active_account, sign
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson

FORMS = {
    "/login": {"password": "not the right one"},
    "/register": {"name": "Kim", "password": "four unrelated words"},
    "/forgot": {},
}
PEOPLE = ("student", "admin", "deactivated", "unproven")


@pytest.fixture
def people(sql: Sql, act: Act, add_person: AddPerson) -> None:
    """Accounts of all kinds, each at an address of its own."""
    admin = add_person("some.admin@example.org", role="admin")
    add_person("some.student@example.org")
    act(enrollment.deactivate_user, add_person("some.deactivated@example.org"), by=admin)
    add_person("some.unproven@example.org")
    sql("UPDATE users SET email_verified_at = NULL WHERE email = 'some.unproven@example.org'")


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("page", FORMS)
def test_every_address_gets_the_same_words(app: Flask, page: str) -> None:
    unknown = _answers(app, page, "stranger@example.org")
    assert any("ADDRESS" in text for text in unknown) == (page != "/forgot")
    for who in PEOPLE:
        for known, other in zip(
            _answers(app, page, f"some.{who}@example.org"), unknown, strict=True
        ):
            assert known.splitlines() == other.splitlines(), who


def test_asking_for_the_password_of_nobody_leaves_nothing(app: Flask, sql: Sql) -> None:
    """The work is done for its time alone, and undone."""
    _answers(app, "/forgot", "stranger@example.org")
    for table in ("outbox_emails", "audit_entries", "users"):
        assert sql(f"SELECT * FROM {table}") == [], table


def _answers(app: Flask, page: str, email: str) -> list[str]:
    """Return all that a browser gets to read, without what is new each time."""
    browser = Browser(app)
    answer = browser.send_form(page, email=email, **FORMS[page])
    read = [f"{answer.status_code} {answer.headers.get('Location')}", answer.text]
    if answer.status_code == 303:
        read.append(browser.get(answer.headers["Location"]).text)
    names = sorted(name for name, _ in answer.headers)
    return [_alike(text, email) for text in (*read, f"{names}")]


def _alike(text: str, email: str) -> str:
    text = re.sub(r"\bI[\w-]{30,}\.[\w-]{6}\.[\w-]{27}\b", "TOKEN", text)
    text = re.sub(r"request_id|\b[0-9a-f]{16}\b", "REQUEST", text)
    return text.replace(email, "ADDRESS")


def test_a_link_serves_its_own_purpose_alone(app: Flask, act: Act, add_person: AddPerson) -> None:
    add_person("sam@example.org")
    pages: dict[Purpose, str] = {
        "password-reset": "/reset",
        "verify-address": "/verify",
        "second-step": "",
    }
    for purpose in pages:
        token = act(_link, "sam@example.org", purpose)
        for meant_for, page in pages.items():
            if page:
                status = Browser(app).get(f"{page}/{token}").status_code
                is_open = purpose == meant_for == "password-reset"  # the address is proven already
                assert status == (200 if is_open else 303), (purpose, page)


def _link(email: str, purpose: Purpose) -> str:
    return sign(active_account(email), purpose, secret=current_app.config["SECRET_KEY"])
