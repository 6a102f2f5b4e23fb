"""What somebody sends after their sign-in has ended: theirs alone, until they upload it again."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask_wtf import FlaskForm
from werkzeug.test import TestResponse
from wtforms import HiddenField, PasswordField
from wtforms.fields.core import UnboundField

from lms import accounts
from lms.accounts.interrupted_forms import KEPT
from lms.accounts.sign_in import IDLE
from lms.db import at, now
from lms.web import interrupted
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act, AddPerson

TEXT = 'Half an hour\'s work.\n\nIt says <b>"so"</b>, and & more.'
OWN = {"Sec-Fetch-Site": "same-origin"}
SECONDS = timedelta(seconds=1)


def _write(admin: Browser, course: int, **headers: str) -> TestResponse:
    """Send a chapter from a page that was opened before the sign-in ended."""
    page = f"http://localhost/admin/courses/{course}/chapters/new"
    token = admin.csrf_token()
    return admin.post(
        f"/admin/courses/{course}/chapters/new",
        data={"csrf_token": token, "title": "The loom", "body": TEXT},
        headers={"Referer": page, **headers},
    )


def _sign_in(browser: Browser, email: str, next_page: str) -> str:
    fields = {"email": email, "password": PASSWORD}
    return str(browser.send_form(next_page, **fields).location)


def _fields(page: str) -> dict[str, str]:
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found}


@pytest.fixture
def course(act: Act) -> int:
    return int(act(a_course, "Weaving"))


def test_what_was_typed_too_long_comes_back_after_signing_in_and_is_saved_on_request(
    admin: Browser, course: int, sql: Sql
) -> None:
    with at(now() + IDLE["admin"] + SECONDS):
        answer = _write(admin, course)
        assert (answer.status_code, answer.location[:20]) == (303, "/login?next=/resume/")
        [kept] = sql("SELECT * FROM interrupted_forms")
        assert "loom" not in str(kept)
        assert answer.location.rpartition("/")[2] not in str(kept)
        address = _sign_in(admin, "ada@example.org", answer.location)
        page = admin.get(address)
        assert "nothing has been saved" in page.text
        assert '">Text</label>' in page.text
        assert "no-store" in page.headers["Cache-Control"]
        assert "Half an hour&#39;s work.\n\nIt says &lt;b&gt;" in page.text
        assert f'href="/admin/courses/{course}/chapters/new"' in page.text
        assert sql("SELECT * FROM chapters") == []
        again = admin.post(address, data=_fields(page.text))
        assert (again.status_code, again.location) == (307, f"/admin/courses/{course}/chapters/new")
        assert admin.post(again.location, data=_fields(page.text)).status_code == 303
        assert sql("SELECT title, body FROM chapters") == [("The loom", TEXT)]
        # An answer may have got lost: for some minutes it can be sent once more.
        assert admin.get(address).status_code == 200
    with at(now() + IDLE["admin"] + timedelta(minutes=11)):
        for answer in (admin.get(address), admin.send_form(address)):
            assert (answer.status_code, answer.location) == (303, "/admin/requests")


def test_money_and_courses_typed_too_long_come_back_in_the_words_of_their_forms(
    admin: Browser,
) -> None:
    forms = (
        ("/admin/payments/new", {"email": "a@example.org", "key": "k"}, {"E-mail"}),
        (
            "/admin/courses/new",
            {"title": "Loom", "code": "L1", "requires_approval": "y"},
            {"Title", "Code", "Requires approval"},
        ),
        (
            "/admin/settings",
            {"name": "Mill", "tax_id": "AT2", "offer_days": "3", "seen": "3"},
            {"Name", "Seller&#39;s tax ID", "Days that an offer holds a seat"},
        ),
        (
            "/profile/emails",
            {"decisions": "y", "messages": "y"},
            {"Updates on my access and certificates", "Messages from the school about my courses"},
        ),
    )
    for times, (address, typed, labels) in enumerate(forms, 1):
        fields = {"csrf_token": admin.csrf_token(), **typed}
        with at(now() + times * (IDLE["admin"] + SECONDS)):
            late = admin.post(address, data=fields, headers=OWN)
            page = admin.get(_sign_in(admin, "ada@example.org", late.location))
            assert set(re.findall(r'<label class="field-label"[^>]*>([^<]*)<', page.text)) == labels
            assert _fields(page.text).items() >= typed.items()


def test_what_any_form_asks_for_is_taken_for_typed(app: Flask) -> None:
    forms = [FlaskForm]
    for form in forms:
        forms += form.__subclasses__()
    fields = {
        (name, field.field_class)
        for form in forms
        for name, field in vars(form).items()
        if isinstance(field, UnboundField)
    }
    asked = {name for name, kind in fields if not issubclass(kind, HiddenField | PasswordField)}
    kept_nowhere = {"code", "secret_address"}
    assert {"title", "decisions", "tax_id"} < asked
    assert {name for name in asked if not interrupted.typed([(name, "x")])} <= kept_nowhere


def test_it_is_not_offered_to_whoever_has_signed_in_since(
    admin: Browser, course: int, add_person: AddPerson, sql: Sql
) -> None:
    add_person("eve@example.org", role="admin")
    token = admin.csrf_token()
    admin.post("/logout", data={"csrf_token": token})
    admin.sign_in("eve@example.org")
    page = f"/admin/courses/{course}/chapters/new"
    fields = {"csrf_token": token, "title": "The loom", "body": TEXT}
    assert admin.post(page, data=fields, headers=OWN).status_code == 400
    assert sql("SELECT * FROM interrupted_forms") == []


@pytest.mark.parametrize("secret", [{"proof-password": PASSWORD}, {"proof-code": "123456"}])
def test_what_waits_for_a_proof_is_kept_without_it(
    admin: Browser, act: Act, secret: dict[str, str]
) -> None:
    student = act(a_student)
    change = f"/admin/students/{student}/make-admin"
    fields = {"csrf_token": admin.csrf_token(), "reason": "New teacher", "proof-action": change}
    with at(now() + IDLE["admin"] + SECONDS):
        answer = admin.post("/profile/proof", data=fields | secret)
        assert answer.location.startswith("/login?next=/resume/")
        page = admin.get(_sign_in(admin, "ada@example.org", answer.location))
        assert "New teacher" in page.text
        assert not any(value in page.text for value in secret.values())
        sent = admin.post(page.request.path, data=_fields(page.text))
        assert (sent.status_code, sent.location) == (307, change)


def test_a_form_sent_by_a_script_is_kept_too(admin: Browser, course: int) -> None:
    with at(now() + IDLE["admin"] + SECONDS):
        answer = _write(admin, course, **{"HX-Request": "true"})
        assert answer.status_code == 401
        assert answer.headers["HX-Redirect"].startswith("/login?next=/resume/")


def test_nobody_else_sees_it(admin: Browser, course: int, add_person: AddPerson) -> None:
    add_person("eve@example.org", role="admin")
    with at(now() + IDLE["admin"] + SECONDS):
        asked = _write(admin, course).location
        address = _sign_in(admin, "eve@example.org", asked)
        assert address.startswith("/resume/")
        for answer in (admin.get(address), admin.send_form(address)):
            assert (answer.status_code, answer.location) == (303, "/admin/requests")
            assert "loom" not in admin.get("/admin/requests").text
        assert Browser(admin.application).get(address).location == f"/login?next={address}"
        address = _sign_in(admin, "ada@example.org", asked)
        assert "The loom" in admin.get(address).text


def test_a_page_of_an_earlier_sign_in_loses_nothing_either(
    admin: Browser, course: int, sql: Sql
) -> None:
    old = admin.csrf_token()
    admin.sign_in("ada@example.org")
    address = f"/admin/courses/{course}/chapters/new"
    fields = {"csrf_token": old, "title": "The loom", "body": TEXT}
    assert admin.post(address, data=fields).status_code == 400
    assert admin.post(address, data=fields, headers={"Sec-Fetch-Site": "same-site"}).text
    assert sql("SELECT * FROM interrupted_forms") == []
    answer = admin.post(address, data=fields, headers=OWN)
    assert (answer.status_code, answer.location[:8]) == (303, "/resume/")
    assert "The loom" in admin.get(answer.location).text
    assert sql("SELECT * FROM chapters") == []


def test_no_secret_is_kept_and_a_mere_button_leads_back_to_its_page(
    admin: Browser, student: Browser, course: int, sql: Sql
) -> None:
    with at(now() + IDLE["student"] + SECONDS):
        token = student.csrf_token()
        change = {"csrf_token": token, "current_password": PASSWORD, "password": "another horse 1"}
        app = {"csrf_token": token, "name": "Phone", "code": "123456", "setup": "a secret"}
        for address, fields, page, leads in (
            ("/profile/password", change, "/profile", "/profile"),
            (f"/student/courses/{course}/enroll", {"csrf_token": token}, "/student/courses", None),
            ("/profile/second-factor/app", app, "/profile", "/profile"),
            ("/profile", {"csrf_token": token, "name": " "}, "/nowhere", ""),
            ("/profile", {"csrf_token": token}, "//other.test/profile", ""),
            (f"/student/courses/{course}/request", {"csrf_token": token}, "/logout", ""),
        ):
            headers = {"Referer": f"http://localhost{page}", **OWN}
            answer = student.post(address, data=fields, headers=headers)
            expected = page if leads is None else leads
            assert answer.location == ("/login" + (f"?next={expected}" if expected else ""))
    assert sql("SELECT * FROM interrupted_forms") == []


def test_a_few_are_kept_for_a_day_and_of_nobody_who_is_deleted(
    admin: Browser, course: int, sql: Sql, act: Act
) -> None:
    began = now() + IDLE["admin"] + SECONDS
    for number in range(7):
        with at(began + number * SECONDS):
            answer = _write(admin, course)
    assert sql("SELECT count(*) FROM interrupted_forms") == [(5,)]
    with at(began + KEPT + 7 * SECONDS):
        address = _sign_in(admin, "ada@example.org", answer.location)
        assert admin.get(address).location == "/admin/requests"
    with at(began + 2 * KEPT):
        _write(admin, course)
        assert act(accounts.forget_expired)["interrupted_forms"] == 4
        assert sql("SELECT count(*) FROM interrupted_forms") == [(1,)]
    sql("DELETE FROM users")
    assert sql("SELECT * FROM interrupted_forms") == []
    with at(began + 3 * KEPT):
        assert _write(admin, course).location == f"/login?next=/admin/courses/{course}/chapters/new"


def test_nothing_is_kept_of_whoever_has_never_signed_in_or_has_signed_out(
    app: Flask, admin: Browser, course: int, sql: Sql
) -> None:
    admin.send_form("/logout")
    for browser in (admin, Browser(app)):
        assert _write(browser, course, **OWN).status_code == 303
    assert sql("SELECT * FROM interrupted_forms") == []


def test_a_database_that_takes_nothing_still_leads_to_the_sign_in_page(
    admin: Browser, course: int, sql: Sql, database_url: str, caplog: Any
) -> None:
    refuse = "ALTER TABLE interrupted_forms RENAME TO gone"
    sql(refuse)
    with at(now() + IDLE["admin"] + SECONDS):
        answer = _write(admin, course)
    assert answer.location == f"/login?next=/admin/courses/{course}/chapters/new"


def test_whoever_is_led_to_the_sign_in_page_learns_that_their_sign_in_has_ended(
    app: Flask, admin: Browser, course: int
) -> None:
    first_visit = Browser(app)
    for path in ("/login", str(first_visit.get("/admin/students").location)):
        assert "been signed out" not in first_visit.get(path).text
    with at(now() + IDLE["admin"] + SECONDS):
        plain, kept = admin.get("/admin/students").location, _write(admin, course).location
        assert "You&#39;ve been signed out. Sign in to continue." in admin.get(plain).text
        assert "Sign in, and you can send what you typed." in admin.get(kept).text
        assert "been signed out" not in admin.get("/login").text
