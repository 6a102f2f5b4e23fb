"""Signing in and out, registering and the profile, as a browser sees them."""

import re
import time
from typing import Any
from urllib.parse import quote

import pytest
from argon2 import PasswordHasher
from flask import Flask

from lms import enrollment
from lms.accounts import passwords
from tests.web.browser import PASSWORD, Browser

ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "////evil.example/a",
    "http://evil.example",
    "https://evil.example/student/dashboard",
    "HTTPS://evil.example",
    "http:/evil.example",
    "http:evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,hello",
    "mailto:somebody@evil.example",
    "ftp://evil.example/",
    "\\\\evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    "/\r\nLocation: http://evil.example",
    "/\x00/evil.example",
    "/\x1b[2J",
    "/\u2028/evil.example",
    "/\u202eevil",
    " //evil.example",
    " /student/courses",
    "evil.example",
    "student/courses",
    "./student/courses",
    "../student/courses",
    "?next=/a",
    "#top",
    "//",
    "//[evil",
    "http://[evil",
    "@evil.example",
    "//user:password@evil.example",
    "/" + "a" * 2000,
    "/login",
    "/login?next=/login",
    "/logout",
    "/register",
    "/api/session",
    "/student/../logout",
    "/./api/session",
    "/portal/%2E%2e/evil",
    "/..",
]


@pytest.mark.parametrize("role", ["student", "admin"])
def test_signing_in_leads_to_the_home_of_the_role(
    browser: Browser, add_person: Any, role: str
) -> None:
    add_person("x@test.local", role=role)
    answer = browser.sign_in("  X@Test.Local ")
    home = "/admin/requests" if role == "admin" else "/student/dashboard"
    assert (answer.status_code, answer.location) == (303, home)
    assert browser.get("/").location == home


@pytest.mark.parametrize("target", ["/student/courses?page=2&q=a%20b", "/student/courses/7#top"])
def test_signing_in_leads_back_to_the_page_asked_for(
    browser: Browser, add_person: Any, target: str
) -> None:
    add_person("x@example.org")
    address = f"/login?next={quote(target, safe='')}"
    page = browser.get(address).text
    action = re.search(r'action="(/login[^"]*)"', page)
    assert action is not None
    sent = browser.send_form(
        action[1].replace("&amp;", "&"), email="x@example.org", password=PASSWORD
    )
    assert (sent.status_code, sent.location) == (303, target)


def test_signing_in_never_leads_out_of_the_portal(app: Flask, student: Browser) -> None:
    browser = Browser(app)
    for target in ELSEWHERE:
        address = f"/login?next={quote(target, safe='')}"
        sent = browser.send_form(address, email="sam@example.org", password=PASSWORD)
        assert (sent.status_code, sent.location) == (303, "/student/dashboard"), target
        # and neither for somebody who is signed in already
        assert student.get(address).location == "/student/dashboard", target


def test_a_private_page_leads_to_sign_in_and_back(student: Browser, browser: Browser) -> None:
    asked = browser.get("/profile")
    assert (asked.status_code, asked.location) == (303, "/login?next=/profile")
    assert student.get("/profile").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("sam@example.org", "not the password"),
        ("nobody@example.org", PASSWORD),
        ("closed@example.org", PASSWORD),
        ("nul\x00@example.org", PASSWORD),
        ("no address", PASSWORD),
        ("sam@example.org", "x" * 50_000),
    ],
)
def test_failed_sign_ins_look_the_same(
    app: Flask, browser: Browser, add_person: Any, email: str, password: str
) -> None:
    add_person("ada@example.org", role="admin")
    add_person("sam@example.org")
    closed = add_person("closed@example.org")
    with app.app_context():
        enrollment.deactivate_user(closed, by=None)
    answer = browser.send_form("/login", email=email, password=password)
    assert answer.status_code == 422
    assert "The e-mail or password is wrong." in answer.text
    assert password not in answer.text
    assert browser.get("/api/session").get_json()["user"] is None
    reference = browser.send_form("/login", email="other@example.org", password="and wrong too")

    def shape(page: str, typed: str) -> str:
        page = page.replace(typed.replace("\x00", "\ufffd"), "EMAIL").replace(typed, "EMAIL")
        return re.sub(r'(?<=csrf_token" value=)"[^"]+"|"X-CSRFToken": "[^"]+"', "TOKEN", page)

    assert shape(answer.text, email) == shape(reference.text, "other@example.org")


def test_failed_sign_ins_take_as_long_for_unknown_e_mails(
    app: Flask, browser: Browser, add_person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=3, memory_cost=32_768))
    monkeypatch.setattr(passwords, "_dummy_hash", "")
    add_person("known@example.org")
    browser.sign_in("warm-up@example.org")

    def seconds(email: str) -> float:
        start = time.process_time()  # whatever else the machine does meanwhile
        browser.send_form("/login", email=email, password="not the password")
        return time.process_time() - start

    known = min(seconds("known@example.org") for _ in range(4))
    unknown = min(seconds("unknown@example.org") for _ in range(4))
    assert 0.5 < known / unknown < 2


def test_a_failed_sign_in_keeps_what_was_typed_but_the_password(browser: Browser) -> None:
    answer = browser.send_form("/login", email="typed@example.org", password="my secret words")
    assert 'value="typed@example.org"' in answer.text
    assert "my secret words" not in answer.text


def test_an_empty_sign_in_says_what_is_missing(browser: Browser) -> None:
    answer = browser.send_form("/login")
    assert answer.status_code == 422
    assert "Enter your e-mail address." in answer.text
    assert "Enter your password." in answer.text


def test_an_expired_form_comes_back_with_what_was_typed(browser: Browser, add_person: Any) -> None:
    add_person("x@example.org")
    for token in ("", "stale"):
        answer = browser.post(
            "/login", data={"email": "x@example.org", "password": PASSWORD, "csrf_token": token}
        )
        assert answer.status_code == 400
        assert "This form has expired" in answer.text
        assert 'value="x@example.org"' in answer.text
    assert browser.get("/api/session").get_json()["user"] is None


def test_forms_of_a_session_that_has_ended_lead_to_the_sign_in_page(browser: Browser) -> None:
    own = ("/profile", "/profile/password", "/profile/emails", "/logout")
    for address in (*own, "/student/courses/1/request", "/admin/requests"):
        answer = browser.post(address, data={"csrf_token": "of the session that has ended"})
        assert (answer.status_code, answer.location) == (303, "/login"), address
        sent_by_htmx = browser.post(address, headers={"HX-Request": "true"})
        assert sent_by_htmx.headers.get("HX-Redirect", "/login") == "/login", address


def test_signing_out_without_the_token_changes_nothing(student: Browser) -> None:
    assert student.post("/logout").status_code == 400
    assert student.get("/api/session").get_json()["user"] is not None
    assert student.get("/logout").status_code == 405


def test_the_session_and_its_csrf_token_change_at_sign_in(
    browser: Browser, add_person: Any
) -> None:
    add_person("x@example.org")
    before = browser.csrf_token()
    browser.sign_in("x@example.org")
    first = browser.get_cookie("portal")
    refused = browser.post("/logout", data={"csrf_token": before})
    assert refused.status_code == 400
    browser.sign_in("x@example.org")
    second = browser.get_cookie("portal")
    assert first is not None
    assert second is not None
    assert first.value != second.value
    assert _is_dead(browser, first.value)


def test_a_copied_cookie_is_dead_after_sign_out(student: Browser) -> None:
    cookie = student.get_cookie("portal")
    assert cookie is not None
    out = student.send_form("/logout")
    assert (out.status_code, out.location) == (303, "/login")
    assert _is_dead(student, cookie.value)


def test_a_copied_cookie_is_dead_after_deactivation_and_deletion(
    app: Flask, browser: Browser, add_person: Any
) -> None:
    for end in (enrollment.deactivate_user, enrollment.delete_user):
        person = add_person(f"{end.__name__}@example.org")
        browser.sign_in(f"{end.__name__}@example.org")
        assert browser.get("/api/session").get_json()["user"]["id"] == person
        with app.app_context():
            end(person, by=None)
        assert browser.get("/api/session").get_json()["user"] is None


def test_changing_the_password_signs_every_other_browser_out(app: Flask, student: Browser) -> None:
    other = Browser(app)
    other.sign_in("sam@example.org")
    changed = student.send_form(
        "/profile/password", current_password=PASSWORD, password="quite another one"
    )
    assert (changed.status_code, changed.location) == (303, "/profile")
    assert student.get("/api/session").get_json()["user"] is not None
    assert other.get("/api/session").get_json()["user"] is None
    assert other.sign_in("sam@example.org").status_code == 422
    assert other.sign_in("sam@example.org", "quite another one").status_code == 303


def test_changing_the_password_needs_the_present_one(student: Browser) -> None:
    for fields, message in (
        (
            {"current_password": "wrong", "password": "quite another one"},
            "isn&#39;t your current",
        ),
        ({"current_password": PASSWORD, "password": "short"}, "at least 8"),
        ({"current_password": PASSWORD, "password": PASSWORD}, "Choose a different"),
        ({"current_password": PASSWORD, "password": "sam@example.org"}, "too easy to guess"),
        ({"current_password": PASSWORD, "password": "iloveyou1"}, "too common"),
        ({"current_password": PASSWORD}, "Choose a password."),
    ):
        answer = student.send_form("/profile/password", **fields)
        assert answer.status_code == 422
        assert message in answer.text
    assert student.sign_in("sam@example.org").status_code == 303


def test_guessing_the_present_password_runs_into_the_limit(student: Browser) -> None:
    wrong = {"current_password": "a wrong guess", "password": "quite another one"}
    statuses = [student.send_form("/profile/password", **wrong).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_the_name_can_be_changed(student: Browser) -> None:
    assert student.send_form("/profile", name="  Samira   Student ").status_code == 303
    assert student.get("/api/session").get_json()["user"]["name"] == "Samira Student"
    for name in ("", "   ", "x" * 121, "nul\x00"):
        answer = student.send_form("/profile", name=name)
        assert answer.status_code == 422
    assert student.get("/api/session").get_json()["user"]["name"] == "Samira Student"


def test_a_signed_in_person_is_led_home_from_sign_in_and_registration(student: Browser) -> None:
    for address in ("/login", "/register"):
        answer = student.get(address)
        assert (answer.status_code, answer.location) == (303, "/student/dashboard")


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(
    app: Flask, student: Browser, browser: Browser, sql: Any
) -> None:
    asked = browser.send_form("/forgot", email="Sam@Example.org")
    assert (asked.status_code, asked.location) == (303, "/login")
    path = _link(sql)
    assert browser.get(path).status_code == 200
    assert browser.get(path).status_code == 200  # mail scanners open links too
    for weak in ("short", "football1", "sam@example.org"):
        assert browser.send_form(path, password=weak).status_code == 422
    done = browser.send_form(path, password="a brand-new one")
    assert (done.status_code, done.location) == (303, "/login")
    assert student.get("/api/session").get_json()["user"] is None
    assert browser.sign_in("sam@example.org").status_code == 422
    assert browser.sign_in("sam@example.org", "a brand-new one").status_code == 303
    for answer in (Browser(app).get(path), Browser(app).send_form(path, password="once more!")):
        assert (answer.status_code, answer.location) == (303, "/forgot")


def test_asking_for_a_new_password_tells_nothing_about_accounts(
    browser: Browser, student: Browser, sql: Any
) -> None:
    answers = []
    for email in ("sam@example.org", "nobody@example.org", "nul\x00", "no address"):
        sent = browser.send_form("/forgot", email=email)
        answers.append((sent.status_code, sent.location, _flash(browser)))
    assert len(set(answers)) == 1
    assert sql("SELECT recipient FROM outbox_emails") == [("sam@example.org",)]


def test_a_forged_reset_link_leads_to_asking_for_one(browser: Browser) -> None:
    for token in ("x", "WzEsImEiXQ.aaaa.bbbb", "%00", "a.b.c"):
        answer = browser.get(f"/reset/{token}")
        assert (answer.status_code, answer.location) == (303, "/forgot")


def _link(sql: Any) -> str:
    link: str = sql("SELECT link FROM outbox_emails ORDER BY id DESC")[0][0]
    assert link.startswith("http://localhost/reset/")
    return link.removeprefix("http://localhost")


def _flash(browser: Browser) -> str:
    found = re.search(r'id="flashes".*?</div>\n', browser.get("/login").text, re.DOTALL)
    assert found is not None
    return found[0]


def _is_dead(browser: Browser, cookie: str) -> bool:
    thief = Browser(browser.application)
    thief.set_cookie("portal", cookie)
    return thief.get("/api/session").get_json()["user"] is None
