"""Invitations: one link sets the first password of an account that somebody else has opened."""

import re
from pathlib import Path
from time import time
from typing import Any

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from lms import accounts, enrollment
from lms.importing import import_roster
from tests.builders import a_course
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act

EMAIL = "new@school.test"


@pytest.fixture
def invited(app: Flask, act: Act, sql: Sql, tmp_path: Path) -> str:
    """The path of the link that a roster has mailed to EMAIL."""
    course = act(a_course, "Botany")
    roster = tmp_path / "roster.csv"
    roster.write_text(f"email,name,course_id,action\n{EMAIL},Kim Park,{course},enroll\n")
    invite = accounts.inviting("/invitation/{}".format, secret=app.config["SECRET_KEY"])
    act(import_roster, roster, apply=True, invite=invite)
    [mail] = sql("SELECT * FROM outbox_emails WHERE subject = 'Your account is ready'")
    assert (mail.recipient, mail.link_text) == (EMAIL, "Choose a password")
    assert "within 14 days" in mail.body
    return str(mail.link)


def test_an_invitation_sets_the_password_and_leads_to_the_courses(
    browser: Browser, invited: str, sql: Sql
) -> None:
    page = browser.get(invited)
    assert f"for your account, {EMAIL}" in page.text
    assert sql("SELECT password_hash FROM users") == [("",)]
    refused = browser.send_form(invited, password="short")
    assert refused.status_code == 422
    answer = browser.send_form(invited, password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/student/dashboard")
    assert "Botany" in browser.get("/student/dashboard").text
    [entry] = sql("SELECT * FROM audit_entries WHERE action = 'user.accepted'")
    assert entry.actor_id == entry.student_id == 1


def test_a_second_acceptance_changes_nothing_and_says_where_to_go(
    app: Flask, browser: Browser, invited: str, sql: Sql
) -> None:
    browser.send_form(invited, password=PASSWORD)
    before = sql("SELECT * FROM users"), sql("SELECT * FROM sign_ins")
    assert browser.get(invited).location == "/student/dashboard"
    assert "This invitation has already been used." in browser.get("/student/dashboard").text
    other = Browser(app)
    assert other.send_form(invited, password="another password 1").location == "/login"
    assert "already has a password" in other.get("/login").text
    assert (sql("SELECT * FROM users"), sql("SELECT * FROM sign_ins")) == before


def test_an_invitation_ends_with_any_other_password(
    browser: Browser, invited: str, act: Act
) -> None:
    act(accounts.set_password, 1, PASSWORD, by=None, reason="asked for it")
    assert browser.get(invited).location == "/login"


def _deactivated(act: Act) -> None:
    act(enrollment.deactivate_user, 1, by=None)


def _deleted(act: Act) -> None:
    act(enrollment.delete_user, 1, by=None)


def _moved(act: Act) -> None:
    act(enrollment.set_email, 1, "right@school.test", by=None)


@pytest.mark.parametrize("change", [_deactivated, _deleted, _moved])
def test_an_invitation_of_a_changed_account_opens_nothing(
    browser: Browser, invited: str, act: Act, sql: Sql, change: Any
) -> None:
    change(act)
    for answer in (browser.get(invited), browser.send_form(invited, password=PASSWORD)):
        assert answer.status_code == 410
        assert "ask the school" in answer.text
        assert 'href="/forgot"' in answer.text
    assert sql("SELECT * FROM sign_ins") == []


def test_an_invitation_expires_and_another_link_can_be_had(
    browser: Browser, invited: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    for age, status in ((14 * 86_400 - 60, 200), (14 * 86_400 + 60, 410)):
        signer = URLSafeTimedSerializer.default_signer
        monkeypatch.setattr(*(signer, "get_timestamp"), lambda _self, age=age: int(time()) + age)
        assert browser.get(invited).status_code == status
    monkeypatch.undo()
    browser.send_form("/forgot", email=EMAIL)
    [mail] = sql("SELECT link FROM outbox_emails WHERE subject LIKE '%password%'")
    reset = re.sub(r"^https?://[^/]+", "", mail.link)
    assert browser.send_form(reset, password=PASSWORD).location == "/login"
    assert browser.sign_in(EMAIL).status_code == 303


@pytest.mark.parametrize("token", ["nonsense", "%00", "x" * 3000])
def test_what_is_no_invitation_opens_nothing(browser: Browser, token: str) -> None:
    assert browser.get(f"/invitation/{token}").status_code == 410
