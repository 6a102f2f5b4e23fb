"""What single answers carry and take; tests/web/crawl looks at all of them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lms import create_app
from lms.config import ConfigError
from lms.db import db
from tests.databases import Sqlite, settings
from tests.web.browser import PASSWORD, Browser


@pytest.fixture
def sqlite_app(sqlite: Sqlite) -> Iterator[Flask]:
    """A portal for tests in which the database makes no difference."""
    with sqlite.migrated() as url:
        yield create_app(settings(url))


def _portal(tmp_path: Path, **overrides: object) -> Flask:
    return create_app({**settings(f"sqlite:///{tmp_path / 'none.db'}"), **overrides})


def test_a_failure_of_ours_carries_the_headers_and_tells_nothing(tmp_path: Path) -> None:
    def fail() -> str:
        raise RuntimeError("the secret cause")

    app = _portal(tmp_path, PROPAGATE_EXCEPTIONS=False)
    app.add_url_rule("/fails", view_func=fail)
    answer = app.test_client().get("/fails")
    assert answer.status_code == 500
    assert "Something went wrong on our end. Please try again." in answer.text
    assert "Content-Security-Policy" in answer.headers
    assert "private" in answer.headers["Cache-Control"]
    assert "secret cause" not in answer.text


@pytest.mark.parametrize("address", ["/fails", "/api/fails"])
def test_a_failure_of_ours_promises_nothing_about_what_was_saved(
    tmp_path: Path, address: str
) -> None:
    """Many a verb commits step by step, and Stripe may have been called already."""

    def fail() -> str:
        raise RuntimeError

    app = _portal(tmp_path, PROPAGATE_EXCEPTIONS=False, WTF_CSRF_ENABLED=False)
    app.add_url_rule(address, view_func=fail, methods=["POST"])
    answer = app.test_client().post(address)
    assert answer.status_code == 500
    assert "our end. Please check what was saved before you try again." in answer.text


def test_static_files_are_kept_for_good_under_the_address_of_their_content(
    sqlite_app: Flask,
) -> None:
    client = sqlite_app.test_client()
    address = re.search(r'href="(/static/css/portal\.css\?v=\w+)"', client.get("/login").text)
    assert address is not None
    kept = client.get(address[1], buffered=True)
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Cookie" not in kept.vary
    for asked_again in ("/static/css/portal.css", "/static/css/portal.css?v=older"):
        answer = client.get(asked_again, buffered=True)
        assert answer.headers["Cache-Control"] == "public, no-cache"
        etag = answer.headers["ETag"]
        assert (
            client.get(asked_again, headers={"If-None-Match": etag}, buffered=True).status_code
            == 304
        )


def test_a_changed_file_gets_a_new_address(sqlite_app: Flask, tmp_path: Path) -> None:
    sqlite_app.static_folder = str(tmp_path)
    with sqlite_app.test_request_context():
        addresses = set()
        for content in ("a", "bb", "ccc"):
            (tmp_path / "a.css").write_text(content)
            addresses.add(sqlite_app.url_for("static", filename="a.css"))
        assert len(addresses) == 3
        assert sqlite_app.url_for("static", filename="missing.css") == "/static/missing.css"


@pytest.mark.parametrize("algorithm", ["gzip", "br", "zstd"])
def test_text_is_compressed(sqlite_app: Flask, algorithm: str) -> None:
    client = sqlite_app.test_client()
    for address in ("/login", "/static/css/portal.css", "/api/openapi.json"):
        plain = client.get(address, buffered=True)
        small = client.get(address, headers={"Accept-Encoding": algorithm}, buffered=True)
        assert small.headers["Content-Encoding"] == algorithm
        assert len(small.data) < len(plain.data) / 2
        assert "Accept-Encoding" in small.vary


def test_what_every_page_loads_goes_by_what_is_smallest_and_pages_by_what_is_quickest(
    sqlite_app: Flask,
) -> None:
    taken = {"Accept-Encoding": "gzip, deflate, br, zstd"}
    for address, algorithm in (("/login", "zstd"), ("/static/css/portal.css", "br")):
        answer = sqlite_app.test_client().get(address, headers=taken, buffered=True)
        assert answer.headers["Content-Encoding"] == algorithm


def test_production_asks_for_https_and_a_secure_cookie(tmp_path: Path) -> None:
    app = _portal(tmp_path, LMS_ENV="production", LMS_CHEAP_HASHES=False)
    answer = app.test_client().get("/login", base_url="https://portal.example.org")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-portal=")
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in cookie


def test_changes_over_https_need_the_token_and_no_referer(sqlite_app: Flask) -> None:
    client = sqlite_app.test_client()
    https = "https://portal.example"
    token = client.get("/api/session", base_url=https).get_json()["csrfToken"]
    for typed, status in (({"csrf_token": token}, 422), ({}, 400)):
        assert client.post("/login", data=typed, base_url=https).status_code == status


def test_production_refuses_cheap_hashes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="LMS_CHEAP_HASHES"):
        _portal(tmp_path, LMS_ENV="production")


def test_a_reset_link_never_leads_to_the_host_that_a_sender_names(
    app: Flask, browser: Browser, add_person: Any, sql: Any
) -> None:
    add_person("x@example.org")
    app.config["PUBLIC_URL"] = "https://portal.example.org"
    portal = "https://portal.example.org"
    token = browser.get("/api/session", base_url=portal).get_json()["csrfToken"]
    form = {"email": "x@example.org", "csrf_token": token}
    evil = {"Host": "evil.example"}
    assert browser.post("/forgot", base_url=portal, data=form, headers=evil).status_code == 400
    assert sql("SELECT id FROM outbox_emails") == []
    assert browser.post("/forgot", base_url=portal, data=form).status_code == 303
    assert sql("SELECT link FROM outbox_emails")[0][0].startswith(f"{portal}/reset/")
    app.config.update(PUBLIC_URL=None, MAIL_URL="smtp://mail.example.org", LMS_ENV="production")
    assert browser.post("/forgot", base_url=portal, data=form).status_code == 503


def test_without_mail_production_promises_no_link(app: Flask, browser: Browser, sql: Any) -> None:
    portal = "https://portal.example.org"
    app.config.update(PUBLIC_URL=portal, LMS_ENV="production")
    token = browser.get("/api/session", base_url=portal).get_json()["csrfToken"]
    form = {"name": "Kim", "email": "kim@example.org", "password": "four unrelated words"}
    for address in ("/forgot", "/register"):
        answer = browser.post(address, base_url=portal, data={"csrf_token": token, **form})
        assert answer.status_code == 503
        assert "can&#39;t send links by e-mail" in answer.text
    assert sql("SELECT * FROM users") == []


def test_forwarded_addresses_count_only_behind_trusted_proxies(
    database_url: str, app: Flask, add_person: Any
) -> None:
    add_person("x@example.org")
    proxied = create_app({**settings(database_url), "TRUSTED_PROXIES": "1"})
    for served, expected in ((app, 429), (proxied, 422)):
        browser = Browser(served)
        data = {"password": "wrong guess", "csrf_token": browser.csrf_token()}
        statuses = [
            browser.post(
                "/login",
                data={**data, "email": "x@example.org"},
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
            ).status_code
            for number in range(11)
        ]
        assert statuses[-1] == expected
    with proxied.app_context():
        db.engine.dispose()


def test_metrics_are_for_admins_and_for_the_token(
    app: Flask, browser: Browser, student: Browser, admin: Browser
) -> None:
    app.config["METRICS_TOKEN"] = "a token for prometheus"
    bearer = {"Authorization": "Bearer a token for prometheus"}
    assert browser.get("/metrics").status_code == 403
    assert student.get("/metrics").status_code == 403
    assert browser.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert browser.get("/metrics", headers={"Authorization": "Bearer"}).status_code == 403
    assert browser.get("/metrics", headers=bearer).status_code == 200
    figures = admin.get("/metrics").text
    assert re.search(
        r'portal_requests_total{method="POST",route="/login",status="303"} [1-9]', figures
    )
    assert 'portal_request_seconds_bucket{le="0.005",route="/login"}' in figures


def test_without_a_token_no_bearer_is_let_in(browser: Browser) -> None:
    for sent in ("Bearer ", "Bearer None", "Basic Og=="):
        assert browser.get("/metrics", headers={"Authorization": sent}).status_code == 403


def test_bodies_that_no_form_has_are_refused(browser: Browser) -> None:
    token = browser.csrf_token()
    huge = {"email": "x" * 1_100_000, "password": PASSWORD, "csrf_token": token}
    assert browser.post("/login", data=huge).status_code == 413
