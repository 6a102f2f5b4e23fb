"""How do students get in? One question over the columns of a course."""

import pytest
from flask import Flask

from tests.builders import (
    a_course,
    a_course_open_to_all,
    a_student,
)
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import error_at, text_of

ALGEBRA = {
    "title": "Linear Algebra",
    "description": "Vectors.",
    "status": "published",
    "price": "49.90",
    "currency": "EUR",
    "capacity": "12",
}
FREE = {**ALGEBRA, "price": "0"}
FLAGS = "is_default_unlocked, is_public, requires_approval, price_cents"


def test_a_course_with_a_price_says_that_nobody_can_pay_yet(
    app: Flask, admin: Browser, act: Act
) -> None:
    sold, free = act(a_course, "Sold", price_cents=500), act(a_course, "Free")
    said = "Payments are not configured"
    app.config["STRIPE_SECRET_KEY"] = "sk_test_key"
    assert said not in admin.get(f"/admin/courses/{sold}").text
    app.config["STRIPE_SECRET_KEY"] = None
    assert said in admin.get(f"/admin/courses/{sold}").text
    assert said not in admin.get(f"/admin/courses/{free}").text


@pytest.mark.parametrize(
    ("entry", "price", "flags"),
    [
        ("everybody", "0", (True, False, False, 0)),
        ("join", "0", (False, True, False, 0)),
        ("buy", "49,90", (False, True, False, 4990)),
        ("ask", "", (False, False, False, 0)),
        ("ask_buy", "49.90", (False, True, True, 4990)),
    ],
)
def test_one_answer_says_how_students_get_in(
    admin: Browser, sql: Sql, entry: str, price: str, flags: tuple[object, ...]
) -> None:
    typed = {**ALGEBRA, "capacity": "", "price": price, "entry": entry}
    # As the course was: whoever pays is let in whether or not others could once join freely.
    typed |= {"is_public": "y", "requires_approval": "y"}
    made = admin.send_form("/admin/courses/new", **typed)
    assert made.status_code == 303
    assert sql(f"SELECT {FLAGS} FROM courses") == [flags]
    assert f'value="{entry}" checked' in admin.get(str(made.location)).text
    assert "As it is now" not in admin.get(str(made.location)).text


def test_an_answer_and_its_price_must_fit(admin: Browser, sql: Sql) -> None:
    for entry, price, told in (
        ("buy", "0", "Enter the price, or choose one of the free options."),
        ("ask_buy", "", "Enter the price, or choose one of the free options."),
        (
            "join",
            "49",
            "The option you chose is free. Enter 0, or choose “Buy” or “Ask, then buy”.",
        ),
        ("buy", "1,500", "This can be read in two ways"),
    ):
        typed = {**ALGEBRA, "capacity": "", "currency": "kwd", "price": price, "entry": entry}
        answer = admin.send_form("/admin/courses/new", **typed)
        assert answer.status_code == 422, entry
        assert told in text_of(error_at(answer.text, "price")), entry
        assert f'value="{entry}" checked' in answer.text
    odd = admin.send_form("/admin/courses/new", **{**FREE, "entry": "by magic"})
    assert "Choose how students get in." in error_at(odd.text, "entry")
    assert sql("SELECT 1 FROM courses") == []


def test_a_combination_that_is_no_answer_stays_until_one_is_chosen(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course, "Odd", is_default_unlocked=True, is_public=True, price_cents=500)
    address = f"/admin/courses/{course}"
    page = admin.get(address).text
    assert 'value="as_stored" checked' in page
    assert "open to everyone, open enrollment, with a price" in text_of(page)
    flags = {"is_default_unlocked": "y", "is_public": "y", "capacity": ""}
    kept = {**ALGEBRA, **flags, "entry": "as_stored"}
    assert admin.send_form(address, **kept).status_code == 303
    assert sql(f"SELECT {FLAGS} FROM courses") == [(True, True, False, 4990)]
    assert admin.send_form(address, **{**kept, "entry": "buy"}).status_code == 303
    assert sql(f"SELECT {FLAGS} FROM courses") == [(False, True, False, 4990)]


def test_the_form_says_beside_a_sale_what_is_missing_for_it(app: Flask, admin: Browser) -> None:
    said = "Nobody can pay yet"
    app.config["STRIPE_SECRET_KEY"] = None
    assert admin.get("/admin/courses/new").text.count(said) == 2
    app.config["STRIPE_SECRET_KEY"] = "sk_test_key"
    assert said not in admin.get("/admin/courses/new").text


def test_closing_a_course_keeps_the_answer_over_the_question_between(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course_open_to_all)
    act(a_student)
    address = f"/admin/courses/{course}"
    preview = admin.send_form(address, **{**ALGEBRA, "entry": "ask_buy"})
    for name, value in (("entry", "ask_buy"), ("requires_approval", "y"), ("price", "49.90")):
        assert f'name="{name}" value="{value}"' in preview.text
    sent = {**ALGEBRA, "entry": "ask_buy", "confirmed": "1"}
    assert admin.send_form(address, **sent).status_code == 303
    assert sql(f"SELECT {FLAGS} FROM courses") == [(False, False, True, 4990)]
