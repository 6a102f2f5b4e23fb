"""Downloading one's own data."""

import io
from contextlib import ExitStack
from zipfile import ZipFile

import pytest

from lms.web import turns
from lms.web.turns import AT_ONCE, turn
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser

EXPORTED = "SELECT actor_id, student_id FROM audit_entries WHERE action = 'user.exported'"


@pytest.mark.parametrize("role", ["student", "admin"])
def test_whoever_gives_the_password_gets_the_data(
    request: pytest.FixtureRequest, role: str, sql: Sql
) -> None:
    browser: Browser = request.getfixturevalue(role)
    answer = browser.send_form("/profile/data", password=PASSWORD)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert "my-data.zip" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    archive = ZipFile(io.BytesIO(answer.data))
    assert b"@example.org" in archive.read("account.json")
    assert sql(EXPORTED) == [(browser.user_id, browser.user_id)]


def test_a_wrong_password_gets_nothing_and_counts(student: Browser, sql: Sql) -> None:
    for _ in range(10):
        answer = student.send_form("/profile/data", password="wrong")
        assert answer.status_code == 422
        assert "isn&#39;t your current password" in answer.text
    assert student.send_form("/profile/data", password=PASSWORD).status_code == 429
    assert "Enter your password." in student.send_form("/profile/data").text
    assert sql(EXPORTED) == []


def test_nobody_gets_nothing(browser: Browser) -> None:
    answer = browser.send_form("/profile/data", password=PASSWORD)
    assert answer.location.startswith("/login")


def test_it_waits_for_its_turn(student: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.01)
    with ExitStack() as stack:
        for _ in range(AT_ONCE):
            stack.enter_context(turn())
        answer = student.send_form("/profile/data", password=PASSWORD)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert student.send_form("/profile/data", password=PASSWORD).status_code == 200
