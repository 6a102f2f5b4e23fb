"""Fresh proof: asked for before what cannot be undone, ten minutes on, with nothing typed lost."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from pyotp import TOTP
from werkzeug.test import TestResponse

from lms.db import at, now
from tests.authenticator import Passkey
from tests.builders import a_student, an_admin
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act
from tests.web.factors import HOST, SET_UP, add_app, add_passkey, asked
from tests.web.pages import text_of

LATER = timedelta(minutes=11)
REASON = 'New <b>teacher</b> & "head"'


@pytest.fixture
def stale(admin: Browser) -> Iterator[Browser]:
    """Ada's browser eleven minutes after she signed in."""
    with at(now() + LATER):
        yield admin


def proved(browser: Browser, page: TestResponse, **fields: str) -> TestResponse:
    """Send the form of the page that asks for a proof, and go where it leads."""
    forms = re.findall(r"<form.*?</form>", page.text, re.DOTALL)
    [form] = [each for each in forms if "current-password" in each]
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    carried = {name: unescape(value) for name, value in hidden}
    [action] = re.findall(r'action="([^"]+)"', form)
    sent = {**carried, **{f"proof-{name}": value for name, value in fields.items()}}
    answer = browser.post(unescape(action), data=sent)
    if answer.status_code == 307:  # a browser sends the same again; Werkzeug's has read it away
        answer = browser.post(answer.headers["Location"], data=sent)
    return browser.get(answer.headers["Location"]) if answer.status_code == 303 else answer


def sent_again(browser: Browser, page: TestResponse) -> TestResponse:
    """Send what a page keeps that says that the database is away."""
    [form] = re.findall(r"<form.*?</form>", page.text, re.DOTALL)
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)
    [action] = re.findall(r'action="([^"]+)"', form)
    return browser.post(unescape(action), data={name: unescape(value) for name, value in hidden})


def make_admin(browser: Browser, student: int) -> TestResponse:
    return browser.send_form(f"/admin/students/{student}/make-admin", reason=REASON)


@pytest.fixture
def back(app: Flask, sql: Sql) -> Callable[[], object]:
    """Let the database take no proof, as if it were away, until this is called."""
    if app.config["DATABASE_URL"].startswith("sqlite"):
        words = "SELECT RAISE(ABORT, 'database is locked')"
        sql(f"CREATE TRIGGER away BEFORE UPDATE OF proved_at ON sign_ins BEGIN {words}; END")
        drop = "DROP TRIGGER away"
    else:
        sql(
            "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE SQLSTATE '57P01'; END $$",
            "CREATE TRIGGER away BEFORE UPDATE OF proved_at ON sign_ins FOR EACH ROW"
            " EXECUTE FUNCTION away()",
        )
        drop = "DROP TRIGGER away ON sign_ins"
    return lambda: sql(drop)


def test_within_ten_minutes_of_signing_in_nobody_is_asked(
    admin: Browser, act: Act, sql: Sql
) -> None:
    student = act(a_student)
    with at(now() + timedelta(minutes=9)):
        assert make_admin(admin, student).status_code == 303
    assert sql("SELECT role FROM users WHERE id = :id", id=student) == [("admin",)]


def test_what_was_typed_is_carried_through_a_wrong_and_a_right_proof(
    stale: Browser, act: Act, sql: Sql
) -> None:
    student = act(a_student)
    page = make_admin(stale, student)
    assert page.status_code == 403
    wrong = proved(stale, page, password="a guess")
    assert wrong.status_code == 422
    assert "This isn't your current password" in unescape(wrong.text)
    assert sql("SELECT role FROM users WHERE id = :id", id=student) == [("student",)]
    done = proved(stale, wrong, password=PASSWORD)
    assert "This person is now an admin" in done.text
    [entry] = sql("SELECT reason FROM audit_entries WHERE action = 'user.role_changed'")
    assert entry.reason == REASON
    make_student = f"/admin/admins/{student}/make-student"
    assert stale.send_form(make_student, reason="").status_code == 303


def test_a_change_whose_proof_met_no_database_can_be_sent_again(
    stale: Browser, act: Act, sql: Sql, back: Callable[[], object]
) -> None:
    student = act(a_student)
    failed = proved(stale, make_admin(stale, student), password=PASSWORD)
    assert (failed.status_code, "Send it again" in failed.text) == (503, True)
    assert PASSWORD not in failed.text
    back()
    again = sent_again(stale, failed)
    assert again.status_code == 403  # a proof is kept nowhere: it is asked for once more
    assert "This person is now an admin" in proved(stale, again, password=PASSWORD).text
    [entry] = sql("SELECT reason FROM audit_entries WHERE action = 'user.role_changed'")
    assert entry.reason == REASON


def test_a_proof_alone_that_met_no_database_is_not_sent_again(
    stale: Browser, back: Callable[[], object]
) -> None:
    page = stale.get("/profile/proof?next=/admin/payments.csv")
    failed = proved(stale, page, password=PASSWORD)
    assert failed.status_code == 503
    assert "Send it again" not in failed.text
    assert "Try again in a few seconds" in failed.text


def test_what_cannot_be_undone_asks_for_a_proof(stale: Browser, act: Act, sql: Sql) -> None:
    student, other = act(a_student), act(an_admin)
    asks = [
        (f"/admin/students/{student}/make-admin", {"reason": ""}),
        (f"/admin/students/{student}/delete", {"reason": ""}),
        (f"/admin/admins/{other}/make-student", {"reason": ""}),
        (f"{SET_UP}/codes", {}),
        (f"{SET_UP}/1/remove", {}),
        (f"/admin/people/{student}/reset-factors", {"reason": "Lost phone"}),
        (f"/admin/students/{student}/address", {"email": "new@example.org", "reason": "A slip"}),
        (f"/admin/students/{student}/password-link", {"reason": "No mail arrives"}),
        (f"/admin/erasures/{student}/grant", {"reason": "Asked by letter"}),
    ]
    before = sql("SELECT id, role FROM users ORDER BY id")
    for address, fields in asks:
        page = stale.send_form(address, **fields)
        assert page.status_code == 403, address
        assert "Confirm that it" in page.text
    assert sql("SELECT id, role FROM users ORDER BY id") == before
    for address in ("/admin/payments.csv", f"{SET_UP}/app", f"{SET_UP}/passkey"):
        assert stale.get(address).headers["Location"] == f"/profile/proof?next={address}"
    assert stale.send_form(f"/admin/students/{student}/deactivate", reason="").status_code == 303


def test_a_file_is_given_by_the_page_that_says_thank_you(stale: Browser) -> None:
    page = stale.get("/admin/payments.csv", follow_redirects=True)
    done = proved(stale, page, password=PASSWORD)
    assert 'href="/admin/payments.csv"' in done.text
    assert stale.get("/admin/payments.csv").mimetype == "text/csv"


def test_a_page_is_gone_on_to_at_once(stale: Browser) -> None:
    page = stale.get(f"{SET_UP}/app", follow_redirects=True)
    assert "Scan this with the app" in proved(stale, page, password=PASSWORD).text


def test_guesses_at_the_password_are_limited_here_too(stale: Browser, act: Act) -> None:
    page = make_admin(stale, act(a_student))
    for _ in range(11):
        page = proved(stale, page, password="a guess")
    assert page.status_code == 429
    assert int(page.headers["Retry-After"]) > 0


@pytest.mark.parametrize("way", ["code", "passkey"])
def test_a_second_factor_proves_it_as_well(admin: Browser, act: Act, sql: Sql, way: str) -> None:
    passkey = Passkey(rp_id=HOST, origin=f"http://{HOST}")
    key, _ = add_app(admin)
    add_passkey(admin, passkey)
    student = act(a_student)
    with at(now() + LATER):
        page = make_admin(admin, student)
        if way == "code":
            done = proved(admin, page, code=TOTP(key).at(now()))
        else:
            challenge, state = asked(admin, "/profile/proof/passkey")
            done = proved(admin, page, credential=passkey.get(challenge), state=state)
        assert "This person is now an admin" in done.text


def test_the_codes_that_prove_it_are_named(admin: Browser, student: Browser, act: Act) -> None:
    hint = "Instead of the password, you can enter a"
    add_passkey(admin, Passkey(rp_id=HOST, origin=f"http://{HOST}"))
    with at(now() + LATER):
        asking = text_of(make_admin(admin, act(a_student)).text)
    assert f"{hint} recovery code." in asking
    add_app(admin)
    with at(now() + LATER):
        asking = text_of(make_admin(admin, student.user_id).text)
    assert f"{hint} code from your app or a recovery code." in asking


def test_json_is_told_how_to_prove_it(stale: Browser) -> None:
    refund = "/api/admin/payments/1/refund"
    refused = stale.send_json("POST", refund, {})
    assert refused.status_code == 403
    assert refused.get_json()["code"] == "forbidden"
    assert "/api/session/proof" in refused.get_json()["detail"]
    wrong = stale.send_json("POST", "/api/session/proof", {"password": "a guess"})
    assert wrong.status_code == 422
    assert wrong.get_json()["errors"] == {
        "password": [
            "This isn't your current password. If you've forgotten it, sign out and choose"
            " “Forgot your password?”."
        ]
    }
    assert stale.send_json("POST", "/api/session/proof", {"password": PASSWORD}).status_code == 204
    assert stale.send_json("POST", refund, {}).get_json()["code"] == "payments_unavailable"


def test_a_proof_leads_nowhere_outside(stale: Browser) -> None:
    for target in ("https://evil.test/", "//evil.test", "/login"):
        fields = {
            "proof-password": PASSWORD,
            "proof-action": target,
            "proof-csrf_token": stale.csrf_token(),
        }
        answer = stale.send_form(f"/profile/proof?next={target}", **fields)
        assert answer.headers["Location"] == "/admin/requests"


def test_nobody_proves_without_a_session(app: Flask, browser: Browser) -> None:
    for address in ("/profile/proof", "/profile/proof/passkey"):
        assert browser.get(address).headers["Location"].startswith("/login")
    assert browser.send_json("POST", "/api/session/proof", {"password": "x"}).status_code == 401


def test_a_proof_without_anything_counts_as_no_try(admin: Browser, act: Act, sql: Sql) -> None:
    student = act(a_student)
    with at(now() + LATER):
        page = make_admin(admin, student)
        assert "optional" not in page.text
        empty = proved(admin, page, password="")
        assert empty.status_code == 422
        assert "Enter your password." in empty.text
    admin.sign_in("ada@example.org")
    add_app(admin)
    with at(now() + LATER):
        assert (
            "Enter your password or a code."
            in proved(admin, make_admin(admin, student), password="").text
        )
    assert sql("SELECT * FROM allowances") == []
