"""Links from a mailbox: none leads past a second factor, revives another or is kept back."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from pyotp import TOTP

from lms import accounts, enrollment
from lms.db import at, now
from tests.builders import an_invitation
from tests.conftest import Sql
from tests.web import test_registration as registration
from tests.web.addresses import NEW, OLD, change, choose, mailed
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act
from tests.web.factors import add_app

IRIS = "iris@example.org"
ANOTHER = "another long password 9"


def age_factors(sql: Sql) -> None:
    """Have the factors be older than an undone address would take away."""
    for table in ("second_factors", "recovery_codes"):
        sql(f"UPDATE {table} SET created_at = :then", then=str(now() - timedelta(days=30))[:26])


def signed_in(browser: Browser) -> bool:
    return browser.get("/api/session").get_json()["user"] is not None


def test_an_invitation_stays_accepted_when_the_address_is_restored(
    app: Flask, act: Act, browser: Browser, sql: Sql
) -> None:
    invitation = act(an_invitation, IRIS)
    browser.send_form(invitation, password=PASSWORD)
    add_app(browser)
    age_factors(sql)
    change(browser, sql, "thief@evil.example")
    Browser(app).send_form(mailed(sql, IRIS)[1])
    thief = Browser(app)
    assert thief.send_form(invitation, password=ANOTHER).location == "/login"
    assert not signed_in(thief)
    assert "already has a password" in thief.get("/login").text


def test_whose_address_was_restored_is_not_invited_as_a_new_person(
    app: Flask, student: Browser, admin: Browser, sql: Sql
) -> None:
    change(student, sql, "thief@evil.example")
    Browser(app).send_form(mailed(sql, OLD)[1])
    form = {"email": "sam@third.example", "reason": "Came to the desk"}
    admin.send_form(f"/admin/students/{student.user_id}/address", **form)
    assert mailed(sql, "sam@third.example") == ("Your new e-mail address", "/login")


@pytest.mark.parametrize("way", ["invitation", "verify"])
def test_no_link_passes_by_a_second_factor(
    app: Flask, student: Browser, act: Act, sql: Sql, way: str
) -> None:
    key, _ = add_app(student)
    if way == "invitation":
        link = act(an_invitation, IRIS)
    else:
        registration.register(Browser(app), email=IRIS)
        link = registration.link(sql)
    moved = "UPDATE {} SET user_id = (SELECT id FROM users WHERE email = :email)"
    sql(moved.format("second_factors"), email=IRIS)
    opened = Browser(app)
    answer = opened.send_form(link, name="Iris Invited", password=ANOTHER)
    assert answer.location == "/login/second-step"
    assert not signed_in(opened)
    answer = opened.send_form("/login/second-step", code=TOTP(key).at(now()))
    assert answer.location == "/student/dashboard"


def test_nobody_keeps_back_the_mail_after_an_undone_address(
    app: Flask, student: Browser, sql: Sql
) -> None:
    Browser(app).send_form("/forgot", email=OLD)
    change(student, sql, "thief@evil.example")
    Browser(app).send_form("/forgot", email="thief@evil.example")
    sql("UPDATE outbox_emails SET sent_at = created_at")  # or they would end with the address
    Browser(app).send_form(mailed(sql, OLD)[1])
    subject, reset = mailed(sql, OLD)
    assert subject == "Reset your password"
    assert Browser(app).send_form(reset, password=ANOTHER).location == "/login"
    assert Browser(app).sign_in(OLD, ANOTHER).status_code == 303


def test_who_is_deactivated_is_promised_no_mail(
    app: Flask, student: Browser, act: Act, sql: Sql
) -> None:
    change(student, sql)
    act(enrollment.deactivate_user, student.user_id, by=None)
    undo = mailed(sql, OLD)[1]
    owner = Browser(app)
    assert "a link" not in owner.get(undo).text
    owner.send_form(undo)
    said = owner.get("/login").text
    assert "sent you a link" not in said
    assert "Ask your school to reactivate it" in said
    assert mailed(sql, OLD)[1] == undo


def test_an_undone_address_signs_nobody_else_out(
    student: Browser, admin: Browser, sql: Sql
) -> None:
    change(student, sql)
    answer = admin.send_form(mailed(sql, OLD)[1])
    assert answer.location == "/login"
    assert signed_in(admin)
    assert not signed_in(student)
    change_again = admin.get("/login").location
    assert change_again is not None
    assert f"has the address {OLD} again" in admin.get(change_again).text


def test_an_undone_address_signs_its_own_browser_out(student: Browser, sql: Sql) -> None:
    change(student, sql)
    undo = mailed(sql, OLD)[1]
    assert student.send_form(undo).location == "/login"
    assert student.get("/login").status_code == 200
    with student.session_transaction() as held:
        assert "_user_id" not in held


def test_a_confirmed_address_proves_nothing_anew(admin: Browser, sql: Sql) -> None:
    choose(admin, NEW)
    before = sql("SELECT proved_at FROM sign_ins")
    with at(now() + timedelta(minutes=25)):
        admin.send_form(mailed(sql, NEW)[1])
        assert admin.get("/admin/payments.csv").status_code == 303
    assert sql("SELECT proved_at FROM sign_ins") == before


@pytest.mark.parametrize("ending", ["DELETE FROM sign_ins", "UPDATE users SET is_active = :no"])
def test_a_sign_in_that_ends_as_it_begins_leads_to_the_sign_in_page(
    browser: Browser, act: Act, sql: Sql, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    verified = accounts.sign_in

    def then_ended(*given: Any, **named: Any) -> str:
        token = verified(*given, **named)
        sql(ending, **({"no": False} if ":no" in ending else {}))
        return token

    monkeypatch.setattr(accounts, "sign_in", then_ended)
    act(accounts.create_account, email=OLD, name="Sam", password=PASSWORD)
    answer = browser.sign_in(OLD)
    assert (answer.status_code, answer.location) == (303, "/login")
    assert "Your account has just changed" in browser.get("/login").text
    assert not signed_in(browser)
