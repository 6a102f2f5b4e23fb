"""Each route answers those whom its declaration names, and refuses all others."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.web.crawl.conftest import Come, on_one_engine
from tests.web.crawl.declared import WHO_MAY
from tests.web.crawl.people import PEOPLE, may
from tests.web.crawl.requests import Asked, asked, rows, served
from tests.web.crawl.school import School

NOT_200 = {
    "/": {302, 303},
    "/admin/payments/<payment_id>/accept": {303},  # nobody here has paid another amount
    "/admin/payments/<payment_id>/access": {303},
    "/admin/payments/books/close": {303},  # it needs to know which month
    "/admin/payments/<payment_id>/evidence.pdf": {303},  # nobody disputes it
    "/admin/payments/<payment_id>/refund": {303},  # Stripe isn't set up here
    "/api/sync/explain": {422},  # it needs to know whose access
    "/login": {200, 303},
    "/login/second-step": {303},  # nobody here is halfway in
    "/login/second-step/passkey": {404},
    "/profile/second-factor/<factor_id>": {404},  # an admin's, whom nobody here is
    "/register": {200, 303},
    "/register/sent": {303},
    "/setup/<token>": {303},  # there is an admin
    "/student/payments/return": {404},  # Stripe sends people back with a reference
}
"""What GET answers, where it is not always 200, to those who may ask."""
ENDING = {"/logout", "/address/<token>", "/admin/students/<student_id>/view"}
"""What signs out whom it concerns."""
OTHERS_ROWS = {
    "/courses/<course_id>/files/<file_id>/<name>": {200, 404},  # admins read them all
    "/resume/<key>": {303},
    "/profile/address/<token>": {303},
    "/student/certificates/<certificate_id>": {404},
    "/student/courses/<course_id>/certificate": {409},
    "/student/courses/<course_id>/leave": {303},
    "/student/payments/<payment_id>": {404},
    "/student/payments/<payment_id>/receipt": {404},
}
"""... and what it answers to everybody but the one student whose row it is."""


def test_every_route_is_declared(app: Flask) -> None:
    assert served(app) == set(WHO_MAY)


@on_one_engine
@pytest.mark.parametrize("who", PEOPLE)
def test_what_is_for_others_is_refused_and_changes_nothing(
    app: Flask, school: School, caller: Come, who: str
) -> None:
    browser = caller(who)
    token = browser.csrf_token()
    before = rows(app)
    for request in asked(app, school.ids):
        if not may(who, request):
            answer = request.send_with_token(browser, token)
            assert _is_refusal(answer, request, who), (request, answer.status_code)
    assert rows(app) == before


@pytest.mark.parametrize("who", PEOPLE)
def test_what_is_for_somebody_opens(app: Flask, school: School, caller: Come, who: str) -> None:
    browser = caller(who)
    expected = NOT_200 if who == "owner" else NOT_200 | OTHERS_ROWS
    for request in asked(app, school.ids):
        if request.is_safe and may(who, request):
            answer = request.send(browser)
            assert answer.status_code in expected.get(request.rule, {200}), request


@pytest.mark.parametrize("who", PEOPLE)
def test_what_is_for_somebody_takes_an_empty_form(
    app: Flask, school: School, caller: Come, who: str
) -> None:
    browser = caller(who)
    token = browser.csrf_token()
    for request in asked(app, school.ids):
        if not request.is_safe and may(who, request) and request.rule not in ENDING:
            answer = request.send_with_token(browser, token)
            is_answer = answer.status_code < 500 or answer.status_code == 503
            assert is_answer, (request, answer.status_code)
            assert answer.status_code not in {401, 403}, request


def _is_refusal(answer: TestResponse, request: Asked, who: str) -> bool:
    is_known = "without factor" in PEOPLE[who]
    is_page = not request.is_json and request.rule != "/metrics"
    if is_known and is_page and "signed in" not in PEOPLE[who]:
        first = answer.headers.get("Location", "").startswith("/profile/second-factor")
        return first if request.is_safe else first or answer.status_code == 403
    if is_known or request.rule == "/metrics":
        return answer.status_code == 403
    if request.is_json:
        return answer.status_code == 401
    return answer.status_code == 303 and answer.headers["Location"].startswith("/login")
