"""SECRET_KEY while it is rotated: the first of two signs, and both verify."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from lms import create_app
from lms.db import db
from lms.web.session import signed_token
from tests.databases import settings
from tests.web.browser import PASSWORD, Browser

OLD = "an old key that is long enough for production"
NEW = "another key that is long enough for production"


@contextmanager
def _portal(database_url: str, keys: str) -> Iterator[Flask]:
    app = create_app({**settings(database_url), "SECRET_KEY": keys})
    try:
        yield app
    finally:
        with app.app_context():
            db.engine.dispose()


def _with_cookies_of(browser: Browser, app: Flask) -> Browser:
    other = Browser(app)
    cookie = browser.get_cookie("portal")
    assert cookie is not None
    other.set_cookie("portal", cookie.value)
    return other


def _cookie(browser: Browser) -> str:
    cookie = browser.get_cookie("portal")
    assert cookie is not None
    return cookie.value


def test_a_session_and_an_open_form_outlive_a_rotation(database_url: str, add_person: Any) -> None:
    add_person("x@example.org", name="Before")
    with _portal(database_url, OLD) as before, _portal(database_url, f"{NEW}, {OLD}") as rotated:
        old = Browser(before)
        old.sign_in("x@example.org")
        token = old.csrf_token()
        kept = _with_cookies_of(old, rotated)
        assert signed_token(rotated, _cookie(kept))[0] is not None  # as polls verify it
        renamed = kept.post("/profile", data={"name": "After", "csrf_token": token})
        assert renamed.status_code == 303
        called = kept.open(
            "/api/student/requests/1", method="DELETE", headers={"X-CSRFToken": token}
        )
        assert called.status_code == 404
        assert kept.get("/api/session").get_json()["user"]["name"] == "After"


def test_what_is_signed_during_a_rotation_outlives_the_old_key(
    database_url: str, add_person: Any
) -> None:
    add_person("x@example.org")
    with _portal(database_url, f"{NEW},{OLD}") as rotated, _portal(database_url, NEW) as after:
        during = Browser(rotated)
        during.sign_in("x@example.org")
        token = during.csrf_token()
        kept = _with_cookies_of(during, after)
        assert kept.post("/profile", data={"name": "After", "csrf_token": token}).status_code == 303
        assert kept.get("/api/session").get_json()["user"]["name"] == "After"


def test_a_session_ends_with_the_key_that_signed_it(database_url: str, add_person: Any) -> None:
    add_person("x@example.org")
    with _portal(database_url, OLD) as before, _portal(database_url, NEW) as after:
        old = Browser(before)
        old.sign_in("x@example.org")
        gone = _with_cookies_of(old, after)
        assert gone.get("/api/session").get_json()["user"] is None


def test_a_link_from_an_e_mail_outlives_a_rotation(
    database_url: str, add_person: Any, sql: Any
) -> None:
    add_person("x@example.org")
    with _portal(database_url, OLD) as before, _portal(database_url, f"{NEW},{OLD}") as rotated:
        Browser(before).send_form("/forgot", email="x@example.org")
        path = sql("SELECT link FROM outbox_emails")[0][0].removeprefix("http://localhost")
        other = Browser(rotated)
        assert other.get(path).status_code == 200
        assert other.send_form(path, password="a brand-new one").location == "/login"
        assert other.sign_in("x@example.org", PASSWORD).status_code == 422
