"""Another address, seen in two browsers: whoever has the session loses to the old mailbox."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Visit, sign_in
from tests.patience import comes
from tests.server import Portal

Account = Callable[..., str]


def mailed(portal: Portal, recipient: str, label: str) -> str:
    """Return the link of an e-mail, which the portal prints as long as it has no mail server."""
    printed = re.compile(
        rf"--- e-mail to {re.escape(recipient)}:(?:(?!---).)*?{label}: (http\S+)", re.DOTALL
    )
    assert comes(lambda: printed.search(portal.said()) is not None)
    return str(printed.findall(portal.said())[-1])


def change(page: Page, portal: Portal, new: str) -> None:
    page.goto("/profile")
    card = page.locator("#address-card")
    card.get_by_label("New address").fill(new)
    card.get_by_label("Your password").fill(PASSWORD)
    card.get_by_role("button", name="Change address").click()
    expect(page.locator("#address-card")).to_contain_text(f"Not confirmed yet: {new}")
    page.goto(mailed(portal, new, "Confirm my new address"))
    page.get_by_role("button", name="Confirm address").click()
    expect(page.get_by_role("status").filter(has_text=f"now {new}")).to_be_visible()


def test_an_address_is_changed_and_restored_by_the_old_mailbox(
    portal: Portal, visit: Visit, account: Account
) -> None:
    email = account()
    thief, owner = visit(email), visit()
    change(thief, portal, f"thief-of-{email}")
    undo = mailed(portal, email, "Restore my address")

    owner.goto(undo)
    expect(owner.get_by_role("main")).to_contain_text(f"{email} again")
    owner.get_by_role("button", name="Restore address").click()
    expect(owner.get_by_role("main")).to_contain_text("We've sent you a link")
    thief.goto("/profile")
    expect(thief.get_by_role("heading", name="Sign in")).to_be_visible()

    owner.goto(mailed(portal, email, "Choose a new password"))
    owner.get_by_label("New password").fill("a new one of mine")
    owner.get_by_role("button", name="Set password").click()
    sign_in(owner, email, "a new one of mine")
    owner.goto("/profile")
    expect(owner.get_by_role("main")).to_contain_text(email)
