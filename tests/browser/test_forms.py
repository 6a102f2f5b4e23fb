"""Several forms on a page: none loses what was typed into another one."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.builders import a_course, a_request, a_student
from tests.server import Portal

Account = Callable[..., str]


def test_a_form_asks_before_it_loses_what_is_typed_into_another(
    visit: Visit, account: Account
) -> None:
    page = visit(account())
    page.goto("/profile")
    asked: list[str] = []
    answers = [False, True]

    def answer(dialog: object) -> None:
        asked.append(dialog.message)  # type: ignore[attr-defined]
        dialog.accept() if answers.pop(0) else dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", answer)
    page.get_by_role("textbox", name="Name").fill("Nora of the North")
    zone = page.get_by_role("combobox", name="Time zone")
    save = page.get_by_role("button", name="Save time zone")
    save.click()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Nora of the North")
    assert ["isn't saved" in text for text in asked] == [True]
    page.get_by_role("button", name="Save name").click()
    expect(page.locator("#flashes .callout-success")).to_be_visible()
    assert len(asked) == 1
    zone.fill("Europe/Berlin")
    page.get_by_role("button", name="Save name").click()
    expect(page.locator("#flashes .callout-success")).to_be_visible()
    expect(zone).to_have_value("")
    assert len(asked) == 2


def test_enter_in_a_setting_saves_the_settings_and_a_logo_leaves_them(
    visit: Visit, account: Account
) -> None:
    page = visit(account("admin", "Ada Admin"), expected="status of 422", java_script_enabled=False)
    page.goto("/admin/settings")
    page.get_by_label("Terms").fill("Be kind.")
    page.get_by_role("button", name="Save logo").click()
    expect(page.locator("#file-error")).to_contain_text("Choose a picture.")
    expect(page.get_by_label("Terms")).to_have_value("Be kind.")
    page.get_by_label("Seller's tax ID").fill("GB1")
    page.get_by_label("Seller's tax ID").press("Enter")
    expect(page.locator("#flashes")).to_contain_text("Settings saved.")
    expect(page.get_by_label("Terms")).to_have_value("Be kind.")


def test_a_long_word_leaves_the_buttons_of_its_row_in_sight(
    portal: Portal, visit: Visit, account: Account
) -> None:
    course = portal.call(a_course, "Bread")
    student = portal.call(a_student, "Longwinded")
    portal.call(a_request, student, course, "x" * 2_000)
    page = visit(account("admin", "Ada Admin"), viewport={"width": 1280, "height": 800})
    page.goto("/admin/requests?q=Longwinded")
    box = page.get_by_role("button", name="Reject", exact=True).bounding_box()
    assert box
    assert box["x"] + box["width"] < 1280
