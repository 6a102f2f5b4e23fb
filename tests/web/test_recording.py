"""The form by which admins record money, and the pages of the books."""

from datetime import UTC, datetime
from functools import partial

import pytest
from flask import Flask

from lms import enrollment
from lms.db import at, now
from lms.ledger.months import Month
from tests.builders import a_course, a_student
from tests.commands import run
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements
from tests.web.pages import entered, error_at, text_of

PAID = {
    "email": "sam@example.org",
    "amount": "49.00",
    "currency": "EUR",
    "method": "transfer",
    "reference": "2026-0815",
    "paid_on": "2026-10-05",
}


@pytest.fixture
def course(app: Flask, act: Act) -> int:
    act(a_student, "Sam", email="sam@example.org")
    course: int = act(a_course, "Bread", price_cents=4900)
    return course


def test_an_admin_records_a_transfer_which_is_in_the_books(
    admin: Browser, course: int, sql: Sql
) -> None:
    page = text_of(admin.get("/admin/payments/new").text)
    assert "Record a payment" in page
    answer = admin.send_form("/admin/payments/new", **PAID, course_id=course, key="one")
    assert answer.status_code == 303
    shown = text_of(admin.get(answer.location).text)
    assert "Bank transfer" in shown
    assert "2026-0815" in shown
    assert "Bank transfer" in text_of(admin.get("/admin/payments").text)
    again = admin.send_form("/admin/payments/new", **PAID, course_id=course, key="one")
    assert again.location == answer.location
    assert len(sql("SELECT id FROM payments")) == 1
    books = text_of(admin.get("/admin/payments/books?month=2026-10").text)
    assert "Books for October 2026" in books
    assert "Unexplained: 0" in books
    assert "€49.00" in books
    [payment] = sql("SELECT id, user_id FROM payments")
    access = admin.get(f"/admin/payments/{payment.id}/access")
    assert access.location == f"/admin/students/{payment.user_id}/courses/{course}"


def test_money_that_gives_no_access_is_not_announced_as_any_other(
    admin: Browser, course: int, sql: Sql
) -> None:
    sql("UPDATE courses SET capacity = 0")
    answer = admin.send_form("/admin/payments/new", **PAID, course_id=course)
    shown = text_of(admin.get(answer.location).text)
    assert "Payment recorded, but it gives no access yet." in shown
    assert "The course is full." in shown


def test_the_currency_is_that_of_the_chosen_course_or_else_the_school_s(
    admin: Browser, act: Act
) -> None:
    chf = act(a_course, "Brot", price_cents=4900, currency="chf")
    for chosen, currency in (("", "EUR"), (f"?course={chf}", "CHF"), ("?course=4711", "EUR")):
        page = admin.get(f"/admin/payments/new{chosen}").text
        assert entered(page)["currency"] == currency, chosen
    assert "If it's less than the price, the difference is recorded as a discount" in text_of(page)


def test_a_donation_for_a_free_course_is_taken_in_any_currency(
    admin: Browser, course: int, sql: Sql
) -> None:
    sql("UPDATE courses SET price_cents = 0")
    for currency, status in (("USD", 303), ("XQX", 422)):
        sent = PAID | {"currency": currency, "reference": currency}
        answer = admin.send_form("/admin/payments/new", **sent, course_id=course)
        assert answer.status_code == status, currency
    assert (
        error_at(answer.text, "currency") == "Enter a currency that the portal knows, such as EUR."
    )
    assert "$49.00" in text_of(admin.get("/admin/payments/1").text)
    books = admin.get("/api/admin/payments/books?month=2026-10").get_json()
    assert [(each["currency"], each["takenCents"]) for each in books["currencies"]] == [
        ("usd", 4900)
    ]


WRONG = (
    ("email", "nobody@example.org", "No student has this e-mail address."),
    ("email", "", "Enter the student's e-mail address."),
    ("course_id", "", "Choose a course."),
    ("course_id", "4711", "This course doesn't exist."),
    ("amount", "much", "Enter an amount, such as 49.00."),
    ("amount", "", "Enter an amount."),
    ("amount", "0", "Enter an amount above 0, up to €999,999.99."),
    ("amount", "-49", "Enter an amount above 0"),
    ("amount", "49.001", "Write 49001.00, without a thousands separator"),
    ("amount", "49.0012", "Use no more decimal places"),
    ("amount", "1000000", "Enter an amount above 0"),
    ("currency", "USD", "Enter EUR, the currency of the price."),
    ("currency", "eu", "Enter a currency, such as EUR."),
    ("method", "", "Choose how it was paid."),
    ("method", "stripe", "Choose how it was paid."),
    ("reference", "", "Enter the reference"),
    ("paid_on", "2199-01-01", "Enter a date that isn't in the future."),
    ("paid_on", "soon", "Enter a date, such as 2026-10-31."),
)


def test_what_cannot_be_comes_back_with_what_was_typed(
    admin: Browser, course: int, sql: Sql
) -> None:
    right = {**PAID, "course_id": str(course), "key": "one"}
    for field, value, said in WRONG:
        answer = admin.send_form("/admin/payments/new", **(right | {field: value}))
        assert answer.status_code == 422, (field, value)
        assert error_at(answer.text, field).startswith(said), (field, value)
        shown = entered(answer.text)
        kept = right | {field: value}
        if field in {"course_id", "method"}:
            del kept[field]  # no list has it
        assert shown.items() >= kept.items(), (field, value)
    assert sql("SELECT id FROM payments") == []


def test_all_that_is_wrong_with_a_payment_is_told_at_once(
    admin: Browser, course: int, sql: Sql
) -> None:
    right = {**PAID, "course_id": str(course), "key": "one"}
    for wrong in (
        {"email": "nobody@example.org", "currency": "USD", "amount": "49.999"},
        {"email": "nobody@example.org", "currency": "e", "amount": "0", "paid_on": "2199-01-01"},
        {"currency": "JPY", "amount": "49.999"},
        {"course_id": "", "email": "nobody@example.org", "amount": "49.999"},
    ):
        answer = admin.send_form("/admin/payments/new", **{**right, **wrong})
        assert answer.status_code == 422
        assert answer.text.count('class="field-error"') == len(wrong), wrong
        assert all(error_at(answer.text, field) for field in wrong), wrong
    yen = admin.send_form("/admin/payments/new", **{**right, "currency": "JPY", "amount": "49.50"})
    assert "Enter EUR" in error_at(yen.text, "currency")
    assert error_at(yen.text, "amount") == ""
    assert sql("SELECT id FROM payments") == []


def test_a_form_that_was_gone_back_to_is_another_payment_once_it_is_sent_again(
    admin: Browser, course: int, sql: Sql
) -> None:
    sent = {**PAID, "course_id": str(course), "key": "one"}
    admin.send_form("/admin/payments/new", **sent)
    answer = admin.send_form("/admin/payments/new", **(sent | {"key": "two"}))
    assert answer.status_code == 409
    assert error_at(answer.text, "reference").startswith("This student already has a payment")
    answer = admin.send_form("/admin/payments/new", **(sent | {"reference": "next"}))
    assert answer.status_code == 409
    assert "This form was already sent with different values." in text_of(answer.text)
    again = entered(answer.text)
    assert len(sql("SELECT id FROM payments")) == 1
    assert admin.send_form("/admin/payments/new", **again).status_code == 303
    assert len(sql("SELECT id FROM payments")) == 2


def test_a_program_records_a_payment_and_reads_the_books(
    admin: Browser, course: int, sql: Sql
) -> None:
    [student] = sql("SELECT id FROM users WHERE email = 'sam@example.org'")
    body = {
        "studentId": student.id,
        "courseId": course,
        "amountCents": 4900,
        "currency": "eur",
        "method": "purchase_order",
        "reference": "PO 7",
        "paidAt": "2026-10-05T09:30:00Z",
    }
    answer = admin.send_json("POST", "/api/admin/payments", body)
    assert answer.status_code == 201
    assert answer.get_json()["payment"]["status"] == "paid"
    again = admin.send_json("POST", "/api/admin/payments", body)
    assert (again.status_code, again.get_json()["code"]) == (409, "reference_used")
    future = admin.send_json("POST", "/api/admin/payments", body | {"paidAt": "2199-01-01"})
    assert (future.status_code, list(future.get_json()["errors"])) == (422, ["paidAt"])
    books = admin.get("/api/admin/payments/books?month=2026-10").get_json()
    assert (books["unexplained"], books["currencies"][0]["takenCents"]) == (0, 4900)
    [line] = books["lines"]
    assert line["access"] == f"/admin/payments/{line['paymentId']}/access"


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Pacific/Auckland"])
def test_a_bare_day_over_json_is_of_its_month_in_the_school_s_zone(
    admin: Browser, act: Act, course: int, sql: Sql, zone: str
) -> None:
    act(enrollment.change_settings, {"time_zone": zone}, seen=0, by=admin.user_id)
    [student] = sql("SELECT id FROM users WHERE email = 'sam@example.org'")
    body = {
        "studentId": student.id,
        "courseId": course,
        "amountCents": 4900,
        "currency": "eur",
        "method": "cash",
        "reference": "7",
    }

    def send(day: str, key: str) -> int:
        paid = body | {"paidAt": day}
        headers = {"X-CSRFToken": admin.csrf_token(), "Idempotency-Key": key}
        answer = admin.open("/api/admin/payments", method="POST", json=paid, headers=headers)
        return answer.status_code

    with at(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        assert [send("2026-11-01", "first-of-november") for _ in range(2)] == [201, 201]
        assert send("2026-11-02", "first-of-november") == 409
        assert [send(day, f"of-{day}") for day in ("1969-12-31", "0001-01-01", "2026-11-22")] == [
            422
        ] * 3
        assert send("2026-02-30", "no-day-at-all") == 422
    [booked] = sql("SELECT month, happened_at FROM money_movements")
    assert booked.month == "2026-11"


def test_the_description_says_that_a_payment_takes_a_day_or_a_time(admin: Browser) -> None:
    described = admin.get("/api/openapi.json").get_json()
    paid_at = described["components"]["schemas"]["Paid"]["properties"]["paidAt"]
    formats = [each.get("format", each["type"]) for each in paid_at["anyOf"]]
    assert formats == ["date-time", "date", "null"]


def test_a_month_that_is_none_is_said_at_its_field(admin: Browser) -> None:
    for month, said in (("2026-13", "Enter a year and month"), ("9998-01", "hasn't begun yet")):
        page = admin.get(f"/admin/payments/books?month={month}")
        assert page.status_code == 422
        assert said in text_of(page.text)
        answer = admin.get(f"/api/admin/payments/books?month={month}")
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["month"])


def test_the_books_say_by_whose_clocks_months_begin(
    admin: Browser, act: Act, course: int, app: Flask
) -> None:
    admin.send_form("/admin/payments/new", **PAID, course_id=course)
    zone = {"time_zone": "Pacific/Auckland"}
    with at(datetime(2026, 9, 15, tzinfo=UTC)):
        act(enrollment.change_settings, zone, seen=0, by=admin.user_id)
    exactly = (
        "The month begins 1 October 2026, 13:00 (Auckland time, UTC+13)"
        " and ends 1 November 2026, 00:00 (Auckland time, UTC+13)."
    )
    for month, said, changes in (
        ("2026-09", "The month begins and ends at midnight, UTC.", True),
        ("2026-10", exactly, False),
        ("2026-11", "The month begins and ends at midnight, Auckland time.", False),
    ):
        page = text_of(admin.get(f"/admin/payments/books?month={month}").text)
        assert (said in page, "October 2026 on, the books use Auckland time." in page) == (
            True,
            changes,
        )
        printed = run(app, "payments", "books", month).stdout
        assert (exactly in printed) == (said == exactly)
    told = admin.get("/api/admin/payments/books?month=2026-10").get_json()
    assert [datetime.fromisoformat(told[name]) for name in ("beginsAt", "endsAt")] == [
        datetime(2026, 10, 1, tzinfo=UTC),
        datetime(2026, 10, 31, 11, tzinfo=UTC),
    ]
    assert told["timeZone"] == "Pacific/Auckland"


def test_where_the_present_month_is_closed_the_page_of_the_one_after_it_says_what_it_takes(
    admin: Browser, course: int, sql: Sql, app: Flask
) -> None:
    page, today = "/admin/payments/books", now().date()
    present = Month.of(today)
    sql("INSERT INTO closed_months (month) VALUES (:month)", month=str(present))
    sent = PAID | {"paid_on": str(today)}
    assert admin.send_form("/admin/payments/new", **sent, course_id=course).status_code == 303
    shown = text_of(admin.get(page).text)
    said = f"The books for {present.name} are already closed. Until this month begins, on"
    assert f"Books for {present.next.name}" in shown
    assert said in shown
    assert "Nothing was paid" not in shown
    assert said not in text_of(admin.get(f"{page}?month={present}").text)
    assert admin.get(f"{page}?month={present.next.next}").status_code == 422
    assert said in run(app, "payments", "books", str(present.next)).stdout
    assert said not in run(app, "payments", "books", str(present)).stdout


def test_an_admin_closes_a_month(admin: Browser, course: int, sql: Sql) -> None:
    admin.send_form("/admin/payments/new", **PAID, course_id=course)
    asked = text_of(admin.get("/admin/payments/books/close?month=2026-10").text)
    assert "Nothing is unexplained." in asked
    answer = admin.send_form("/admin/payments/books/close", month="2026-10")
    assert answer.location == "/admin/payments/books?month=2026-10"
    assert "Closed" in text_of(admin.get(answer.location).text)
    for month, said in (
        ("2026-10", "The books for October 2026 are already closed."),
        (str(Month.of(now())), "isn't over yet."),
        ("9998-01", "hasn't begun yet."),
        ("", "Enter a year and month"),
    ):
        asked_for = f"/admin/payments/books/close?month={month}"
        for send in (admin.get, partial(admin.send_form, month=month)):
            refused = send(asked_for)
            assert refused.status_code == 303, month
            assert said in text_of(admin.get(refused.location).text), month
    assert sql("SELECT month FROM closed_months") == [("2026-10",)]
    admin.send_form("/admin/payments/new", **(PAID | {"reference": "late"}), course_id=course)
    present = sql("SELECT booked_month FROM money_movements ORDER BY id DESC LIMIT 1")[0][0]
    assert present > "2026-10"
    assert "Correction of 2026-10" in text_of(
        admin.get(f"/admin/payments/books?month={present}").text
    )


def test_the_books_take_the_same_statements_however_many_lines_there_are(
    admin: Browser, course: int, statements: Statements
) -> None:
    def asked() -> int:
        with statements() as sent:
            assert admin.get("/admin/payments/books?month=2026-10").status_code == 200
        return len(sent)

    before = asked()
    for number in range(3):
        admin.send_form(
            "/admin/payments/new", **(PAID | {"reference": f"r{number}"}), course_id=course
        )
    assert asked() == before


def test_money_that_opens_nothing_or_comes_twice_is_not_called_a_success(
    admin: Browser, course: int, act: Act, sql: Sql
) -> None:
    [student] = sql("SELECT id FROM users WHERE email = 'sam@example.org'")
    sent = {**PAID, "course_id": str(course)}
    sql("UPDATE courses SET capacity = 0")
    shown = admin.send_form("/admin/payments/new", **sent).location
    told = text_of(admin.get(shown).text)
    assert "it gives no access yet" in told
    assert "The course is full." in told
    sql("UPDATE courses SET capacity = 1")
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents, status, created_at)"
        " VALUES (:student, :course, 4900, 'processing', '2026-01-01 00:00:00.000000')",
        student=student.id,
        course=course,
    )
    shown = admin.send_form("/admin/payments/new", **(sent | {"reference": "next"})).location
    told = text_of(admin.get(shown).text)
    assert "Payment recorded." in told
    assert "bank is processing another payment for this course" in told


def test_a_student_s_page_leads_to_their_payments_and_to_recording_one(
    admin: Browser, course: int, sql: Sql
) -> None:
    payment = admin.send_form("/admin/payments/new", **PAID, course_id=course).location
    [student] = sql("SELECT id FROM users WHERE email = 'sam@example.org'")
    page = admin.get(f"/admin/students/{student.id}").text
    assert f'href="{payment}"' in page
    form = f"/admin/payments/new?student={student.id}"
    assert f'href="{form}"' in page
    assert entered(admin.get(form).text)["email"] == "sam@example.org"


def test_an_address_that_no_database_can_store_is_refused_at_its_field(admin: Browser) -> None:
    answer = admin.send_form("/admin/payments/new", email="a\x00@b")
    assert answer.status_code == 422
    assert "can't be stored" in error_at(answer.text, "email")
