"""Registering: an account gets nothing before its address is known to be the person's own."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from lms import accounts, enrollment
from lms.db import at, now
from lms.importing import import_roster
from lms.refusals import AddressNotConfirmed
from tests.builders import a_course, a_course_open_to_all
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson

EMAIL, PASSWORD = "new@school.test", "a good password"
OPENING = {"name": "New Person", "password": PASSWORD}
"""What a browser sends that opens the link and has not registered."""


def register(browser: Browser, password: str = PASSWORD, email: str = EMAIL) -> None:
    answer = browser.send_form("/register", name="New Person", email=email, password=password)
    assert (answer.status_code, answer.location) == (303, "/register/sent")


def link(sql: Sql) -> str:
    """Return the path of the latest link that was mailed."""
    address = sql("SELECT link FROM outbox_emails ORDER BY id DESC LIMIT 1")[0].link
    return str(re.sub(r"^https?://[^/]+", "", address))


def _without_tokens(page: str, email: str) -> str:
    return re.sub(r"[\w-]+\.[\w-]+\.[\w-]{27}", "", page.replace(email, ""))


def test_the_link_opens_the_account_and_signs_in(browser: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course_open_to_all)
    register(browser, email=" New@School.test ")
    page = browser.get("/register/sent").text
    assert "Check your e-mail" in page
    assert "New@School.test" in page
    assert "no-store" in browser.get("/register/sent").headers["Cache-Control"]
    assert browser.get("/api/session").get_json()["user"] is None
    assert sql("SELECT email_verified_at FROM users") == [(None,)]
    assert sql("SELECT * FROM enrollments") == []

    answer = browser.get(link(sql))
    assert (answer.status_code, answer.location) == (303, "/student/dashboard")
    user = browser.get("/api/session").get_json()["user"]
    assert (user["email"], user["name"], user["role"]) == (EMAIL, "New Person", "student")
    assert sql("SELECT course_id FROM enrollments") == [(course,)]
    assert sql("SELECT count(*) FROM users WHERE email_verified_at IS NOT NULL") == [(1,)]


def test_a_link_works_once_and_not_for_ever(app: Flask, browser: Browser, sql: Sql) -> None:
    with at(now() - timedelta(days=3, minutes=1)):
        register(browser)
    old = link(sql)
    register(browser, "another good password")
    for dead in (old, "/verify/nonsense"):
        assert browser.get(dead).location == "/verify"
        assert "used or has expired" in browser.get("/verify").text
    good = link(sql)
    browser.get(good)
    dead = "/verify/nonsense"
    for again, said in ((good, "already conf"), (old, "already conf"), (dead, "has expired")):
        assert browser.get(again).location == "/student/dashboard"
        assert said in browser.get("/student/dashboard").text
    assert Browser(app).get(good).location == "/login"


def test_another_browser_chooses_a_password_before_it_is_let_in(app: Flask, sql: Sql) -> None:
    """A stranger who registered with an address must not get in by its owner's click."""
    stranger, owner = Browser(app), Browser(app)
    register(stranger, "the stranger's words")
    page = owner.get(link(sql))
    assert page.status_code == 200
    assert f"choose a password for your account, {EMAIL}" in page.text
    assert sql("SELECT email_verified_at FROM users") == [(None,)]
    assert owner.send_form(link(sql), name="New Person", password="short").status_code == 422
    assert owner.send_form(link(sql), **OPENING).location == "/student/dashboard"
    assert stranger.sign_in(EMAIL, "the stranger's words").status_code == 422
    assert Browser(app).sign_in(EMAIL, PASSWORD).status_code == 303


def test_whoever_registers_last_keeps_no_other_from_the_address(app: Flask, sql: Sql) -> None:
    owner, stranger = Browser(app), Browser(app)
    with at(now() - timedelta(minutes=6)):
        register(owner)
    first = link(sql)
    register(stranger, "the stranger's words")
    assert owner.get(first).location == "/verify"
    assert owner.get(link(sql)).status_code == 200  # not let in by the stranger's password
    assert owner.send_form(link(sql), **OPENING).status_code == 303
    assert stranger.get("/api/session").get_json()["user"] is None


def test_no_stranger_names_the_owner_of_an_address(app: Flask, sql: Sql) -> None:
    owner, stranger = Browser(app), Browser(app)
    with at(now() - timedelta(minutes=6)):
        register(owner)
    fields = {"name": "Silly Goose", "email": EMAIL, "password": "the stranger's words"}
    stranger.send_form("/register", **fields)
    page = owner.get(link(sql)).text
    assert "As it was entered at registration" in page
    assert 'value="Silly Goose"' in page
    for missing in ({"name": " "}, {}):
        nameless = owner.send_form(link(sql), password=PASSWORD, **missing)
        assert nameless.status_code == 422
        assert "Enter a name" in nameless.text
    guessable = owner.send_form(link(sql), name="Veronica Vale", password="veronica vale")
    assert "too easy to guess" in guessable.text
    assert 'value="Veronica Vale"' in guessable.text
    owner.send_form(link(sql), name="Veronica Vale", password=PASSWORD)
    assert sql("SELECT name FROM users") == [("Veronica Vale",)]
    assert owner.get("/api/session").get_json()["user"]["name"] == "Veronica Vale"


def test_no_mailbox_is_flooded_by_registering_again_and_again(app: Flask, sql: Sql) -> None:
    """And whoever registers a moment after a stranger gets in by the stranger's link."""
    stranger, owner = Browser(app), Browser(app)
    register(stranger, "the stranger's words")
    before = sql("SELECT * FROM users")
    for _ in range(3):
        register(owner)
    assert sql("SELECT count(*) FROM outbox_emails") == [(1,)]
    assert sql("SELECT * FROM users") == before
    assert owner.send_form(link(sql), **OPENING).location == "/student/dashboard"
    assert stranger.sign_in(EMAIL, "the stranger's words").status_code == 422


def test_a_sign_in_before_that_leads_to_the_link_alone(
    browser: Browser, add_person: AddPerson, sql: Sql
) -> None:
    """Of a known address, too: what tells the two apart would tell that it was known."""
    add_person("taken@example.org")
    pages = []
    for email in ("taken@example.org", EMAIL):
        register(browser, email=email)
        page = browser.sign_in(email, PASSWORD)
        assert page.status_code == 422
        assert "no-store" in page.headers["Cache-Control"]
        pages.append(_without_tokens(page.text, email))
        sql("DELETE FROM outbox_emails")
        assert browser.send_form("/verify", email=email).location == "/login"
        assert "we&#39;ve sent the link again" in browser.get("/login").text
    assert pages[0] == pages[1]
    assert "Send the link again" in pages[0]
    assert browser.get("/student/courses").status_code == 303
    assert sql("SELECT * FROM sign_ins") == []
    assert sql("SELECT recipient FROM outbox_emails") == [(EMAIL,)]
    browser.get(link(sql))
    assert sql("SELECT count(*) FROM sign_ins") == [(1,)]


def test_another_browser_does_not_learn_whether_an_address_was_known(
    app: Flask, add_person: AddPerson, sql: Sql
) -> None:
    add_person("taken@example.org")
    for email in (EMAIL, "taken@example.org"):
        register(Browser(app), email=email)
    failures = []
    pages = []
    for email in (EMAIL, "taken@example.org", "nobody@example.org"):
        answer = Browser(app).sign_in(email, PASSWORD)
        assert answer.status_code == 422
        assert "have the link sent again" in answer.text
        pages.append(_without_tokens(answer.text, email))
        failures.append(sql("SELECT count(*) FROM allowances")[0][0])
    assert pages[0] == pages[1] == pages[2]
    assert failures[1] - failures[0] == failures[2] - failures[1] > 0


def test_registering_and_confirming_lead_to_where_one_was_going(app: Flask, sql: Sql) -> None:
    fields = {"name": "New Person", "email": EMAIL, "password": PASSWORD}
    for number, browser in enumerate((Browser(app), Browser(app))):
        fields["email"] = f"{number}{EMAIL}"
        sent = browser.send_form("/register?next=/student/courses", **fields)
        assert "/login?next=/student/courses" in browser.get(sent.location).text
    assert browser.get(link(sql)).location == "/student/courses"
    sql("DELETE FROM outbox_emails")
    browser.send_form("/verify?next=/student/progress", email=f"0{EMAIL}")
    other = Browser(app)
    assert f'action="{link(sql)}"' in other.get(link(sql)).text
    assert other.send_form(link(sql), **OPENING).location == "/student/progress"
    register(other, email="last@example.org")
    elsewhere = link(sql) + "?next=//elsewhere.test"
    assert other.get(elsewhere).location == "/student/dashboard"


def test_whoever_is_deactivated_is_not_sent_to_sign_in(
    app: Flask, browser: Browser, admin: Browser, act: Act, sql: Sql
) -> None:
    register(browser)
    person = sql("SELECT id FROM users WHERE email = :email", email=EMAIL)[0].id
    act(enrollment.deactivate_user, person, by=admin.user_id)
    before = sql("SELECT * FROM users WHERE id = :id", id=person)
    with at(now() + timedelta(minutes=6)):
        register(Browser(app))
    assert sql("SELECT * FROM users WHERE id = :id", id=person) == before
    [mail] = sql("SELECT subject, body FROM outbox_emails ORDER BY id DESC LIMIT 1")
    assert mail.subject == "Your account is deactivated"
    assert "sign in" not in mail.body


def test_a_page_that_could_send_no_link_takes_no_words(app: Flask, browser: Browser) -> None:
    app.config["LMS_ENV"] = "production"
    for address in ("/register", "/verify"):
        assert browser.get(address).status_code == 503


def test_an_unproven_student_stays_one_and_the_admin_reads_why(
    browser: Browser, admin: Browser, sql: Sql
) -> None:
    register(browser)
    student = sql("SELECT id FROM users WHERE email = :email", email=EMAIL)[0].id
    address = f"/admin/students/{student}"
    assert admin.send_form(f"{address}/make-admin").location == address
    assert "or confirm it on their page" in admin.get(address).text
    assert sql("SELECT count(*) FROM users WHERE role = 'admin'") == [(1,)]


def test_a_known_address_gets_the_same_answer_and_its_owner_is_told(
    browser: Browser, add_person: AddPerson, sql: Sql
) -> None:
    person = add_person("taken@example.org")
    before = sql("SELECT * FROM users")
    register(browser, email="TAKEN@example.org")
    assert "Check your e-mail" in browser.get("/register/sent").text
    assert sql("SELECT * FROM users") == before
    [mail] = sql("SELECT recipient, subject FROM outbox_emails")
    assert mail == ("taken@example.org", "You already have an account")
    register(browser, email="taken@example.org")
    assert sql("SELECT count(*) FROM outbox_emails") == [(1,)]
    assert sql("SELECT id FROM users") == [(person,)]


def test_a_reset_by_mail_proves_the_address_too(browser: Browser, act: Act, sql: Sql) -> None:
    act(a_course_open_to_all)
    register(browser)
    browser.send_form("/forgot", email=EMAIL)
    assert browser.send_form(link(sql), password="a newer password").status_code == 303
    assert browser.sign_in(EMAIL, "a newer password").status_code == 303
    assert sql("SELECT count(*) FROM enrollments") == [(1,)]


def test_nothing_is_given_to_an_address_that_is_not_proven(
    browser: Browser, admin: Browser, act: Act, sql: Sql
) -> None:
    register(browser)
    student = sql("SELECT id FROM users WHERE email = :email", email=EMAIL)[0].id
    course = act(a_course)
    for verb in (enrollment.enroll_directly, enrollment.request_access):
        with pytest.raises(AddressNotConfirmed):
            act(verb, student, course)
    answer = admin.send_json("POST", "/api/enrollment", {"studentId": student, "courseId": course})
    assert answer.status_code == 403
    assert answer.get_json()["code"] == "forbidden"
    assert "confirmed" in answer.get_json()["detail"]
    act(a_course_open_to_all)
    assert sql("SELECT * FROM enrollments") == []
    with pytest.raises(AddressNotConfirmed):
        act(enrollment.change_role, student, "admin", by=admin.user_id)


def test_an_admin_vouches_for_an_address_and_the_strangers_password_ends(
    browser: Browser, admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course_open_to_all)
    register(browser, "the stranger's words")
    student = sql("SELECT id FROM users WHERE email = :email", email=EMAIL)[0].id
    assert "Not confirmed" in admin.get("/admin/students").text
    page = admin.get(f"/admin/students/{student}").text
    assert "Address not confirmed" in page
    admin.send_form(f"/admin/students/{student}/enroll", course_id=course)
    assert "or confirm it on their page" in admin.get(f"/admin/students/{student}").text
    for said in ("a link to choose a password", "already confirmed"):
        admin.send_form(f"/admin/students/{student}/confirm")
        assert said in admin.get(f"/admin/students/{student}").text
    assert sql("SELECT count(*) FROM enrollments WHERE user_id = :id", id=student) == [(1,)]
    assert "Not confirmed" not in admin.get("/admin/students").text
    assert browser.sign_in(EMAIL, "the stranger's words").status_code == 422
    subjects = "SELECT subject FROM outbox_emails WHERE subject = 'Choose a new password'"
    assert len(sql(subjects)) == 1


def test_nobody_is_vouched_for_where_no_mail_can_be_sent(
    app: Flask, browser: Browser, admin: Browser, sql: Sql
) -> None:
    register(browser)
    student = sql("SELECT id FROM users WHERE email = :email", email=EMAIL)[0].id
    before = sql("SELECT * FROM users")
    app.config["LMS_ENV"] = "production"
    assert admin.send_form(f"/admin/students/{student}/confirm").status_code == 503
    assert sql("SELECT * FROM users") == before


def test_who_is_added_with_an_unproven_address_is_active_and_gets_it(
    app: Flask, browser: Browser, admin: Browser, act: Act, sql: Sql
) -> None:
    register(browser)
    person = sql("SELECT id FROM users WHERE email = :email", email=EMAIL)[0].id
    act(enrollment.deactivate_user, person, by=admin.user_id)
    act(accounts.create_account, email=EMAIL, name="Kim Park", password=PASSWORD)
    assert browser.sign_in(EMAIL, PASSWORD).status_code == 303
    register(Browser(app), email="right@school.test")
    act(enrollment.set_email, person, "right@school.test", by=admin.user_id)
    assert sql("SELECT email FROM users WHERE role = 'student'") == [("right@school.test",)]


def test_the_link_is_sent_again_only_by_a_form_of_ours(browser: Browser, sql: Sql) -> None:
    register(browser)
    sql("DELETE FROM outbox_emails")
    answer = browser.post("/verify", data={"email": EMAIL})
    assert answer.status_code == 400
    assert f'value="{EMAIL}"' in answer.text
    assert sql("SELECT * FROM outbox_emails") == []


def test_a_password_that_is_handed_over_proves_the_address(
    browser: Browser, act: Act, sql: Sql
) -> None:
    act(a_course_open_to_all)
    register(browser, "the stranger's words")
    person = sql("SELECT id FROM users")[0].id
    act(accounts.set_password, person, PASSWORD, by=None, reason="asked for it")
    assert browser.sign_in(EMAIL, "the stranger's words").status_code == 422
    assert browser.sign_in(EMAIL, PASSWORD).status_code == 303
    assert sql("SELECT user_id FROM enrollments") == [(person,)]


def test_a_roster_takes_an_unproven_account_from_whoever_registered(
    browser: Browser, act: Act, sql: Sql, tmp_path: Path
) -> None:
    register(browser, "the stranger's words")
    course = act(a_course)
    roster = tmp_path / "roster.csv"
    roster.write_text(f"email,name,course_id,action\n{EMAIL},Kim Park,{course},enroll\n")
    act(import_roster, roster, apply=True)
    assert sql("SELECT name, password_hash FROM users") == [("Kim Park", "")]
    assert sql("SELECT count(*) FROM enrollments") == [(1,)]
    assert browser.sign_in(EMAIL, "the stranger's words").status_code == 422


def test_an_admin_who_adds_the_address_takes_it_over(browser: Browser, act: Act, sql: Sql) -> None:
    register(browser, "the stranger's words")
    act(accounts.create_account, email=EMAIL, name="Kim Park", password=PASSWORD)
    assert browser.sign_in(EMAIL, "the stranger's words").status_code == 422
    assert browser.sign_in(EMAIL, PASSWORD).status_code == 303
    assert sql("SELECT name FROM users") == [("Kim Park",)]


@pytest.mark.parametrize(
    "wrong",
    [
        ("email", "no address", "Enter an e-mail address"),
        ("email", "a@b@c", "Enter an e-mail address"),
        ("email", "nul\x00@example.org", "can&#39;t be stored"),
        ("email", "x" * 250 + "@example.org", "Use at most 254 characters"),
        ("email", "", "Enter your e-mail address"),
        ("name", " ", "Enter a name"),
        ("name", "x" * 121, "at most 120"),
        ("password", "short", "at least 8"),
        ("password", "x1" * 65, "at most 128"),
        ("password", "password", "too common"),
        ("password", "aaaaaaaaa", "too common"),
        ("password", "new@example.org", "too easy to guess"),
    ],
)
def test_a_wrong_registration_comes_back_with_a_message_at_the_field(
    browser: Browser, sql: Sql, wrong: tuple[str, str, str]
) -> None:
    field, value, message = wrong
    fields = {"name": "New Person", "email": "new@example.org", "password": "a good password"}
    answer = browser.send_form("/register", **{**fields, field: value})
    assert answer.status_code == 422
    found = re.search(rf'id="{field}-error">.*?</p>', answer.text, re.DOTALL)
    assert found is not None
    assert message in found[0]
    assert "a good password" not in answer.text
    assert sql("SELECT count(*) FROM users") == [(0,)]
