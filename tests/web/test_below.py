"""The portal below a path of a host: nothing that it says leads out of it."""

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lms import create_app, enrollment
from lms.db import db
from lms.models import Role
from tests.builders import a_course, a_public_course, a_request
from tests.databases import Sqlite, settings
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import account_of_its_own

PREFIX = "/portal"
HOST = "http://localhost"
SERVED: dict[str, dict[str, object]] = {
    "left on by the proxy": {"PUBLIC_URL": f"{HOST}{PREFIX}"},
    "taken off by the proxy": {"PUBLIC_URL": f"{HOST}{PREFIX}/"},
    "named by the proxy": {"TRUSTED_PROXIES": 1},
}


class Proxied(Browser):
    """A browser that knows the portal only below the path."""

    def csrf_token(self) -> str:
        return str(self.get(f"{PREFIX}/api/session").get_json()["csrfToken"])


class Proxy:
    """What is in front of the portal: it serves nothing but the path."""

    def __init__(self, app: WSGIApplication, way: str) -> None:
        self._app = app
        self._way = way

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        assert path.startswith(f"{PREFIX}/"), path
        if self._way == "named by the proxy":
            environ["HTTP_X_FORWARDED_PREFIX"] = PREFIX
        if self._way != "left on by the proxy":
            environ["PATH_INFO"] = path.removeprefix(PREFIX)
        return self._app(environ, start)


@pytest.fixture(params=SERVED)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(sqlite: Sqlite, way: str) -> Iterator[Flask]:
    """The portal on one engine: no statement knows addresses."""
    with sqlite.migrated() as url:
        app = create_app({**settings(url), **SERVED[way]})
        app.wsgi_app = Proxy(app.wsgi_app, way)  # type: ignore[method-assign, assignment]
        yield app
        with app.app_context():
            db.engine.dispose()


def come(app: Flask, role: Role) -> Proxied:
    """Sign in behind the proxy."""
    browser = Proxied(app)
    with app.app_context():
        email = account_of_its_own(role)
    target = f"{PREFIX}/profile"
    page = browser.get(target)
    assert page.location == f"{PREFIX}/login?next={target}"
    answer = browser.send_form(page.location, email=email, password=PASSWORD)
    assert answer.location == target
    return browser


@pytest.mark.parametrize("role", ["student", "admin"])
def test_no_page_leads_out_of_the_path(app: Flask, way: str, role: Role) -> None:
    browser = come(app, role)
    with app.app_context():
        course = a_public_course(chapters=2)
        person = int(browser.get(f"{PREFIX}/api/session").get_json()["user"]["id"])
        if role == "student":
            a_request(person, a_course())
            enrollment.enroll_directly(person, course)
    seen: set[str] = set()
    waiting = [f"{PREFIX}/"]
    while waiting and len(seen) < 60:
        address = waiting.pop()
        answer = browser.get(address)
        seen.add(address.partition("?")[0])
        assert answer.status_code < 400, (address, answer.status_code)
        for link, is_opened in links(answer, address):
            parts = urlsplit(link)
            assert f"{parts.path}/".startswith(f"{PREFIX}/"), (address, link)
            if is_opened and parts.path not in seen | {a.partition("?")[0] for a in waiting}:
                waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))
        for cookie in answer.headers.getlist("Set-Cookie"):
            path = PREFIX if "PUBLIC_URL" in SERVED[way] else "/"
            assert f"Path={path}" in cookie.split("; ")
    assert len(seen) >= 10, seen


def test_addresses_that_are_sent_elsewhere_name_the_path(app: Flask) -> None:
    browser = come(app, "student")
    document = browser.get(f"{PREFIX}/api/openapi.json").get_json()
    assert document["servers"] == [{"url": PREFIX}]
    form = {"email": "new@example.org", "current_password": PASSWORD}
    assert browser.send_form(f"{PREFIX}/profile/address", **form).location.startswith(PREFIX)
    with app.app_context():
        [(link,)] = db.session.execute(db.text("SELECT link FROM outbox_emails")).all()
    assert link.startswith(f"{HOST}{PREFIX}/profile/address/")
    assert browser.get(link.removeprefix(HOST)).status_code == 200
    missing = browser.get(f"{PREFIX}/nowhere")
    assert missing.status_code == 404
    assert f'href="{PREFIX}/"' in missing.text


@pytest.mark.parametrize("target", ["/admin/sync", "//evil.example", "/portalx", "/portal/login"])
def test_nobody_is_sent_out_of_it_after_signing_in(app: Flask, target: str) -> None:
    browser = Proxied(app)
    with app.app_context():
        email = account_of_its_own("student")
    form = {"email": email, "password": PASSWORD, "next": target}
    answer = browser.send_form(f"{PREFIX}/login", **form)
    assert answer.location == f"{PREFIX}/student/dashboard"


@pytest.mark.parametrize("named", ["/other", "//evil.example", "/a b", "/..", "evil"])
def test_another_path_than_the_portals_is_refused(sqlite: Sqlite, named: str) -> None:
    with sqlite.migrated() as url:
        public = {"PUBLIC_URL": f"{HOST}{PREFIX}", "TRUSTED_PROXIES": 1}
        browser = Browser(create_app({**settings(url), **public}))
        answer = browser.get("/login", headers={"X-Forwarded-Prefix": named})
        assert answer.status_code == 400
        assert "names another X-Forwarded-Prefix" in answer.text
        assert browser.get("/login").status_code == 200


def test_nobody_but_a_trusted_proxy_names_the_path(sqlite: Sqlite) -> None:
    with sqlite.migrated() as url:
        browser = Browser(create_app(settings(url)))
        page = browser.get("/login", headers={"X-Forwarded-Prefix": PREFIX}).text
        assert f'"{PREFIX}/' not in page


def test_in_production_the_cookie_stays_below_the_path(sqlite: Sqlite) -> None:
    production = {"LMS_ENV": "production", "LMS_CHEAP_HASHES": False}
    with sqlite.migrated() as url:
        public = {"PUBLIC_URL": f"https://localhost{PREFIX}", **production}
        browser = Browser(create_app({**settings(url), **public}))
        answer = browser.get(f"{PREFIX}/login", base_url="https://localhost")
        [cookie] = answer.headers.getlist("Set-Cookie")
        assert cookie.startswith("__Secure-portal=")
        assert {f"Path={PREFIX}", "Secure", "HttpOnly"} <= set(cookie.split("; "))


def links(answer: TestResponse, address: str) -> list[tuple[str, bool]]:
    """Return where an answer leads within the host, and whether a person may open it."""
    if answer.location:
        return [(urljoin(address, answer.location), True)]
    if answer.mimetype != "text/html":
        return []
    reader = _Reader()
    reader.feed(answer.text)
    inside = [(urljoin(HOST + address, link), opens) for link, opens in reader.found]
    return [(link, opens) for link, opens in inside if link.startswith(HOST)]


class _Reader(HTMLParser):
    """Collects every address in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            is_address = name in {"href", "src", "action", "hx-post", "hx-get"}
            if value and (is_address or re.fullmatch(r"data-(live-url|find)", name)):
                self.found.append((value, tag == "a"))
            elif name == "value" and value and value.startswith("/"):
                self.found.append((value, False))
