"""Another address for an account, confirmed by the new mailbox."""

from datetime import timedelta

import pytest
from flask import Flask

from lms import accounts
from lms.db import at, now
from tests.builders import a_course_open_to_all
from tests.conftest import Sql
from tests.web.addresses import NEW, OLD, address_of, change, choose, mailed
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act, AddPerson


def test_nothing_changes_before_the_link_is_opened(app: Flask, student: Browser, sql: Sql) -> None:
    before = sql("SELECT * FROM users")
    choose(student, " Sam@New.Example ")
    page = student.get("/profile").text
    assert f"Not confirmed yet: {NEW}" in page
    subject, link = mailed(sql, NEW)
    assert subject == "Confirm your new e-mail address"
    assert "Confirm address" in student.get(link).text
    assert sql("SELECT * FROM users") == before
    assert sql("SELECT recipient FROM outbox_emails") == [(NEW,)]


def test_the_link_changes_the_address_and_ends_all_other_sign_ins(
    app: Flask, student: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course_open_to_all, chapters=1)
    elsewhere = Browser(app)
    elsewhere.sign_in(OLD)
    change(student, sql)
    assert student.get("/api/session").get_json()["user"]["email"] == NEW
    assert elsewhere.get("/api/session").get_json()["user"] is None
    assert "Not confirmed yet" not in student.get("/profile").text
    assert sql("SELECT course_id FROM enrollments") == [(course,)]
    assert mailed(sql, OLD)[0] == "Your e-mail address was changed"
    assert Browser(app).sign_in(OLD).status_code == 422
    assert Browser(app).sign_in(NEW).status_code == 303


def test_the_link_works_once_for_a_day_and_for_nobody_else(
    app: Flask, student: Browser, add_person: AddPerson, sql: Sql
) -> None:
    """Whoever reads the mail of a mistyped address must not get the account."""
    choose(student)
    link = mailed(sql, NEW)[1]
    add_person("eve@example.org")
    stranger = Browser(app)
    assert stranger.get(link).location == f"/login?next={link}"
    stranger.sign_in("eve@example.org")
    assert stranger.send_form(link).location == "/profile#address-card"
    assert "belongs to another account" in stranger.get("/profile").text
    choose(stranger)  # though they want the same address
    stranger.send_form(link)
    assert address_of(sql, stranger) == "eve@example.org"
    with at(now() + timedelta(hours=25)):
        student.send_form(link)
    assert address_of(sql, student) == OLD
    choose(student, "sam@third.example")
    student.send_form(link)  # of an address that was chosen before
    assert address_of(sql, student) == OLD
    choose(student)
    student.send_form(link)
    assert address_of(sql, student) == NEW
    choose(student, OLD)
    student.send_form(link)
    assert address_of(sql, student) == NEW


def test_a_new_password_ends_the_link(student: Browser, sql: Sql) -> None:
    choose(student)
    student.send_form("/profile/password", current_password=PASSWORD, password="quite another one")
    assert "Not confirmed yet" not in student.get("/profile").text
    student.send_form(mailed(sql, NEW)[1])
    assert address_of(sql, student) == OLD


def test_the_link_is_sent_again_and_the_change_canceled(student: Browser, sql: Sql) -> None:
    with at(now() - timedelta(minutes=6)):
        choose(student)
    for _ in range(3):
        student.send_form("/profile/address/again")
    assert sql("SELECT recipient FROM outbox_emails") == [(NEW,), (NEW,)]
    link = mailed(sql, NEW)[1]
    student.send_form("/profile/address/cancel")
    assert "Not confirmed yet" not in student.get("/profile").text
    student.send_form(link)
    assert address_of(sql, student) == OLD
    student.send_form("/profile/address/again")
    assert "expired" in student.get("/profile").text
    assert sql("SELECT id FROM outbox_emails") == []


def test_an_address_that_has_an_account_is_answered_alike_and_its_owner_is_told(
    student: Browser, add_person: AddPerson, sql: Sql
) -> None:
    add_person("taken@example.org")
    choose(student, "Taken@example.org")
    assert "Not confirmed yet: taken@example.org" in student.get("/profile").text
    assert mailed(sql, "taken@example.org") == (
        "Your e-mail address already has an account",
        "/login",
    )
    assert address_of(sql, student) == OLD


def test_an_address_that_was_taken_meanwhile_is_refused(
    student: Browser, add_person: AddPerson, sql: Sql
) -> None:
    choose(student)
    add_person(NEW)
    student.send_form(mailed(sql, NEW)[1])
    assert "Another account now has this address" in student.get("/profile").text
    assert address_of(sql, student) == OLD


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"email": "kim@gmail"}, "E-mail can&#39;t reach gmail"),
        ({"email": "kim@10.0.0.1"}, "E-mail can&#39;t reach"),
        ({"email": "no address"}, "Enter an e-mail address"),
        ({"email": ""}, "Enter an address"),
        ({"email": OLD}, "already your address"),
        ({"current_password": "a wrong guess"}, "your current password"),
        ({"current_password": ""}, "Enter your password"),
    ],
)
def test_a_wrong_choice_comes_back_with_what_was_typed(
    student: Browser, sql: Sql, fields: dict[str, str], said: str
) -> None:
    sent = {"email": NEW, "current_password": PASSWORD, **fields}
    answer = student.send_form("/profile/address", **sent)
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{sent["email"]}"' in answer.text
    assert sql("SELECT * FROM address_changes") == []
    assert sql("SELECT * FROM outbox_emails") == []


def test_guessing_the_password_meets_the_limit_of_sign_ins(student: Browser) -> None:
    wrong = {"email": NEW, "current_password": "a wrong guess"}
    for _ in range(10):
        assert student.send_form("/profile/address", **wrong).status_code == 422
    answer = student.send_form("/profile/address", **wrong)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_nobody_has_mails_sent_to_many_addresses(student: Browser, sql: Sql) -> None:
    for number in range(20):
        choose(student, f"new{number}@example.org")
    form = {"email": NEW, "current_password": PASSWORD}
    answer = student.send_form("/profile/address", **form)
    assert answer.status_code == 429
    assert f'value="{NEW}"' in answer.text
    assert len(sql("SELECT id FROM outbox_emails")) == 20


def test_students_choose_an_address_of_the_schools_domains(
    app: Flask, student: Browser, admin: Browser, sql: Sql
) -> None:
    app.config["LMS_REGISTRATION"] = "example.org"
    answer = student.send_form("/profile/address", email=NEW, current_password=PASSWORD)
    assert answer.status_code == 422
    assert "Use an address at example.org" in answer.text
    choose(admin, "ada@new.example")


def test_addresses_that_no_mail_reaches_are_refused_at_registration(
    browser: Browser, act: Act, sql: Sql
) -> None:
    form = {"name": "Kim", "email": "kim@gmail", "password": PASSWORD}
    answer = browser.send_form("/register", **form)
    assert answer.status_code == 422
    assert "E-mail can&#39;t reach gmail. Enter the whole address" in answer.text
    assert sql("SELECT * FROM users") == []
    act(accounts.create_account, email="kim@gmail", name="Kim", password=PASSWORD)
    assert browser.sign_in("kim@gmail").status_code == 303  # whoever has one keeps it


def test_a_canceled_address_gets_no_link_and_is_forgotten_with_the_person(
    student: Browser, admin: Browser, sql: Sql
) -> None:
    choose(student, "sam@sent.example")
    sql("UPDATE outbox_emails SET sent_at = created_at")
    student.send_form("/profile/address/cancel")
    choose(student, "sam@waiting.example")
    student.send_form("/profile/address/cancel")
    assert sql("SELECT recipient FROM outbox_emails") == [("sam@sent.example",)]
    # The owner of an address hears that somebody wants it, in any case.
    choose(student, "ada@example.org")
    student.send_form("/profile/address/cancel")
    admin.send_form(f"/admin/erasures/{student.user_id}/grant")
    found = sql("SELECT recipient FROM outbox_emails WHERE key NOT LIKE 'erased-%'")
    assert found == [("ada@example.org",)]
