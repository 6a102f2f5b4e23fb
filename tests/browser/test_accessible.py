"""Every page of the portal for everybody: axe-core, both themes, a telephone's width."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from lms import accounts, enrollment
from tests.browser.conftest import Visit
from tests.browser.money import some_money
from tests.builders import (
    a_chapter,
    a_course,
    a_file,
    a_public_course,
    a_request,
    a_student,
    an_admin,
    an_invitation,
    verification,
)
from tests.server import Portal

Account = Callable[..., str]

OPEN_TO_ALL = (
    *(
        "/login",
        "/register",
        "/forgot",
        "{verification}",
        "/verify",
        "{invitation}",
        "/student/courses/999999",
    ),
    *("/certificates", "/certificates/{code}", "/certificates/NONE", "/legal/accessibility"),
)
STUDENTS = (
    "/student/dashboard",
    "/student/courses",
    "/student/courses/{course}",
    "/student/courses/{other}",
    "/student/courses/{done}/leave",
    "/student/progress",
    "/student/requests",
    "/student/payments",
    "/student/payments/{disputed}",
    "/student/payments/{transferred}/receipt",
    "/student/notices",
    "/profile",
    "/profile/second-factor",
    "/profile/second-factor/app",
    "/profile/second-factor/passkey",
    "/profile/proof",
    "/profile/data",
)
ADMINS = (
    "/admin/requests",
    "/admin/requests/decided",
    "/admin/analytics",
    "/admin/offers/{offer}/withdraw",
    "/admin/search?q=a",
    "/admin/students",
    "/admin/invitations",
    "/admin/import",
    "/admin/roster",
    "/admin/students/{student}",
    "/admin/students/{student}/access",
    "/admin/students/{student}/view",
    "/admin/courses/{course}/people/message",
    "/admin/students/{student}/courses/{course}",
    "/admin/students/{unproven}",
    "/admin/students/{unproven}/address",
    "/admin/students/{student}/password-link",
    "/admin/students/{student}/courses/{done}/reset-progress",
    "/admin/courses",
    "/admin/courses/new",
    "/admin/courses/{course}",
    "/admin/courses/{course}/chapters/new",
    "/admin/courses/{course}/files",
    "/admin/courses/{course}/files/{file}",
    "/admin/courses/{course}/files/{file}/delete",
    "/admin/courses/{course}/people",
    "/admin/courses/{course}/access",
    "/admin/courses/{course}/access?at=then",
    "/admin/courses/{course}/delete",
    "/admin/payments",
    "/admin/payments/{disputed}",
    "/admin/payments/{questioned}/accept",
    "/admin/payments/{transferred}",
    "/admin/payments/{transferred}/refund",
    "/admin/payments/inbox",
    "/admin/payments/new",
    "/admin/payments/books",
    "/admin/payments/books?month={closed}",
    "/admin/payments/books?month=soon",
    "/admin/payments/books/close?month={open}",
    "/admin/sync",
    "/admin/audit",
    "/admin/settings",
    "/admin/writing",
    "/admin/students/{student}/certificates/{certificate}/revoke",
    "/admin/people/{student}/reset-factors",
    "/profile",
    "/profile/data",
    "/admin/erasures",
    "/admin/erasures/{student}",
)
WIDTHS = (390, 1280)
RULES = {"resultTypes": ["violations"]}
COLORS = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("role", ["nobody", "student", "admin"])
def test_pages_are_accessible_in_both_themes_and_fit_the_screen(
    portal: Portal, visit: Visit, account: Account, role: str, width: int
) -> None:
    email = account(role) if role != "nobody" else ""
    ids = _school(portal, email if role == "student" else account())
    expected = {"nobody": "status of 404", "admin": "status of 422"}.get(role, "")
    page = visit(
        email,
        expected=expected,
        viewport={"width": width, "height": 900},
        reduced_motion="reduce",  # colors change at once
    )
    pages = {"nobody": OPEN_TO_ALL, "student": STUDENTS, "admin": ADMINS}[role]
    found = {}
    for template in pages:
        address = template.format(**ids)
        if problems := _problems(page, address):
            found[address] = problems
    assert not found, json.dumps(found, indent=1)


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_what_admins_open_is_accessible_too(
    portal: Portal, visit: Visit, account: Account, width: int, theme: str
) -> None:
    _school(portal, account())
    email = account("admin")
    admin = portal.sql("SELECT id FROM users WHERE email = :email", email=email)[0][0]
    name = "A name as long as anybody would ever give to a filter"
    portal.call(accounts.save_filter, admin, page="requests", name=name, query="q=By")
    page = visit(
        email,
        viewport={"width": width, "height": 900},
        reduced_motion="reduce",
        color_scheme=theme,
    )
    portal.call(a_request, portal.call(a_student, "Ann"), portal.call(a_course, "Ann's course"))
    page.goto("/admin/requests?q=e")
    page.get_by_text("Save this filter").click()
    page.get_by_role("button", name="Reject", exact=True).first.click()
    page.get_by_role("button", name="Undo").wait_for()
    found = {"kept filters and undo": _seen(page)}
    page.keyboard.press("j")
    page.keyboard.press("r")
    found["reason asked for"] = _seen(page)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("bartho")
    page.locator(".find-hits a").first.wait_for()
    found["hits"] = _seen(page)
    page.locator("h1").click()
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    found["keys"] = _seen(page)
    assert not any(found.values()), json.dumps(found, indent=1)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_messages_and_viewing_are_accessible_in_each_step(
    portal: Portal, visit: Visit, account: Account, width: int, theme: str
) -> None:
    ids = _school(portal, account())
    page = visit(
        account("admin"),
        expected="status of 4",
        viewport={"width": width, "height": 900},
        reduced_motion="reduce",
        color_scheme=theme,
    )
    page.goto("/admin/courses/{course}/people/message".format(**ids))
    found = {"message": _seen(page)}
    page.get_by_label("Subject").fill(f"Exam{'x' * 140}")
    page.get_by_role("textbox", name="Message").fill(f"Bring a pen.\n\n{'long' * 40}")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Send to").wait_for()
    found["preview"] = _seen(page)
    page.get_by_role("button", name="Send to").click()
    page.get_by_text("Message sent to").wait_for()
    found["sent"] = _seen(page)
    page.goto("/admin/students/{student}/view".format(**ids))
    found["asked why"] = _seen(page)
    page.get_by_role("button", name="View as student").click()
    for shown in ("/student/dashboard", "/student/notices", "/admin/courses"):
        page.goto(shown)
        page.get_by_role("button", name="Stop viewing").wait_for()
        found[shown] = _seen(page)
    assert not any(found.values()), json.dumps(found, indent=1)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_lesson_with_all_it_can_have_is_accessible(
    portal: Portal, visit: Visit, account: Account, width: int
) -> None:
    email = account()
    page = visit(
        email,
        viewport={"width": width, "height": 900},
        reduced_motion="reduce",
    )
    course = portal.call(a_course, "Seeds")
    files = [
        portal.call(a_file, course, name, name.encode(), kind=kind, media_type=media_type)
        for name, kind, media_type in (
            ("an_exceptionally_long_name_of_a_picture_of_a_seed.png", "picture", "image/png"),
            ("wake.mp4", "video", "video/mp4"),
            ("rain.mp3", "audio", "audio/mpeg"),
            ("an_exceptionally_long_name_of_a_sheet_to_fill_in.pdf", "document", "application/pdf"),
        )
    ]
    shown = [f"![What file {file} shows](file:{file})" for file in files]
    offered = [f"[File {file}](file:{file})" for file in files]
    parts = [
        "https://youtu.be/dQw4w9WgXcQ",
        "[How seeds wake](https://vimeo.com/76979871)",
        "10. ```python\n  def wake(seed: str) -> str:\n      return seed  # words\n  ```",
        "| a | b |\n|---|--:|\n| words | 2 |",
        "$$\nx^2\n$$",
        "- [ ] to do\n- [x] done",
    ]
    portal.call(a_chapter, course, "One", "\n\n".join([*shown, *offered, *parts]))
    [(student,)] = portal.sql("SELECT id FROM users WHERE email = :email", email=email)
    portal.call(enrollment.enroll, student, course, by=None)
    problems = _problems(page, f"/student/courses/{course}")
    assert page.locator("[data-player]").count() == 2
    assert page.locator("video, audio").count() == 2
    assert not problems, json.dumps(problems, indent=1)


def _seen(page: Page) -> list[str]:
    """Return the problems of a page as it stands."""
    return _violations(page, RULES) + _overflow(page)


def _problems(page: Page, address: str) -> list[Any]:
    page.emulate_media(color_scheme="light")
    page.goto(address)
    problems = _violations(page, RULES)
    page.emulate_media(color_scheme="dark")
    page.goto(address)  # not measured at once: inherited colors arrive level by level
    problems += [f"dark: {each}" for each in _violations(page, COLORS)]
    return problems + _overflow(page)


def _overflow(page: Page) -> list[str]:
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"{overflow} px wider than the screen"] if overflow > 0 else []


def _violations(page: Page, options: dict[str, Any]) -> list[str]:
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in Axe().run(page, options=options).response["violations"]
        for node in rule["nodes"][:2]
    ]


def _school(portal: Portal, email: str) -> dict[str, Any]:
    """Give every page of a student and of an admin something to show."""
    student: int = portal.sql("SELECT id FROM users WHERE email = :email", email=email)[0][0]
    long_title = "An exceptionally thorough introduction to interdisciplinarity"
    course: int = portal.call(a_public_course, long_title, chapters=3)
    portal.call(enrollment.enroll_directly, student, course)
    chapter = portal.sql("SELECT min(id) FROM chapters WHERE course_id = :id", id=course)[0][0]
    portal.call(enrollment.complete_chapter, student, chapter)
    other: int = portal.call(a_course, "By request", capacity=1, price_cents=4900)
    admin = portal.call(an_admin)
    rejected = portal.call(a_request, student, other)
    portal.call(enrollment.reject, rejected, by=admin, reason="Next term, please.")
    portal.call(a_request, student, portal.call(a_course, "Waiting for it"))
    portal.call(a_request, portal.call(a_student, "Bartholomew Fitzgerald-Montgomery"), other)
    portal.sql(
        "INSERT INTO payments (user_id, course_id, course_title, user_email, amount_cents, status)"
        " VALUES (:student, :course, 'By request', :email, 4900, 'expired')",
        student=student,
        course=other,
        email=email,
    )
    done: int = portal.call(a_public_course, "Done", chapters=1)
    portal.call(enrollment.enroll, student, done, by=admin)
    last = portal.sql("SELECT min(id) FROM chapters WHERE course_id = :id", id=done)[0][0]
    portal.call(enrollment.complete_chapter, student, last)
    [certificate] = portal.sql("SELECT id, code FROM certificates WHERE user_id = :id", id=student)
    return {
        **some_money(portal, student, admin),
        "student": student,
        "course": course,
        "file": portal.call(a_file, course),
        "done": done,
        "other": other,
        "certificate": certificate.id,
        "code": certificate.code,
        "invitation": portal.call(an_invitation, f"invited.{student}@example.org"),
        "verification": _registered(
            portal, "an.exceptionally.long.address@by-a-school.example.org"
        ),
        "unproven": portal.sql("SELECT max(id) FROM users WHERE email_verified_at IS NULL")[0][0],
    }


def _registered(portal: Portal, email: str) -> str:
    """Return the path that proves the address."""
    secret = portal.app.config["SECRET_KEY"]
    registration = {"name": "Newcomer", "password": "a long enough password", "sign_in_page": "/"}
    portal.call(
        accounts.register, email=email, link=str, place="here", secret=secret, **registration
    )
    return str(portal.call(verification, email))
