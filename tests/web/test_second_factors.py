"""Second factors on the pages: setting one up, signing in with it, and where it is required."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from pyotp import TOTP
from webauthn.helpers import base64url_to_bytes
from werkzeug.test import TestResponse

from lms.config import ConfigError, load
from lms.db import at, now
from lms.models import Role
from tests.authenticator import Passkey
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import AddPerson
from tests.web.pages import text_of

EMAIL = "sam@example.org"
HOST = "localhost"
SET_UP = "/profile/second-factor"


def key_on(page: TestResponse) -> str:
    """Return the key that the page shows as text."""
    found = re.search(r'<code class="key">([A-Z2-7 ]+)</code>', page.text)
    assert found, page.text
    return found[1].replace(" ", "")


def setup_of(page: TestResponse) -> str:
    found = re.search(r'name="setup" type="hidden" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def codes_on(page: TestResponse) -> list[str]:
    return re.findall(r"<li><code>([a-z2-9-]{27})</code></li>", page.text)


def add_app(browser: Browser, *, next: str = "", name: str = "My phone") -> tuple[str, list[str]]:
    """Set an app up as of five minutes ago, so that its present codes are new."""
    with at(now() - timedelta(minutes=5)):
        page = browser.get(f"{SET_UP}/app", query_string={"next": next})
        key = key_on(page)
        fields = {"setup": setup_of(page), "code": TOTP(key).at(now()), "name": name}
        added = browser.send_form(f"{SET_UP}/app?next={next}", **fields)
    assert added.status_code in {200, 303}, added.text
    return key, codes_on(added)


def asked(browser: Browser, address: str) -> tuple[bytes, str]:
    """Return what a page's script is given for a passkey: the challenge, and the state."""
    given = browser.get(address).get_json()
    return base64url_to_bytes(given["options"]["challenge"]), given["state"]


@pytest.fixture
def passkey() -> Passkey:
    return Passkey(rp_id=HOST, origin=f"http://{HOST}")


def add_passkey(browser: Browser, passkey: Passkey) -> TestResponse:
    challenge, state = asked(browser, f"{SET_UP}/passkey/options")
    fields = {"name": "My key", "credential": passkey.create(challenge), "state": state}
    return browser.send_form(f"{SET_UP}/passkey", **fields)


class Elsewhere(Browser):
    """A browser at another address of the portal."""

    def __init__(self, app: Flask, base_url: str) -> None:
        super().__init__(app)
        self._base_url = base_url

    def open(self, *arguments: Any, **settings: Any) -> TestResponse:
        return super().open(*arguments, **{"base_url": self._base_url, **settings})


@contextmanager
def required(app: Flask, of: str) -> Iterator[None]:
    app.config["LMS_SECOND_FACTOR"] = of
    yield
    app.config["LMS_SECOND_FACTOR"] = "optional"


def test_an_app_is_set_up_and_signs_in(student: Browser, browser: Browser) -> None:
    key, codes = add_app(student)
    assert len(set(codes)) == 10
    profile = text_of(student.get("/profile").text)
    assert "My phone App that makes codes" in profile
    assert "10 recovery codes left" in profile
    answer = browser.sign_in(EMAIL)
    assert answer.headers["Location"] == "/login/second-step"
    assert "Your password is correct" in browser.get("/login/second-step").text
    assert browser.get("/student/dashboard").headers["Location"].startswith("/login")
    answer = browser.send_form("/login/second-step", code=TOTP(key).at(now()))
    assert answer.headers["Location"] == "/student/dashboard"
    assert browser.get("/student/dashboard").status_code == 200


def test_between_the_steps_no_session_exists(student: Browser, browser: Browser, sql: Sql) -> None:
    key, _ = add_app(student)
    before = sql("SELECT id, token_hash FROM sign_ins ORDER BY id")
    browser.sign_in(EMAIL)
    assert browser.get("/api/session").get_json()["user"] is None
    assert browser.get("/api/student/courses").status_code == 401
    assert sql("SELECT id, token_hash FROM sign_ins ORDER BY id") == before
    halfway = browser.get_cookie("portal")
    browser.send_form("/login/second-step", code=TOTP(key).at(now()))
    whole = browser.get_cookie("portal")
    assert halfway is not None
    assert whole is not None
    assert halfway.value != whole.value
    assert len(sql("SELECT id FROM sign_ins")) == len(before) + 1


def test_where_to_go_and_to_be_remembered_outlast_the_second_step(
    student: Browser, browser: Browser, sql: Sql
) -> None:
    key, _ = add_app(student)
    fields = {"email": EMAIL, "password": PASSWORD, "remember": "y"}
    answer = browser.send_form("/login?next=/student/courses", **fields)
    address = answer.headers["Location"]
    answer = browser.send_form(address, code=TOTP(key).at(now()))
    assert answer.headers["Location"] == "/student/courses"
    assert "Expires" in answer.headers["Set-Cookie"]


def test_the_second_step_needs_the_first_in_this_browser(app: Flask, student: Browser) -> None:
    key, _ = add_app(student)
    other = Browser(app)
    for answer in (
        other.get("/login/second-step"),
        other.send_form("/login/second-step", code=TOTP(key).at(now())),
        other.send_form("/login/second-step/passkey", credential="{}", state=""),
    ):
        assert answer.headers["Location"].startswith("/login")
    assert other.get("/login/second-step/passkey").status_code == 404
    assert other.get("/api/session").get_json()["user"] is None


def test_a_wrong_code_comes_back_and_too_many_wait(student: Browser, browser: Browser) -> None:
    key, _ = add_app(student)
    browser.sign_in(EMAIL)
    answer = browser.send_form("/login/second-step", code="12 34")
    assert answer.status_code == 422
    assert "This code is wrong" in answer.text
    assert browser.send_form("/login/second-step").status_code == 422
    for _ in range(15):
        answer = browser.send_form("/login/second-step", code="none")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    right = TOTP(key).at(now())
    assert browser.send_form("/login/second-step", code=right).status_code == 429
    assert browser.get("/api/session").get_json()["user"] is None


def test_without_an_app_the_recovery_codes_are_named_and_a_long_wait_has_a_way_out(
    app: Flask, student: Browser, browser: Browser, passkey: Passkey
) -> None:
    add_passkey(student, passkey)
    browser.sign_in(EMAIL)
    page = browser.get("/login/second-step").text
    assert "Without them, use a recovery code." in page
    assert 'href="/login">Sign in<' not in page
    limit = app.config["LMS_LOGIN_LIMIT"]
    app.config["LMS_LOGIN_LIMIT"] = "1 per day"
    first, second = (browser.send_form("/login/second-step", code=code) for code in "12")
    app.config["LMS_LOGIN_LIMIT"] = limit
    assert "Enter one of your recovery codes." in first.text
    assert "Too many attempts. Try again in 24 hours." in second.text
    assert "Or use a recovery code, or ask the school to remove your" in second.text


def test_a_form_of_an_old_page_comes_back(student: Browser, browser: Browser) -> None:
    key, _ = add_app(student)
    browser.sign_in(EMAIL)
    data = {"csrf_token": "of yesterday", "code": TOTP(key).at(now())}
    answer = browser.post("/login/second-step", data=data)
    assert answer.status_code == 400
    assert "has expired" in answer.text


def test_a_recovery_code_signs_in_once_and_the_owner_is_told(
    student: Browser, app: Flask, sql: Sql
) -> None:
    _, codes = add_app(student)
    first, second = Browser(app), Browser(app)
    for browser, address in ((first, "/student/dashboard"), (second, None)):
        browser.sign_in(EMAIL)
        answer = browser.send_form("/login/second-step", code=codes[0])
        assert answer.headers.get("Location") == address
    [mail] = sql("SELECT * FROM outbox_emails WHERE key LIKE 'recovery%'")
    assert mail.link.endswith("/profile")
    assert "9 recovery codes left" in first.get("/profile").text


def test_new_recovery_codes_are_shown_once(student: Browser) -> None:
    _, old = add_app(student)
    page = student.send_form(f"{SET_UP}/codes")
    new = codes_on(page)
    assert len(new) == 10
    assert not set(old) & set(new)
    assert "no-store" in page.headers["Cache-Control"]
    assert not any(code in student.get("/profile").text for code in new)


def test_without_a_factor_there_are_no_recovery_codes(student: Browser) -> None:
    answer = student.send_form(f"{SET_UP}/codes")
    assert "Add one first" in student.get(answer.headers["Location"]).text


def test_the_key_is_confirmed_by_a_code_of_it(student: Browser, sql: Sql) -> None:
    page = student.get(f"{SET_UP}/app")
    assert "<svg" in page.text
    assert "style=" not in page.text
    key, setup = key_on(page), setup_of(page)
    fields = {"setup": setup, "name": "Phone"}
    wrong = student.send_form(f"{SET_UP}/app", code="000000", **fields)
    assert wrong.status_code == 422
    assert key_on(wrong) == key
    assert "the code that the app shows now" in wrong.text
    forged = student.send_form(
        f"{SET_UP}/app", code=TOTP(key).at(now()), name="Phone", setup=setup + "x"
    )
    assert "took too long" in forged.text
    assert key_on(forged) != key
    assert sql("SELECT * FROM second_factors") == []
    right = student.send_form(f"{SET_UP}/app", code=TOTP(key).at(now()), **fields)
    again = student.send_form(f"{SET_UP}/app", code=TOTP(key).at(now()), **fields)
    assert codes_on(right)
    assert "already one of your" in student.get(again.headers["Location"]).text


def test_nobody_confirms_a_key_that_another_session_was_shown(
    student: Browser, app: Flask, add_person: AddPerson, sql: Sql
) -> None:
    page = student.get(f"{SET_UP}/app")
    add_person("eve@example.org")
    eve = Browser(app)
    eve.sign_in("eve@example.org")
    fields = {"setup": setup_of(page), "name": "Mine", "code": TOTP(key_on(page)).at(now())}
    assert eve.send_form(f"{SET_UP}/app", **fields).status_code == 422
    assert sql("SELECT * FROM second_factors") == []


def test_a_factor_is_renamed_and_removed(student: Browser, app: Flask) -> None:
    add_app(student)
    other = Browser(app)
    number = re.search(r"second-factor/(\d+)", student.get("/profile").text)
    assert number
    page = f"{SET_UP}/{number[1]}"
    assert "My phone" in student.get(page).text
    assert student.send_form(page, name="").status_code == 422
    student.send_form(page, name="Old phone")
    assert "Old phone" in student.get("/profile").text
    student.send_form(f"{page}/remove")
    assert "Old phone" not in student.get("/profile").text
    assert student.get(page).status_code == 404
    assert other.sign_in(EMAIL).headers["Location"] == "/student/dashboard"


def test_a_passkey_is_set_up_and_signs_in_beside_the_password_and_alone(
    student: Browser, app: Flask, passkey: Passkey
) -> None:
    assert codes_on(add_passkey(student, passkey))
    assert "My key Passkey" in text_of(student.get("/profile").text)
    for alone in (False, True):
        browser = Browser(app)
        page = "/login/passkey" if alone else "/login/second-step/passkey"
        if not alone:
            browser.sign_in(EMAIL)
        browser.get("/login")
        challenge, state = asked(browser, page)
        fields = {"credential": passkey.get(challenge), "state": state}
        answer = browser.send_form(f"{page}?next=/student/courses", **fields)
        assert answer.headers["Location"] == "/student/courses"
        assert browser.get("/api/session").get_json()["user"]["email"] == EMAIL


def test_an_answer_is_of_the_browser_that_was_asked_and_for_one_purpose(
    student: Browser, app: Flask, passkey: Passkey
) -> None:
    add_passkey(student, passkey)
    browser, other = Browser(app), Browser(app)
    for each in (browser, other):
        each.get("/login")
    challenge, state = asked(browser, "/login/passkey")
    sent = {"credential": passkey.get(challenge), "state": state}
    assert other.send_form("/login/passkey", **sent).headers["Location"] == "/login"
    challenge, state = asked(student, "/profile/proof/passkey")
    for_proof = {"credential": passkey.get(challenge), "state": state}
    assert browser.send_form("/login/passkey", **for_proof).headers["Location"] == "/login"
    assert browser.get("/api/session").get_json()["user"] is None


def test_a_challenge_grows_old(
    student: Browser, app: Flask, passkey: Passkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_passkey(student, passkey)
    browser = Browser(app)
    challenge, state = asked(browser, "/login/passkey")
    sent = {
        "credential": passkey.get(challenge),
        "state": state,
        "csrf_token": browser.csrf_token(),
    }
    later = now().timestamp() + 302
    with monkeypatch.context() as patch:
        patch.setattr("itsdangerous.timed.time.time", lambda: later)
        browser.post("/login/passkey", data=sent)
    assert browser.get("/api/session").get_json()["user"] is None


@pytest.mark.parametrize("credential", ["", "{}", "null", '{"id": "x"}', "[" * 3000])
def test_what_is_no_answer_is_refused_kindly(student: Browser, credential: str) -> None:
    _, state = asked(student, f"{SET_UP}/passkey/options")
    answer = student.send_form(f"{SET_UP}/passkey", name="K", credential=credential, state=state)
    assert answer.status_code == 422
    assert "Try again, or choose another way" in answer.text


def test_at_an_address_of_numbers_the_page_says_where_passkeys_work(
    app: Flask, add_person: AddPerson
) -> None:
    add_person(EMAIL)
    browser = Elsewhere(app, "http://127.0.0.1:8000")
    assert "Use a passkey" not in browser.get("/login").text
    browser.sign_in(EMAIL)
    page = browser.get(f"{SET_UP}/passkey")
    assert f"http://localhost:8000{SET_UP}/passkey" in page.text
    assert browser.get(f"{SET_UP}/passkey/options").status_code == 404


def test_public_url_is_what_passkeys_are_bound_to(app: Flask, add_person: AddPerson) -> None:
    add_person(EMAIL)
    app.config["PUBLIC_URL"] = "https://lernen.schüle.example:8443"
    host = "lernen.schüle.example".encode("idna").decode()
    browser = Elsewhere(app, f"http://{host}:8443")
    browser.sign_in(EMAIL)
    options = browser.get(f"{SET_UP}/passkey/options").get_json()["options"]
    assert options["rp"]["id"] == host


@pytest.mark.parametrize(
    ("rule", "may"),
    [("optional", (True, True)), ("admins", (True, False)), ("all", (False, False))],
)
def test_whoever_needs_a_factor_sets_it_up_before_anything_else(
    app: Flask, student: Browser, admin: Browser, rule: str, may: tuple[bool, bool]
) -> None:
    seen = {"X-Live": "x=1"}
    with required(app, rule):
        for browser, page, call, is_let_in in (
            (student, "/student/courses", "/api/student/courses", may[0]),
            (admin, "/admin/students", "/api/students", may[1]),
        ):
            if is_let_in:
                assert browser.get(page).status_code == 200
                assert browser.get(call).status_code == 200
                continue
            to = f"{SET_UP}?next={page}"
            assert browser.get(page).headers["Location"] == to
            assert browser.get("/profile").headers["Location"] == f"{SET_UP}?next=/profile"
            poll = browser.get(page, headers=seen)
            assert (poll.status_code, poll.headers["HX-Redirect"]) == (403, to)
            refused = browser.get(call)
            assert refused.status_code == 403
            assert refused.get_json()["code"] == "forbidden"
            assert SET_UP in refused.get_json()["detail"]
            assert browser.get("/api/sync/connection").status_code == 403
            assert browser.get("/api/session").get_json()["user"] is not None
            assert "Set one up to continue" in browser.get(to).text
            assert browser.send_form("/logout").headers["Location"] == "/login"


def test_setting_one_up_leads_on_to_where_one_was_going(app: Flask, student: Browser) -> None:
    with required(app, "all"):
        to = student.get("/student/courses").headers["Location"]
        address = re.search(r'href="(/profile/second-factor/app[^"]*)"', student.get(to).text)
        assert address
        page = student.get(unescape(address[1]))
        fields = {"setup": setup_of(page), "code": TOTP(key_on(page)).at(now()), "name": "P"}
        done = student.send_form(unescape(address[1]), **fields)
        assert 'href="/student/courses"' in done.text
        assert student.get("/student/courses").status_code == 200


def test_an_admin_without_one_sees_neither_metrics_nor_the_reasons_of_health(
    app: Flask, admin: Browser
) -> None:
    for rule, status, detailed in (("optional", 200, True), ("admins", 403, False)):
        with required(app, rule):
            assert admin.get("/metrics").status_code == status
            assert ("violations" in admin.get("/api/sync/health").get_json()) == detailed


def test_the_last_one_stays_where_it_is_required(app: Flask, student: Browser) -> None:
    add_app(student)
    number = re.search(r"second-factor/(\d+)", student.get("/profile").text)
    assert number
    remove = f"{SET_UP}/{number[1]}/remove"
    page = student.get(f"{SET_UP}/{number[1]}").text
    assert remove in page
    assert "your password alone is enough to sign in" in page
    with required(app, "all"):
        page = student.get(f"{SET_UP}/{number[1]}").text
        assert remove not in page
        assert "Add another before you remove this one." in page
        answer = student.send_form(remove)
        assert "Add another one before" in student.get(answer.headers["Location"]).text
        assert student.get("/student/courses").status_code == 200


@pytest.mark.parametrize("value", ["Admins", "yes", "admins,students"])
def test_a_malformed_requirement_stops_the_start(tmp_path: Any, value: str) -> None:
    with pytest.raises(ConfigError, match=r"^LMS_SECOND_FACTOR must be optional, admins or all$"):
        load(str(tmp_path), {"LMS_SECOND_FACTOR": value})


def test_a_line_of_the_log_tells_each_outcome_and_no_code(
    student: Browser, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    key, codes = add_app(student)
    code = TOTP(key).at(now())
    browser.sign_in(EMAIL)
    browser.send_form("/login/second-step", code="123123")
    browser.send_form("/login/second-step", code=code)
    said = capsys.readouterr().err
    assert "second factor asked for" in said
    lines = [line for line in said.splitlines() if "second factor" in line]
    for outcome in ("added", "wrong", "right"):
        assert any(outcome in line for line in lines)
    assert not any(secret in said for secret in (key, code, "123123", *codes))


@pytest.mark.parametrize("role", ["student", "admin"])
def test_an_admin_removes_the_factor_of_who_has_lost_it(
    app: Flask, admin: Browser, add_person: AddPerson, sql: Sql, role: Role
) -> None:
    user_id = add_person("lost@example.org", name="Lou Lost", role=role)
    theirs = Browser(app)
    theirs.sign_in("lost@example.org")
    add_app(theirs)
    page = "/admin/admins" if role == "admin" else f"/admin/students/{user_id}"
    address = f"/admin/people/{user_id}/reset-factors"
    assert address in admin.get(page).text
    assert "Lou Lost is signed out everywhere" in text_of(admin.get(address).text)
    answer = admin.send_form(address, reason="Phone in the river")
    assert answer.headers["Location"] == page
    assert "Removed 1 second factor" in admin.get(page).text
    assert address not in admin.get(page).text
    assert theirs.get("/profile").headers["Location"].startswith("/login")
    assert theirs.sign_in("lost@example.org").headers["Location"] in {
        "/student/dashboard",
        "/admin/requests",
    }
    [mail] = sql("SELECT body FROM outbox_emails WHERE key LIKE 'factors-reset%'")
    assert "The school removed" in mail.body
    assert "Phone in the river" in admin.get("/admin/audit").text


def test_nobody_removes_their_own_factors_that_way(admin: Browser, student: Browser) -> None:
    mine = f"/admin/people/{admin.user_id}/reset-factors"
    assert admin.get(mine).headers["Location"].startswith("/profile")
    assert admin.send_form(mine, reason="").status_code == 403
    assert admin.get("/admin/people/999/reset-factors").status_code == 404
    assert admin.send_form("/admin/people/999/reset-factors", reason="").status_code == 404
    assert student.send_form(mine, reason="").status_code == 403
