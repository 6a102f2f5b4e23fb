"""What every page of a signed-in person offers, and every password field."""

import re

import pytest
from flask import Flask

from tests.databases import Server
from tests.web.crawl.conftest import Come
from tests.web.crawl.people import PEOPLE, may
from tests.web.crawl.requests import Asked, asked
from tests.web.crawl.school import School

PAPER = {"/student/payments/<payment_id>/receipt"}
"""To be printed: it offers only the way back."""

_read: dict[tuple[str, str], dict[Asked, str]] = {}


@pytest.fixture
def pages(request: pytest.FixtureRequest, server: Server, who: str) -> dict[Asked, str]:
    """All that somebody sees, which is read once for all tests of it."""
    read = type(server).__name__, who
    if read not in _read:
        app, school, caller = map(request.getfixturevalue, ("app", "school", "caller"))
        _read[read] = _pages(app, school, caller, who)
    return _read[read]


def _pages(app: Flask, school: School, caller: Come, who: str) -> dict[Asked, str]:
    browser = caller(who)
    answers = {
        request: request.send(browser)
        for request in asked(app, school.ids)
        if request.is_safe and may(who, request)
    }
    return {
        request: answer.text
        for request, answer in answers.items()
        if answer.status_code == 200 and answer.mimetype == "text/html"
    }


@pytest.mark.parametrize("who", ["student", "owner", "admin"])
def test_every_page_has_the_button_to_sign_out(pages: dict[Asked, str], who: str) -> None:
    without = {request.rule for request, page in pages.items() if '"/logout"' not in page}
    assert without <= PAPER | {"/admin/search/hits", "/admin/courses/<course_id>/chapters/files"}
    assert len(pages) > 10


@pytest.mark.parametrize("who", PEOPLE)
def test_password_fields_hide_what_is_typed_and_let_managers_fill_and_people_paste(
    pages: dict[Asked, str], who: str
) -> None:
    fields = [
        field for page in pages.values() for field in re.findall(r"<input[^>]*password[^>]*>", page)
    ]
    for field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(current|new)-password"', field)
        assert "maxlength" not in field
        assert "onpaste" not in field
    assert fields
