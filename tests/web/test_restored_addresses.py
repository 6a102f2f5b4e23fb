"""An old address that restores itself."""

from datetime import timedelta

from flask import Flask
from pyotp import TOTP

from lms import accounts, enrollment
from lms.accounts.codes import new_secret
from lms.db import at, now
from tests.builders import a_course
from tests.conftest import Sql
from tests.web.addresses import NEW, OLD, address_of, change, choose, mailed
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act, AddPerson


def here_of(sql: Sql, browser: Browser) -> accounts.Here:
    [(sign_in,)] = sql("SELECT id FROM sign_ins WHERE user_id = :id", id=browser.user_id)
    return accounts.Here(sign_in, "")


def add_app(act: Act, sql: Sql, browser: Browser, name: str) -> None:
    """Add a second factor in the browser that is signed in."""
    secret = new_secret()
    code = TOTP(secret).at(now())
    here = here_of(sql, browser)
    act(
        accounts.add_app,
        browser.user_id,
        secret=secret,
        code=code,
        name=name,
        here=here,
        keys=["k"],
    )


def test_the_old_address_restores_itself_against_whoever_has_the_account(
    app: Flask, student: Browser, sql: Sql
) -> None:
    thief = Browser(app)
    thief.sign_in(OLD)
    change(thief, sql, "thief@evil.example")
    undo = mailed(sql, OLD)[1]
    assert undo.startswith("/address/")
    thief.send_form("/profile/password", current_password=PASSWORD, password="only a thief knows")
    change(thief, sql, "thief@worse.example", "only a thief knows")
    thief_undo = mailed(sql, "thief@evil.example")[1]
    choose(thief, "thief@third.example", "only a thief knows")

    owner = Browser(app)
    assert OLD in owner.get(undo).text
    assert address_of(sql, student) == "thief@worse.example"  # looking changes nothing
    assert owner.send_form(undo).location == "/login"
    assert "someone else may know it" in owner.get("/login").text
    assert address_of(sql, student) == OLD
    assert thief.get("/api/session").get_json()["user"] is None
    assert owner.sign_in(OLD, "only a thief knows").status_code == 422
    assert sql("SELECT * FROM address_changes") == []
    subject, _ = mailed(sql, "thief@worse.example")
    assert subject == "Your e-mail address was changed back"
    for dead in (undo, thief_undo):
        owner.send_form(dead)
        assert "has been used or has expired" in owner.get("/login").text
    assert address_of(sql, student) == OLD

    subject, reset = mailed(sql, OLD)
    assert subject == "Reset your password"
    owner.send_form(reset, password="a new one of mine")
    assert owner.sign_in(OLD, "a new one of mine").status_code == 303
    assert Browser(app).sign_in(OLD, "only a thief knows").status_code == 422


def test_second_factors_of_a_thief_go_and_older_ones_stay(
    app: Flask, student: Browser, act: Act, sql: Sql
) -> None:
    with at(now() - timedelta(days=8)):
        add_app(act, sql, student, "Mine")
    add_app(act, sql, student, "Thief's")
    change(student, sql)
    add_app(act, sql, student, "Thief's second")
    Browser(app).send_form(mailed(sql, OLD)[1])
    assert sql("SELECT name FROM second_factors") == [("Mine",)]
    assert sql("SELECT count(*) FROM recovery_codes") == [(10,)]


def test_codes_that_a_thief_has_made_go(app: Flask, student: Browser, act: Act, sql: Sql) -> None:
    with at(now() - timedelta(days=8)):
        add_app(act, sql, student, "Mine")
    act(accounts.make_recovery_codes, student.user_id, here=here_of(sql, student))
    change(student, sql)
    Browser(app).send_form(mailed(sql, OLD)[1])
    assert sql("SELECT name FROM second_factors") == [("Mine",)]
    assert sql("SELECT * FROM recovery_codes") == []


def test_of_two_old_addresses_the_first_wins(app: Flask, student: Browser, sql: Sql) -> None:
    change(student, sql)
    first = mailed(sql, OLD)[1]
    change(student, sql, "third@example.org")
    second = mailed(sql, NEW)[1]
    Browser(app).send_form(second)
    assert address_of(sql, student) == NEW
    Browser(app).send_form(first)
    assert address_of(sql, student) == OLD


def test_an_address_can_be_restored_for_a_week(app: Flask, student: Browser, sql: Sql) -> None:
    change(student, sql)
    with at(now() + timedelta(days=7, minutes=1)):
        Browser(app).send_form(mailed(sql, OLD)[1])
    assert address_of(sql, student) == NEW
    with at(now() + timedelta(days=6, hours=23)):
        Browser(app).send_form(mailed(sql, OLD)[1])
    assert address_of(sql, student) == OLD


def test_an_old_address_that_has_another_account_by_now_is_not_taken_from_it(
    app: Flask, student: Browser, add_person: AddPerson, sql: Sql
) -> None:
    change(student, sql)
    add_person(OLD)
    owner = Browser(app)
    owner.send_form(mailed(sql, OLD)[1])
    assert "Another account now has this address" in owner.get("/login").text
    assert address_of(sql, student) == NEW


def test_whoever_registers_with_an_old_address_does_not_keep_it_from_its_owner(
    app: Flask, student: Browser, sql: Sql
) -> None:
    change(student, sql)
    undo = mailed(sql, OLD)[1]
    form = {"name": "Eve", "email": OLD, "password": "the thief's other words"}
    assert Browser(app).send_form("/register", **form).status_code == 303
    Browser(app).send_form(undo)
    assert sql("SELECT email FROM users") == [(OLD,)]


def test_what_waits_follows_the_person_and_secrets_of_the_old_mailbox_end(
    student: Browser, act: Act, sql: Sql
) -> None:
    act(enrollment.enroll, student.user_id, act(a_course), by=None)
    student.send_form("/forgot", email=OLD)
    change(student, sql)
    mails = sql("SELECT recipient, subject FROM outbox_emails ORDER BY id")
    assert [tuple(mail) for mail in mails if mail.recipient == NEW] == [
        (NEW, "You're enrolled in Algebra"),
        (NEW, "Confirm your new e-mail address"),
    ]
    assert [mail.subject for mail in mails if mail.recipient == OLD] == [
        "Your e-mail address was changed"
    ]
