"""A passkey, an app and a recovery code, as people use them: with a browser's own dialog."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from pyotp import TOTP

from lms.db import now
from tests.browser.conftest import PASSWORD, Visit
from tests.server import Portal

Account = Callable[..., str]
SET_UP = "/profile/second-factor"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def by_name(portal: Portal) -> str:
    """Return the portal's address at a name: passkeys know no numbers."""
    return f"http://localhost:{portal.port}"


def plug_in(page: Page) -> None:
    """Give the browser an authenticator, whose owner says yes to everything."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


def send_password(page: Page, email: str) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    page.locator("details.account summary").click()
    page.locator("details.account").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def set_up_app(page: Page) -> tuple[str, list[str]]:
    """Set an app up by its key as text; return the key and the recovery codes."""
    page.goto(f"{SET_UP}/app")
    key = (page.locator("code.key").text_content() or "").replace(" ", "")
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    page.get_by_role("textbox", name="Code").fill(TOTP(key).at(now()))
    page.get_by_role("button", name="Add app").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    return key, page.locator(".recovery-codes code").all_text_contents()


def test_a_passkey_is_set_up_and_signs_in_beside_the_password_and_alone(
    portal: Portal, visit: Visit, account: Account
) -> None:
    email = account("admin", "Ada Admin")
    page = visit(base_url=by_name(portal))
    plug_in(page)
    send_password(page, email)
    page.goto("/profile")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("This computer")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    page.get_by_role("link", name="I've saved them").click()
    expect(page.get_by_role("cell", name="This computer")).to_be_visible()
    sign_out(page)
    send_password(page, email)
    expect(page.get_by_role("heading", name="Use your second factor")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Requests", level=1)).to_be_visible()
    sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Requests", level=1)).to_be_visible()


def test_a_passkey_confirms_what_is_typed_already(
    portal: Portal, visit: Visit, account: Account
) -> None:
    email, student = account("admin", "Ada Admin"), account("student", "Nora New")
    page = visit(base_url=by_name(portal), expected="status of 403")
    plug_in(page)
    send_password(page, email)
    page.goto(f"{SET_UP}/passkey")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    [(number,)] = portal.sql("SELECT id FROM users WHERE email = :email", email=student)
    page.goto(f"/admin/students/{number}/make-admin")
    page.get_by_label("Reason").fill('New <head> of "Botany"')
    portal.sql("UPDATE sign_ins SET proved_at = '2026-01-01 00:00:00.000000'")
    page.get_by_role("button", name="Make admin").click()
    expect(page.get_by_role("heading", name="Confirm that it's you")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("#flashes")).to_contain_text("now an admin")
    [(reason,)] = portal.sql(
        "SELECT reason FROM audit_entries WHERE action = 'user.role_changed' AND student_id = :id",
        id=number,
    )
    assert reason == 'New <head> of "Botany"'


def test_a_device_that_has_a_passkey_gets_no_second_one(
    portal: Portal, visit: Visit, account: Account
) -> None:
    page = visit(base_url=by_name(portal))
    plug_in(page)
    send_password(page, account())
    page.goto(f"{SET_UP}/passkey")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto(f"{SET_UP}/passkey")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Use a different device or key.")


def test_without_a_passkey_the_page_says_so_and_stays(
    portal: Portal, visit: Visit, account: Account
) -> None:
    email = account()
    page = visit(base_url=by_name(portal))
    plug_in(page)
    send_password(page, email)
    page.goto("/student/courses")
    sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("scripts", [False, True], ids=["plain forms", "with scripts"])
def test_an_app_and_a_recovery_code_sign_in(
    portal: Portal, visit: Visit, account: Account, scripts: bool
) -> None:
    email = account("student", "Sam Student")
    page = visit(email, java_script_enabled=scripts)
    key, codes = set_up_app(page)
    for code, note in ((TOTP(key).at(now() + timedelta(seconds=30)), "10"), (codes[3], "9")):
        sign_out(page)
        send_password(page, email)
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/student/dashboard")
        page.goto("/profile")
        expect(page.locator("#second-factor-card")).to_contain_text(f"{note} recovery codes left")
    page.goto(f"{SET_UP}/passkey")
    if scripts:
        expect(page.get_by_role("link", name="http://localhost:")).to_be_visible()


def test_without_javascript_the_page_says_that_passkeys_need_it(
    portal: Portal, visit: Visit, account: Account
) -> None:
    page = visit(base_url=by_name(portal), java_script_enabled=False)
    send_password(page, account())
    page.goto(f"{SET_UP}/passkey")
    expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Add passkey")).to_be_hidden()
