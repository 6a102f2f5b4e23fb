"""More requests at once than there are connections: a 503 that says when to come again."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError

import lms.db
from lms import create_app, metrics
from lms.db import db, writer
from tests import databases
from tests.web.browser import Browser

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def hurried(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The portal whose requests wait for a connection for 50 ms instead of 10 s."""
    monkeypatch.setitem(lms.db._SQLITE_OPTIONS, "pool_timeout", 0.05)
    monkeypatch.setattr(lms.db, "WAIT_SECONDS", 0.05)
    app = create_app(databases.settings(database_url))
    yield app
    with app.app_context():
        db.engine.dispose()


def test_a_request_for_which_no_connection_is_free_is_told_to_come_again(hurried: Flask) -> None:
    browser = Browser(hurried)
    token = browser.csrf_token()
    before = _counted()
    with browser.session_transaction() as held:
        held["_user_id"] = "a token that has to be looked up"
    typed = {"name": "Ada Lovelace", "email": "ada@example.org", "csrf_token": token}
    with ExitStack() as others:
        with hurried.app_context():
            for engine in (db.engine, writer(db.engine)):
                with suppress(NoConnectionFreeError):
                    while True:
                        others.enter_context(engine.connect())
        answers = [
            browser.get("/api/student/stats"),
            browser.get("/login"),
            browser.post("/forgot", data=typed, headers=OWN),
        ]
    assert [(each.status_code, each.headers["Retry-After"]) for each in answers] == [(503, "5")] * 3
    assert answers[0].get_json()["code"] == "unavailable"
    assert "is overloaded right now" in answers[1].text
    assert "Ada Lovelace" in answers[2].text
    assert "Send it again" in answers[2].text
    assert browser.get("/login").status_code == 200
    assert {route: number - before[route] for route, number in _counted().items()} == {
        **dict.fromkeys(before, 0),
        "/api/student/stats": 1,
        "/login": 1,
        "/forgot": 1,
    }


def _counted() -> Counter[str]:
    """Return for how many requests no connection was free, by route."""
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        if family.name == "portal_database_connections_full":
            found.update(
                {
                    each.labels["route"]: int(each.value)
                    for each in family.samples
                    if each.name.endswith("_total")
                }
            )
    return found
