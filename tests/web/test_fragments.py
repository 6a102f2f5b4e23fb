"""Fragments are rendered once, with the form token of whoever asks, and show only what they got."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from flask import Flask
from flask_wtf.csrf import generate_csrf

from lms.web.fragments import MOST, Fragments, use
from tests.builders import a_public_course
from tests.fragments import Checked
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture
def served(app: Flask) -> Iterator[Flask]:
    """The portal as it is served: what it has rendered is not rendered anew, even for a test."""
    use(app, Fragments(MOST))
    yield app
    use(app, Checked(MOST))


def test_a_form_in_a_fragment_carries_the_token_of_whoever_asks(
    served: Flask, student: Browser, add_person: AddPerson, act: Act
) -> None:
    course_id = act(a_public_course)
    add_person("kim@example.org")
    other = Browser(served)
    other.sign_in("kim@example.org")
    tokens = {
        browser: _tokens(browser.get("/student/courses").text) for browser in (student, other)
    }
    assert {len(each) for each in tokens.values()} == {1}
    assert tokens[student] != tokens[other]
    for browser, (token,) in tokens.items():
        enroll = f"/student/courses/{course_id}/enroll"
        browser.post(enroll, data={"csrf_token": token})
        assert browser.get("/api/student/stats").get_json()["enrolledCourses"] == 1


def test_a_fragment_is_rendered_once_for_equal_values_of_one_type(served: Flask) -> None:
    row = _macro(served, "{% macro row(value) %}{{ value }} {{ number() }}{% endmacro %}")
    fragments = Fragments(2)
    with served.test_request_context():
        assert [fragments.one(row, value) for value in (1, 1, True, 1, 2, 3, 1)] == [
            *("1 0", "1 0", "True 1", "1 0"),
            *("2 2", "3 3", "1 4"),  # of two, the one that was used least has gone
        ]


def test_fragments_of_rows_are_those_of_each_row(served: Flask) -> None:
    source = "{% macro row(a, b) %}{{ a }}{{ csrf_token() }}{{ b }} {{ number() }},{% endmacro %}"
    row = _macro(served, source)
    fragments = Fragments(3)
    with served.test_request_context():
        alone = [fragments.one(row, *values) for values in (("<", "c"), (2, "c"))]
        assert fragments.each(row, ["<", 2], "c") == "".join(alone)
        assert fragments.each(row, [("<", "c"), (2, "c")]) == "".join(alone)
    with served.test_request_context():
        token = generate_csrf()
        assert fragments.each(row, [(2, "c"), (3, "d")]) == f"2{token}c 1,3{token}d 2,"


def test_a_fragment_that_shows_more_than_its_values_fails_a_test(app: Flask) -> None:
    row = _macro(app, "{% macro row(value) %}{{ value }} {{ number() }}{% endmacro %}")
    with app.test_request_context(), pytest.raises(AssertionError):
        Checked(MOST).one(row, 1)


def _tokens(page: str) -> set[str]:
    _, _, content = page.partition("<main")
    return set(_TOKEN.findall(content))


def _macro(app: Flask, source: str) -> Any:
    template = app.jinja_env.from_string(source, globals={"number": count().__next__})
    return template.module.row  # type: ignore[attr-defined]
