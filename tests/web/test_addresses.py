"""Another address for an account: confirmed by the new mailbox, undone by the old one."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from pyotp import TOTP

from lms import accounts, enrollment
from lms.accounts.codes import new_secret
from lms.db import at, now
from tests.builders import a_course, a_course_open_to_all
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act, AddPerson
from tests.web.pages import text_of

OLD, NEW = "sam@example.org", "sam@new.example"


def choose(browser: Browser, email: str = NEW, password: str = PASSWORD) -> None:
    answer = browser.send_form("/profile/address", email=email, current_password=password)
    assert (answer.status_code, answer.location) == (303, "/profile#address-card")


def mailed(sql: Sql, recipient: str) -> tuple[str, str]:
    """Return subject and path of the link of the latest e-mail to an address."""
    mail = sql(
        "SELECT subject, link FROM outbox_emails WHERE recipient = :to ORDER BY id DESC LIMIT 1",
        to=recipient,
    )[0]
    return mail.subject, re.sub(r"^https?://[^/]+", "", mail.link)


def change(browser: Browser, sql: Sql, to: str = NEW, password: str = PASSWORD) -> None:
    choose(browser, to, password)
    answer = browser.send_form(mailed(sql, to)[1])
    assert answer.location == "/profile#address-card"
    assert f"now {to}" in browser.get("/profile").text


def address_of(sql: Sql, browser: Browser) -> str:
    [(email,)] = sql("SELECT email FROM users WHERE id = :id", id=browser.user_id)
    return str(email)


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
    assert mailed(sql, "taken@example.org") == ("Your address is already in use", "/login")
    assert address_of(sql, student) == OLD


def test_an_address_that_was_taken_meanwhile_is_refused(
    student: Browser, add_person: AddPerson, sql: Sql
) -> None:
    choose(student)
    add_person(NEW)
    student.send_form(mailed(sql, NEW)[1])
    assert "has an account by now" in student.get("/profile").text
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
    assert "Only addresses of example.org" in answer.text
    choose(admin, "ada@new.example")


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
    assert "somebody else may know it" in owner.get("/login").text
    assert address_of(sql, student) == OLD
    assert thief.get("/api/session").get_json()["user"] is None
    assert owner.sign_in(OLD, "only a thief knows").status_code == 422
    assert sql("SELECT * FROM address_changes") == []
    subject, _ = mailed(sql, "thief@worse.example")
    assert subject == "The change of your address was undone"
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
    assert "Another account has this address" in owner.get("/login").text
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


def test_an_admin_changes_an_address_with_a_reason(
    app: Flask, student: Browser, admin: Browser, sql: Sql
) -> None:
    change(student, sql, "mistaken@example.org")
    undo = mailed(sql, OLD)[1]
    page = f"/admin/students/{student.user_id}/address"
    assert page in admin.get(f"/admin/students/{student.user_id}").text
    assert "both addresses" in admin.get(page).text
    for fields, said in (
        ({"email": NEW, "reason": ""}, "Enter a reason"),
        ({"email": "ada@example.org", "reason": "x"}, "already exists"),
        ({"email": "sam@gmail", "reason": "x"}, "E-mail can&#39;t reach gmail"),
    ):
        answer = admin.send_form(page, **fields)
        assert answer.status_code == 422
        assert said in answer.text
        assert f'value="{fields["email"]}"' in answer.text
    said = admin.get(admin.send_form(page, email=NEW, reason="Married").location).text
    assert "We&#39;ve e-mailed both addresses." in said
    assert address_of(sql, student) == NEW
    assert student.get("/api/session").get_json()["user"] is None
    assert Browser(app).sign_in(NEW).status_code == 303
    assert mailed(sql, "mistaken@example.org")[0].endswith("changed by the school")
    assert mailed(sql, NEW)[0] == "Your new e-mail address"
    entry = sql("SELECT * FROM audit_entries WHERE action = 'user.email_changed' ORDER BY id")[-1]
    assert (entry.actor_id, entry.reason) == (admin.user_id, "Married")
    Browser(app).send_form(undo)  # an admin's word is the last
    assert address_of(sql, student) == NEW


def test_an_admin_helps_whom_no_mail_reached(
    app: Flask, admin: Browser, act: Act, sql: Sql
) -> None:
    """Whoever registered may be somebody else: their password ends, as when an admin vouches."""
    course = act(a_course_open_to_all)
    stranger = Browser(app)
    form = {"name": "Kim", "email": "kim@gmail.example", "password": "the stranger's words"}
    stranger.send_form("/register", **form)
    [(kim,)] = sql("SELECT id FROM users WHERE email = 'kim@gmail.example'")
    page = f"/admin/students/{kim}/address"
    assert "never confirmed" in admin.get(page).text
    theirs = text_of(admin.get(f"/admin/students/{kim}").text)
    assert "Sign-in Not until the address is confirmed" in theirs
    assert theirs.count("Courses can be given once the address is confirmed.") == 2
    assert f"/admin/students/{kim}/enroll" not in admin.get(f"/admin/students/{kim}").text
    said = admin.get(admin.send_form(page, email=NEW, reason="Typing error").location).text
    assert "We&#39;ve sent an invitation to the new address." in said
    assert sql("SELECT course_id FROM enrollments WHERE user_id = :id", id=kim) == [(course,)]
    assert stranger.sign_in(NEW, "the stranger's words").status_code == 422
    mails = sql("SELECT recipient, subject FROM outbox_emails")
    assert [tuple(mail) for mail in mails] == [(NEW, "Your account is ready")]


def test_where_no_mail_can_be_sent_an_admin_changes_it(
    app: Flask, student: Browser, admin: Browser, sql: Sql
) -> None:
    app.config["LMS_ENV"] = "production"
    assert "only an admin can change your address" in student.get("/profile").text
    answer = student.send_form("/profile/address", email=NEW, current_password=PASSWORD)
    assert answer.status_code == 503
    assert "Ask an admin" in answer.text
    form = {"email": NEW, "reason": "Asked at the desk"}
    admin.send_form(f"/admin/students/{student.user_id}/address", **form)
    assert address_of(sql, student) == NEW


def test_where_no_mail_can_be_sent_an_admin_hands_over_a_link(
    app: Flask, student: Browser, admin: Browser, sql: Sql
) -> None:
    app.config["LMS_ENV"] = "production"
    page = student.get("/forgot").text
    assert "Ask an admin of your school" in page
    assert "<form class" not in page
    address = f"/admin/students/{student.user_id}/password-link"
    assert "/reset/" not in admin.get(address).text
    answer = admin.send_form(address, reason="Came to the desk")
    assert "no-store" in answer.headers["Cache-Control"]
    link = re.search(r"http://localhost(/reset/[^<]+)</textarea>", answer.text)
    assert link is not None
    entry = sql("SELECT * FROM audit_entries WHERE action = 'password.link_made'")[0]
    assert (entry.actor_id, entry.student_id) == (admin.user_id, student.user_id)
    assert entry.reason == "Came to the desk"
    assert link[1] not in str(entry)
    other = Browser(app)
    assert other.send_form(link[1], password="a new one of mine").status_code == 303
    assert other.send_form(link[1], password="once more, please").location == "/forgot"
    assert other.sign_in(OLD, "a new one of mine").status_code == 303


def test_a_link_of_a_deactivated_account_is_refused(
    student: Browser, admin: Browser, act: Act
) -> None:
    act(enrollment.deactivate_user, student.user_id, by=admin.user_id)
    assert "password-link" not in admin.get(f"/admin/students/{student.user_id}").text
    answer = admin.send_form(f"/admin/students/{student.user_id}/password-link")
    assert answer.status_code == 404
    assert "Reactivate it first" in answer.text


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
