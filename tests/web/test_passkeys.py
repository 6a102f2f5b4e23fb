"""Passkeys on the pages, and at which addresses they work."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lms.db import now
from tests.authenticator import Passkey
from tests.web.browser import Browser
from tests.web.conftest import AddPerson
from tests.web.factors import EMAIL, SET_UP, add_passkey, asked, codes_on
from tests.web.pages import text_of


class Elsewhere(Browser):
    """A browser at another address of the portal."""

    def __init__(self, app: Flask, base_url: str) -> None:
        super().__init__(app)
        self._base_url = base_url

    def open(self, *arguments: Any, **settings: Any) -> TestResponse:
        return super().open(*arguments, **{"base_url": self._base_url, **settings})


def test_a_passkey_is_set_up_and_signs_in_beside_the_password_and_alone(
    student: Browser, app: Flask, passkey: Passkey
) -> None:
    assert codes_on(add_passkey(student, passkey))
    assert "My key Passkey" in text_of(student.get("/profile").text)
    for alone in (False, True):
        browser = Browser(app)
        page = "/login/passkey" if alone else "/login/second-step/passkey"
        if not alone:
            browser.sign_in(EMAIL)
        browser.get("/login")
        challenge, state = asked(browser, page)
        fields = {"credential": passkey.get(challenge), "state": state}
        answer = browser.send_form(f"{page}?next=/student/courses", **fields)
        assert answer.headers["Location"] == "/student/courses"
        assert browser.get("/api/session").get_json()["user"]["email"] == EMAIL


def test_an_answer_is_of_the_browser_that_was_asked_and_for_one_purpose(
    student: Browser, app: Flask, passkey: Passkey
) -> None:
    add_passkey(student, passkey)
    browser, other = Browser(app), Browser(app)
    for each in (browser, other):
        each.get("/login")
    challenge, state = asked(browser, "/login/passkey")
    sent = {"credential": passkey.get(challenge), "state": state}
    assert other.send_form("/login/passkey", **sent).headers["Location"] == "/login"
    challenge, state = asked(student, "/profile/proof/passkey")
    for_proof = {"credential": passkey.get(challenge), "state": state}
    assert browser.send_form("/login/passkey", **for_proof).headers["Location"] == "/login"
    assert browser.get("/api/session").get_json()["user"] is None


def test_a_challenge_grows_old(
    student: Browser, app: Flask, passkey: Passkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_passkey(student, passkey)
    browser = Browser(app)
    challenge, state = asked(browser, "/login/passkey")
    sent = {
        "credential": passkey.get(challenge),
        "state": state,
        "csrf_token": browser.csrf_token(),
    }
    later = now().timestamp() + 302
    with monkeypatch.context() as patch:
        patch.setattr("itsdangerous.timed.time.time", lambda: later)
        browser.post("/login/passkey", data=sent)
    assert browser.get("/api/session").get_json()["user"] is None


@pytest.mark.parametrize("credential", ["", "{}", "null", '{"id": "x"}', "[" * 3000])
def test_what_is_no_answer_is_refused_kindly(student: Browser, credential: str) -> None:
    _, state = asked(student, f"{SET_UP}/passkey/options")
    answer = student.send_form(f"{SET_UP}/passkey", name="K", credential=credential, state=state)
    assert answer.status_code == 422
    assert "Try again, or use another method" in answer.text


def test_at_an_address_of_numbers_the_page_says_where_passkeys_work(
    app: Flask, add_person: AddPerson
) -> None:
    add_person(EMAIL)
    browser = Elsewhere(app, "http://127.0.0.1:8000")
    assert "Use a passkey" not in browser.get("/login").text
    browser.sign_in(EMAIL)
    page = browser.get(f"{SET_UP}/passkey")
    assert f"http://localhost:8000{SET_UP}/passkey" in page.text
    assert browser.get(f"{SET_UP}/passkey/options").status_code == 404


def test_public_url_is_what_passkeys_are_bound_to(app: Flask, add_person: AddPerson) -> None:
    add_person(EMAIL)
    app.config["PUBLIC_URL"] = "https://lernen.schüle.example:8443"
    host = "lernen.schüle.example".encode("idna").decode()
    browser = Elsewhere(app, f"http://{host}:8443")
    browser.sign_in(EMAIL)
    options = browser.get(f"{SET_UP}/passkey/options").get_json()["options"]
    assert options["rp"]["id"] == host
