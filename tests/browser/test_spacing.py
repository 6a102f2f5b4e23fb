"""Parts of a page stand apart, and those beside each other begin at one height."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.builders import a_course
from tests.server import Portal

Account = Callable[..., str]


def edges(page: Page, selector: str) -> tuple[float, float]:
    """Return where a part of the page begins and ends, from the top."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["y"], box["y"] + box["height"]


def test_how_to_get_access_begins_beside_what_the_course_is_about(
    portal: Portal, visit: Visit, account: Account
) -> None:
    course = portal.call(a_course, "Level", price_cents=4900)
    page = visit(account())
    page.goto(f"/student/courses/{course}")
    assert edges(page, "#join")[0] == edges(page, "#about")[0]


def test_a_warning_does_not_touch_the_figures_below(
    portal: Portal, visit: Visit, account: Account
) -> None:
    course = portal.call(a_course, "Unsold", price_cents=4900)
    page = visit(account("admin", "Ada Admin"))
    page.goto(f"/admin/courses/{course}")
    apart = edges(page, "#course-figures .stats")[0] - edges(page, "#course-sale .callout")[1]
    assert apart == 20


def test_no_line_of_facts_begins_with_a_dot_or_ends_in_one(
    portal: Portal, visit: Visit, account: Account
) -> None:
    portal.call(a_course, "Dotted", teacher="A teacher of a long name", duration="Eleven evenings")
    page = visit(account(), viewport={"width": 390, "height": 800})
    page.goto("/student/courses?q=Dotted")
    facts = page.locator(".meta")
    lines = facts.evaluate(
        "list => [...list.children].map(fact => [fact.getBoundingClientRect().top,"
        " fact.getBoundingClientRect().left - list.getBoundingClientRect().left,"
        " getComputedStyle(fact, '::after').content])"
    )
    assert len({top for top, _, _ in lines}) > 1
    assert {after for _, _, after in lines} == {"none"}
    first = [left for n, (top, left, _) in enumerate(lines) if not n or top != lines[n - 1][0]]
    assert set(first) == {0}  # where the dot is cut off
    cut = facts.evaluate("list => getComputedStyle(list).clipPath")
    assert cut == "inset(0px 0px 0px 18px)"
