"""Offers on pages: what became of them, two tabs, and money that is on its way."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask

from lms import enrollment
from tests.builders import a_course, a_request, an_admin
from tests.conftest import Sql
from tests.enrollment.test_offers import let_pass
from tests.web.api.problems import problem
from tests.web.api.test_offers import OFFERS, an_offer
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import text_of
from tests.web.test_payment_pages import a_payment

PAGES = ("/student/requests", "/student/dashboard")
CONTACT = "Contact the school about how to pay."


def tell_how_to_pay(act: Act) -> None:
    told = {"how_to_pay": "IBAN AT61 1904"}
    act(partial(enrollment.change_settings, by=act(an_admin), seen=0), told)


def decline(student: Browser, offer: int) -> str:
    """Decline an offer on the page of requests, and return what is said then."""
    answer = student.send_form(f"/student/offers/{offer}/decline", back="/student/requests")
    assert (answer.status_code, answer.location) == (303, "/student/requests")
    return text_of(student.get("/student/requests").text)


def the_course(sql: Sql) -> int:
    [(course,)] = sql("SELECT id FROM courses")
    return int(course)


@pytest.mark.parametrize("page", PAGES)
def test_an_offer_that_cannot_be_bought_says_how_to_pay(
    app: Flask, student: Browser, act: Act, sql: Sql, page: str
) -> None:
    an_offer(act, student.user_id)
    for address in (page, "/student/courses", f"/student/courses/{the_course(sql)}"):
        shown = student.get(address).text
        assert re.search(r'class="btn btn-secondary[^>]*>Buy</button>', shown)
        assert text_of(shown).count(f"Payments are not configured. {CONTACT}") == 1
    app.config["STRIPE_SECRET_KEY"] = "sk_test_1"
    for address in (page, f"/student/courses/{the_course(sql)}"):
        shown = student.get(address).text
        assert re.search(r'class="btn btn-primary[^>]*>Buy</button>', shown)
        assert "Payments are not configured" not in shown


def test_where_the_course_page_says_how_to_pay_an_offer_leads_there(
    student: Browser, act: Act, sql: Sql
) -> None:
    an_offer(act, student.user_id)
    assert CONTACT in text_of(student.get(PAGES[0]).text)
    tell_how_to_pay(act)
    told = "Payments are not configured. The course page says how to pay."
    for address in (*PAGES, "/student/courses"):
        shown = text_of(student.get(address).text)
        assert (shown.count(told), CONTACT in shown) == (1, False)
    course = f"/student/courses/{the_course(sql)}"
    shown = text_of(student.get(course).text)
    assert "Pay by then as described below, or decline the offer." in shown
    student.send_form(f"{course}/buy")
    shown = text_of(student.get(course).text)
    assert (shown.count(told), CONTACT in shown) == (1, False)


def test_whoever_is_offered_the_last_seat_is_not_told_that_none_is_left(
    student: Browser, act: Act, sql: Sql
) -> None:
    offer = an_offer(act, student.user_id)
    sql("UPDATE courses SET capacity = 1")
    for address in ("/student/courses", f"/student/courses/{the_course(sql)}"):
        shown = text_of(student.get(address).text)
        assert ("One seat held for you" in shown, "No seats left" in shown) == (True, False)
        assert "when a seat opens" not in shown
    decline(student, offer)
    assert "1 seat left" in text_of(student.get("/student/courses").text)


def test_whoever_can_ask_instead_of_paying_reads_that_the_course_page_says_how_to_pay(
    student: Browser, act: Act
) -> None:
    course = act(a_course, "Bread", price_cents=4900)
    tell_how_to_pay(act)
    told = "Pay as described on the course page, or request access instead."
    assert f"Payments are not configured. {told}" in text_of(student.get("/student/courses").text)
    student.send_form(f"/student/courses/{course}/buy")
    shown = text_of(student.get(f"/student/courses/{course}").text)
    assert f"Payments are not configured. {told}" in shown
    assert "Payments are not configured. Pay as described below, or request" in shown


def test_declining_in_two_tabs_is_news_and_no_error(student: Browser, act: Act) -> None:
    offer = an_offer(act, student.user_id)
    assert "You declined the offer for Bread." in decline(student, offer)
    assert "This offer has already ended." in decline(student, offer)


def test_nobody_declines_what_the_bank_is_already_paying(
    student: Browser, act: Act, sql: Sql
) -> None:
    offer = an_offer(act, student.user_id)
    a_payment(sql, student, the_course(sql), "processing")
    assert "is processing, so you can't decline the offer now." in decline(student, offer)
    refused = student.send_json("DELETE", f"{OFFERS}/{offer}", {})
    assert problem(refused) == (409, "conflict")
    assert sql("SELECT status FROM offers") == [("open",)]
    assert sql("SELECT sale_ended_at FROM payments") == [(None,)]


def test_whoever_has_paid_for_an_offer_reads_what_declining_would_give_up(
    student: Browser, act: Act, sql: Sql
) -> None:
    an_offer(act, student.user_id)
    a_payment(sql, student, the_course(sql), "needs_review")
    shown = text_of(student.get(f"/student/courses/{the_course(sql)}").text)
    assert "A seat is held for you until" in shown
    assert "You've already paid" in shown


def test_whoever_declines_with_a_checkout_open_is_not_led_to_pay(
    student: Browser, act: Act, sql: Sql
) -> None:
    offer = an_offer(act, student.user_id)
    page = a_payment(sql, student, the_course(sql), "pending")
    assert "continue to payment below" in text_of(student.get(page).text)
    told = decline(student, offer)
    assert "Don't complete the checkout you opened." in told
    assert "charged" not in told
    told = text_of(student.get(page).text)
    assert "This checkout is no longer valid, so please don't use it." in told
    assert "ontinue to payment" not in told


def declined(act: Act, _sql: Sql, offer: int, student: int) -> None:
    act(enrollment.decline_offer, offer, by=student)


def withdrawn(act: Act, _sql: Sql, offer: int, _student: int) -> None:
    act(enrollment.withdraw_offer, offer, by=act(an_admin))


def expired(_act: Act, sql: Sql, _offer: int, _student: int) -> None:
    let_pass(sql)


@pytest.mark.parametrize("end", [declined, withdrawn, expired])
def test_an_approval_whose_offer_is_over_is_not_called_approved(
    student: Browser, admin: Browser, act: Act, sql: Sql, end: Callable[..., Any]
) -> None:
    offer = an_offer(act, student.user_id)
    pages = {(student, page) for page in PAGES}
    pages.add((admin, f"/admin/students/{student.user_id}"))
    shown = [text_of(who.get(page).text) for who, page in pages]
    assert all("Offered" in page for page in shown)
    end(act, sql, offer, student.user_id)
    for who, page in pages:
        told = text_of(who.get(page).text)
        assert f"Offer {end.__name__}" in told
        assert "Approved" not in told
    [request] = student.get("/api/student/requests").get_json()["requests"]
    assert request["status"] == "approved"
    assert "offer" not in request


def test_what_is_bought_by_an_offer_or_approved_without_one_is_approved(
    student: Browser, act: Act, sql: Sql
) -> None:
    an_offer(act, student.user_id)
    sold, free, admin = the_course(sql), act(a_course, "Algebra"), act(an_admin)
    act(enrollment.approve, act(a_request, student.user_id, free), by=admin)
    act(enrollment.enroll, student.user_id, sold, by=admin)
    told = text_of(student.get("/student/requests").text)
    assert told.count("Approved") == 2


def test_an_admin_who_withdraws_what_is_over_is_told_so(
    student: Browser, admin: Browser, act: Act
) -> None:
    offer = an_offer(act, student.user_id)
    act(enrollment.decline_offer, offer, by=student.user_id)
    address = f"/admin/offers/{offer}/withdraw"
    for ask in (
        partial(admin.get, address),
        partial(admin.send_form, address, reason="No"),
        partial(admin.send_form, address, reason="x" * 5000),
    ):
        answer = ask()
        assert (answer.status_code, answer.location) == (303, "/admin/courses")
        assert "This offer has ended" in text_of(admin.get("/admin/courses").text)
