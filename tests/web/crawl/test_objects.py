"""One person's rows, asked for and changed by others with the ids that they really have."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lms.db import Base
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.crawl.conftest import Come
from tests.web.crawl.people import may
from tests.web.crawl.requests import Asked, asked
from tests.web.crawl.school import CANARY, School

BY_ITS_CODE = "/certificates/<code>"
"""The one page that shows a student to whoever has been given its secret address."""
BY_ITS_TOKEN = "/address/<token>"
"""The one form that changes an account for whoever reads the mail of its former address."""
BODIES = {
    "/api/payments/checkout": ("course_id",),
    "/api/student/chapters/complete": ("chapter_id",),
    "/api/student/enroll": ("course_id",),
    "/api/student/notices/read": ("ids",),
    "/api/student/requests": ("course_id",),
    "/student/notices/read": ("notice",),
}
"""The ids that come in a body instead of the address."""
NOT_FOUND = {
    "/api/student/requests/<request_id>": 404,
    "/student/payments/<payment_id>/check": 404,
    "/profile/second-factor/<factor_id>": 404,
    # What is gone is as good as ended, so nothing is said about whether there is such a row.
    "/admin/filters/<filter_id>/delete": 303,
    "/profile/second-factor/<factor_id>/remove": 303,
    "/profile/sign-ins/<sign_in_id>/end": 303,
    "/student/requests/<request_id>/cancel": 303,
}
"""What changes of rows of one's own answer to anybody else."""


@pytest.mark.parametrize("who", ["nobody", "unproven", "student"])
def test_nothing_of_a_student_is_shown_to_others(
    app: Flask, school: School, caller: Come, who: str
) -> None:
    browser = caller(who)
    for request in asked(app, school.ids):
        if request.is_safe and request.rule != BY_ITS_CODE:
            answer = request.send(browser)
            assert CANARY.lower().encode() not in answer.data.lower(), request
            assert CANARY.lower() not in str(answer.headers).lower(), request


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_it_is_shown_to_the_student_and_to_admins(
    app: Flask, school: School, caller: Come, who: str
) -> None:
    """Else the test above would find nothing, however much was shown."""
    browser = caller(who)
    showing = {
        request.rule
        for request in asked(app, school.ids)
        if request.is_safe and CANARY.encode() in request.send(browser).data
    }
    assert len(showing) > 12, showing


@pytest.mark.parametrize("who", ["student", "admin"])
def test_nobody_changes_rows_of_others(
    app: Flask, sql: Sql, school: School, caller: Come, who: str
) -> None:
    browser = caller(who)
    before = _rows_of_others(sql, browser.user_id)
    requests = _own_changes(app, school, who)
    for request in requests:
        answer = _sent(browser, request, school)
        expected = NOT_FOUND.get(request.rule, answer.status_code)
        assert answer.status_code == expected < 500 or expected == 503, request
        assert _rows_of_others(sql, browser.user_id) == before, request
    assert len(requests) > 4


@pytest.mark.parametrize(
    "rule",
    ["/api/student/notices/read", "/student/requests/<request_id>/cancel", "/profile/sign-ins"],
)
def test_the_owner_changes_them_by_the_same_requests(
    app: Flask, sql: Sql, school: School, caller: Come, rule: str
) -> None:
    """Else the test above would refuse nothing that could have happened."""
    browser = caller("owner")
    before = _rows_of_others(sql, 0)
    for request in _own_changes(app, school, "student"):
        if request.rule.startswith(rule):
            _sent(browser, request, school)
    assert _rows_of_others(sql, 0) != before


def _own_changes(app: Flask, school: School, who: str) -> list[Asked]:
    """Return the changes that concern nobody but the person who makes them."""
    own = ("/profile", "/admin/filters") if who == "admin" else ("/",)
    return [
        request
        for request in asked(app, school.ids)
        if not request.is_safe
        and may(who, request)
        and request.rule.startswith(own)
        # Signing in and out are nobody's rows, and the caller has to stay.
        and request.rule not in {"/login", "/logout", BY_ITS_TOKEN}
    ]


def _sent(browser: Browser, request: Asked, school: School) -> TestResponse:
    values = {**school.ids, "ids": [school.ids["notice_id"]], "notice": school.ids["notice_id"]}
    token = browser.csrf_token()
    body = {name: values[name] for name in BODIES.get(request.rule, ())}
    if not request.is_json:
        return request.send(browser, data={"csrf_token": token, **body})
    named = {"course_id": "courseId", "chapter_id": "chapterId"}
    json = {named.get(name, name): value for name, value in body.items()}
    return request.send(browser, json=json, headers={"X-CSRFToken": token})


def _rows_of_others(sql: Sql, user_id: int) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of people but one, by table."""
    found = {}
    for table in Base.metadata.sorted_tables:
        names = {"user_id", "student_id", "id" if table.name == "users" else ""}
        for column in names & set(table.columns.keys()):
            statement = f"SELECT * FROM {table.name} WHERE {column} <> :person"
            found[table.name] = sorted(map(tuple, sql(statement, person=user_id)), key=repr)
    return found
