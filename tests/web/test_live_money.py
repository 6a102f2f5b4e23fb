"""The pages of money are live: what is offered, paid and booked elsewhere comes with a poll."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from lms import enrollment, payments
from lms.db import at, now
from lms.ledger.months import Month
from lms.payments.recording import record_refund
from lms.web.front.polls import Polls
from tests.builders import a_course, a_request
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements
from tests.web.pages import text_of

Poll = Callable[[], str]


def polls_of(browser: Browser, statements: Statements, *pages: str) -> Poll:
    """Open pages; the result polls each as they stand, and returns what came of all of them."""
    tags = {page: browser.get(page, headers={"X-Live": "1"}).headers["ETag"] for page in pages}

    def poll() -> str:
        came = ""
        for page, tag in tags.items():
            headers = {"X-Live": "1", "If-None-Match": tag}
            with statements() as sent:
                answer = browser.get(page, headers=headers)
            if answer.status_code == 304:
                assert (len(sent) <= 2, answer.data) == (True, b""), page
            else:
                tags[page] = answer.headers["ETag"]
                came += f" {page}: {text_of(answer.text)}"
        return came

    return poll


def test_an_offer_comes_and_goes_on_the_student_s_pages(
    student: Browser, admin: Browser, act: Act, statements: Statements
) -> None:
    course = act(a_course, "Bread", price_cents=4900, requires_approval=True, capacity=1)
    request = act(a_request, student.user_id, course)
    pages = ("/student/dashboard", "/student/courses", "/student/requests")
    poll = polls_of(student, statements, *pages, f"/student/courses/{course}")
    assert poll() == ""
    offer = act(enrollment.approve, request, by=admin.user_id).offer
    came = poll()
    assert came.count("A seat is held for you until") == len(pages) + 1
    assert poll() == ""
    act(enrollment.decline_offer, offer.id, by=student.user_id)
    came = poll()
    assert [page for page in pages if page not in came] == []
    assert "A seat is held for you" not in came


def test_what_is_paid_and_closed_comes_to_the_pages_of_both(
    student: Browser, admin: Browser, act: Act, statements: Statements
) -> None:
    course = act(a_course, "Bread", price_cents=4900)
    month = Month.of(now()).previous
    own = polls_of(student, statements, "/student/payments", "/student/dashboard")
    books = f"/admin/payments/books?month={month}"
    theirs = polls_of(admin, statements, "/admin/payments", books)
    assert own() + theirs() == ""
    paid = payments.ManualPayment(
        student.user_id, course, 4900, "eur", "cash", "7", paid_at=month.midnight
    )
    payment = act(payments.record_payment, paid, by=admin.user_id).payment_id
    assert [each.count("€49.00") > 0 for each in (own(), theirs())] == [True, True]
    page = polls_of(student, statements, f"/student/payments/{payment}")
    detail = polls_of(admin, statements, f"/admin/payments/{payment}")
    assert own() + theirs() + page() + detail() == ""
    act(record_refund, payment, amount_cents=900, by=admin.user_id)
    for poll in (own, theirs, page, detail):
        assert "€9.00" in poll()
    act(payments.close_month, month, by=admin.user_id)
    assert "Closed on" in theirs()


BEGINS_AT, INSTANT = datetime(2026, 10, 31, 11, tzinfo=UTC), timedelta(microseconds=1)
"""When November begins in Auckland."""


def test_the_books_go_on_to_the_month_that_begins_by_their_clocks(
    admin: Browser, act: Act, statements: Statements
) -> None:
    _move_to_auckland(admin, act)
    with at(BEGINS_AT - timedelta(hours=1)):
        poll = polls_of(admin, statements, "/admin/payments/books", "/admin/requests")
    with at(BEGINS_AT - INSTANT):
        assert poll() == ""
    with at(BEGINS_AT):
        came = poll()
        assert "Nothing was paid or refunded in November 2026." in came
        assert poll() == ""


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)  # the other reads in a thread
def test_polls_are_answered_before_flask_until_a_month_begins(
    app: Flask, admin: Browser, act: Act
) -> None:
    _move_to_auckland(admin, act)
    page, cookie = "/admin/payments/books", admin.get_cookie("portal")
    assert cookie is not None
    polls = Polls(app)
    with at(BEGINS_AT - timedelta(hours=1)):
        tag = admin.get(page, headers={"X-Live": "1"}).headers["ETag"]
    headers = {"if-none-match": tag, "x-live": "1", "cookie": f"portal={cookie.value}"}
    scope: Any = SimpleNamespace(headers=headers, path=page)
    found = []
    for moment in (BEGINS_AT - INSTANT, BEGINS_AT):
        with at(moment):
            found.append(asyncio.run(polls.unchanged(scope)) is not None)
    polls.close()
    assert found == [True, False]


def _move_to_auckland(admin: Browser, act: Act) -> None:
    zone = {"time_zone": "Pacific/Auckland"}
    act(enrollment.change_settings, zone, seen=0, by=admin.user_id)
