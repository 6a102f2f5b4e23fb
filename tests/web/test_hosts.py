"""Where PUBLIC_URL is set, the portal answers under that host alone."""

import pytest
from flask import Flask

from tests.web.browser import Browser

PUBLIC = "https://Portal.school.example:8443"
FOREIGN = [
    "evil.example",
    "school.example",
    "portal.school.example.evil.example",
    "evil-portal.school.example",
    "localhost",
    "no host",
]


@pytest.mark.parametrize("host", FOREIGN)
@pytest.mark.parametrize("address", ["//login", "/", "/login", "/nowhere", "/api/session"])
def test_no_other_host_is_answered_nor_named(
    app: Flask, browser: Browser, address: str, host: str
) -> None:
    app.config["PUBLIC_URL"] = PUBLIC
    answer = browser.get(f"http://localhost{address}", headers={"Host": host})
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert f"//{host}" not in answer.text
    assert PUBLIC in answer.text


@pytest.mark.parametrize(
    ("public", "host"),
    [
        (PUBLIC, "portal.SCHOOL.example"),
        (PUBLIC, "portal.school.example:8443"),
        ("https://bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_its_own_host_is(app: Flask, browser: Browser, public: str, host: str) -> None:
    app.config["PUBLIC_URL"] = public
    assert browser.get("/login", headers={"Host": host}).status_code == 200


def test_who_came_by_another_host_is_led_to_the_portal(app: Flask, browser: Browser) -> None:
    app.config["PUBLIC_URL"] = PUBLIC
    page = browser.get("/login", headers={"Host": "localhost"}).text
    assert "This isn&#39;t the portal&#39;s address" in page
    assert f'href="{PUBLIC}"' in page
    assert "Go to the home page" not in page  # it would be that of the same host


def test_an_address_is_a_host_like_any_other(app: Flask, browser: Browser) -> None:
    app.config["PUBLIC_URL"] = "http://[::1]:8000"
    assert browser.get("/login", headers={"Host": "[::1]:8000"}).status_code == 200
    assert browser.get("/login", headers={"Host": "[::2]:8000"}).status_code == 400


def test_whoever_watches_the_portal_reaches_it_by_any_host(app: Flask, browser: Browser) -> None:
    app.config["PUBLIC_URL"] = PUBLIC
    statuses = {
        address: browser.get(address, headers={"Host": "10.0.0.7:8000"}).status_code
        for address in ("/healthz", "/metrics", "/api/sync/health")
    }
    assert statuses == {"/healthz": 200, "/metrics": 403, "/api/sync/health": 200}


def test_without_a_public_address_any_host_will_do(browser: Browser) -> None:
    assert browser.get("/login", headers={"Host": "school.test"}).status_code == 200


def test_addresses_in_templates_begin_where_the_portal_was_asked(app: Flask) -> None:
    page = app.jinja_env.from_string("{{ url_for('student.course', course_id=1) }}")
    for root in ("/a", "/b", "/a"):
        with app.test_request_context(base_url=f"http://localhost{root}"):
            assert page.render() == f"{root}/student/courses/1"
