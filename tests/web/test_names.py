"""Names, titles and reasons that people type: stored in one form, refused with a clear message."""

import unicodedata
from typing import Any

import pytest

from tests.builders import a_course, a_request, verification
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act

NAME = "Zoë Ångström"
TYPED = unicodedata.normalize("NFD", NAME)
WRONG = {
    "\u202eAnn": "invisible control characters",
    "Ann\x1b[2J": "invisible control characters",
    "\u200b\u200d": "at least one visible character",
}


def test_names_and_titles_are_stored_composed_and_found_either_way(
    browser: Browser, admin: Browser, act: Act, sql: Any
) -> None:
    browser.send_form("/register", name=TYPED, email="zoe@example.org", password=PASSWORD)
    browser.get(act(verification, "zoe@example.org"))
    assert sql("SELECT name FROM users WHERE email = 'zoe@example.org'") == [(NAME,)]
    created = admin.send_form(
        "/admin/courses/new", title=TYPED, status="published", price="0", currency="eur"
    )
    assert created.status_code == 303, created.text
    course = sql("SELECT id FROM courses")[0][0]
    admin.send_form(f"/admin/courses/{course}/chapters/new", title=TYPED, body="")
    assert sql("SELECT title FROM courses UNION ALL SELECT title FROM chapters") == [(NAME,)] * 2
    [student] = sql("SELECT id FROM users WHERE email = 'zoe@example.org'")[0]
    act(a_request, student, course)
    for q in (NAME, TYPED, "zoe angstrom"):
        found = admin.get("/api/requests", query_string={"q": q}).get_json()["requests"]
        assert [(row["studentName"], row["courseTitle"]) for row in found] == [(NAME, NAME)]


@pytest.mark.parametrize(("typed", "message"), WRONG.items())
def test_a_name_that_hides_something_is_refused_in_words(
    browser: Browser, student: Browser, sql: Any, typed: str, message: str
) -> None:
    fields = {"email": "new@example.org", "password": PASSWORD}
    for answer in (
        browser.send_form("/register", name=typed, **fields),
        student.send_form("/profile", name=typed),
    ):
        assert answer.status_code == 422
        assert message in answer.text
    assert sql("SELECT name FROM users") == [("Sam Student",)]


@pytest.mark.parametrize("typed", WRONG)
def test_a_title_a_reason_or_a_filter_that_hides_something_is_refused(
    admin: Browser, act: Act, add_person: Any, sql: Any, typed: str
) -> None:
    course = act(a_course)
    request = act(a_request, add_person("kim@example.org"), course)
    fields = {"status": "published", "price": "0", "currency": "eur"}
    for answer in (
        admin.send_form("/admin/courses/new", title=typed, **fields),
        admin.send_form(f"/admin/courses/{course}/chapters/new", title=typed, body=""),
        admin.send_json(
            "PATCH", f"/api/admin/requests/{request}", {"action": "reject", "reason": typed}
        ),
    ):
        assert answer.status_code == 422
        assert WRONG[typed] in answer.text
    admin.send_form("/admin/filters/requests", name=typed, query="q=x")
    admin.send_form("/admin/requests", reject=request, reason=typed)
    assert sql("SELECT id FROM saved_filters") == []
    assert sql("SELECT status FROM access_requests") == [("pending",)]
    assert sql("SELECT count(*) FROM courses") == [(1,)]


def test_a_reason_is_stored_composed(admin: Browser, act: Act, add_person: Any, sql: Any) -> None:
    request = act(a_request, add_person("kim@example.org"), act(a_course))
    admin.send_json(
        "PATCH", f"/api/admin/requests/{request}", {"action": "reject", "reason": TYPED}
    )
    assert sql("SELECT reason FROM decisions") == [(NAME,)]
