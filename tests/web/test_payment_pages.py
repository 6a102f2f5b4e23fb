"""What a student reads of a payment, whatever has become of its course and of their access."""

import pytest
from flask import Flask

from lms import enrollment
from lms.db import now
from tests.builders import a_course
from tests.conftest import Sql
from tests.web.api.test_offers import an_offer
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import actions_of, text_of

UNPAID = ("pending", "processing", "expired", "failed")
URGES = ("ontinue to payment", "choose “Buy”", "To try again", "We'll enroll", "we'll enroll")


@pytest.fixture
def course(act: Act) -> int:
    course: int = act(a_course, "Bread", price_cents=4900)
    return course


def a_payment(sql: Sql, student: Browser, course: int, status: str, **columns: object) -> str:
    """Write down a payment as it has become, and return the address of its page."""
    values = {
        "user_id": student.user_id,
        "course_id": course,
        "course_title": "Bread",
        "amount_cents": 4900,
        "status": status,
        "checkout_url": "https://checkout.stripe.com/x",
        **columns,
    }
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    added = f"INSERT INTO payments ({names}) VALUES ({places}) RETURNING id"
    [(payment_id,)] = sql(added, **values)
    return f"/student/payments/{payment_id}"


@pytest.mark.parametrize("status", UNPAID)
def test_who_is_enrolled_is_not_urged_to_pay(
    student: Browser, act: Act, sql: Sql, course: int, status: str
) -> None:
    page = a_payment(sql, student, course, status)
    act(enrollment.enroll, student.user_id, course, by=None)
    told = text_of(student.get(page).text)
    assert "You're already enrolled in this course" in told
    assert not [urge for urge in URGES if urge in told]
    assert "Open course" in told


@pytest.mark.parametrize("gone", ["deleted", "archived"])
@pytest.mark.parametrize("status", UNPAID)
def test_nobody_is_urged_to_pay_for_a_course_that_is_gone(
    *, student: Browser, act: Act, sql: Sql, course: int, status: str, gone: str
) -> None:
    page = a_payment(sql, student, course, status)
    act(
        enrollment.delete_course if gone == "deleted" else enrollment.archive_course,
        course,
        by=None,
    )
    told = text_of(student.get(page).text)
    assert "This course is no longer available" in told
    assert not [urge for urge in (*URGES, "Back to course") if urge in told]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("pending", "This checkout is no longer valid, so please don't use it."),
        ("processing", "the school will either enroll you or refund"),
    ],
)
def test_nobody_is_promised_a_seat_for_money_that_comes_after_the_sale(
    *, student: Browser, sql: Sql, course: int, status: str, said: str
) -> None:
    ended = {"sale_ended_at": "2026-03-05 10:00:00", "sale_end": "offer"}
    told = text_of(student.get(a_payment(sql, student, course, status, **ended)).text)
    assert said in told
    assert not [urge for urge in URGES if urge in told]


def test_who_is_enrolled_is_not_told_that_money_gives_no_access(
    student: Browser, act: Act, sql: Sql, course: int
) -> None:
    page = a_payment(sql, student, course, "needs_review", attention="Another amount.")
    assert "it doesn't give you access right now" in text_of(student.get(page).text)
    act(enrollment.enroll, student.user_id, course, by=None)
    told = text_of(student.get(page).text)
    assert "You already have access to" in told
    assert "it doesn't give you access" not in told


def test_a_dispute_that_the_school_has_lost_was_not_lost_by_the_student(
    student: Browser, sql: Sql, course: int
) -> None:
    page = a_payment(sql, student, course, "dispute_lost", lost_cents=4900)
    for shown in (page, "/student/payments"):
        told = text_of(student.get(shown).text)
        assert "Reversed" in told
        assert "Dispute lost" not in told


@pytest.mark.parametrize("status", ["expired", "failed"])
def test_who_may_still_buy_is_led_back_to_the_course(
    student: Browser, sql: Sql, course: int, status: str
) -> None:
    told = text_of(student.get(a_payment(sql, student, course, status)).text)
    assert "You weren't charged. To try again, go back to the course." in told
    assert "Back to course" in told


def test_a_review_that_an_admin_has_closed_is_over_for_the_student_too(
    student: Browser, admin: Browser, sql: Sql, course: int
) -> None:
    page = a_payment(sql, student, course, "needs_review", attention="Another amount.")
    before = student.get(page, headers={"X-Live": "1"})
    told = text_of(before.text)
    assert "We're reviewing this payment" in told
    assert "You don't need to do anything." in told
    admin.send_form(f"/admin/payments/{page.rsplit('/', 1)[1]}/dismiss")
    tag = {"X-Live": "1", "If-None-Match": before.headers["ETag"]}
    told = text_of(student.get(page, headers=tag).text)
    assert "We've reviewed this payment" in told
    assert "If you have questions, contact the school." in told
    assert "You don't need" not in told


@pytest.mark.parametrize("status", ["needs_review", "undeliverable"])
def test_who_has_paid_is_not_offered_to_buy_again_until_that_is_settled(
    *, app: Flask, student: Browser, admin: Browser, sql: Sql, course: int, status: str
) -> None:
    app.config["STRIPE_SECRET_KEY"] = "sk_test_x"
    paid = a_payment(sql, student, course, status, attention="Another amount.")
    pages = (f"/student/courses/{course}", "/student/courses")
    for page in pages:
        told = student.get(page).text
        assert "already paid for this course, so don&#39;t pay again" in told
        assert not {"Buy", "Request access"} & set(actions_of(told))
    admin.send_form(f"/admin/payments/{paid.rsplit('/', 1)[1]}/dismiss")
    for page in pages:
        told = student.get(page).text
        assert "don&#39;t pay again" not in told
        assert "Buy" in actions_of(told)


@pytest.mark.parametrize("page", ["/student/dashboard", "/student/requests", "/student/courses"])
def test_who_has_paid_is_not_offered_to_buy_the_seat_that_is_held(
    student: Browser, act: Act, sql: Sql, page: str
) -> None:
    an_offer(act, student.user_id)
    [(course,)] = sql("SELECT id FROM courses")
    assert "Buy" in actions_of(student.get(page).text)
    a_payment(sql, student, course, "needs_review", attention="Another amount.")
    told = student.get(page).text
    assert "Buy" not in actions_of(told)
    assert ">Decline<" in told
    assert "already paid for this course, so don&#39;t pay again" in told


def test_no_news_is_told_only_while_the_payment_waits(
    app: Flask, student: Browser, sql: Sql, course: int
) -> None:
    app.config.update(STRIPE_SECRET_KEY="sk_test_x", STRIPE_API_BASE="http://127.0.0.1:9")
    page = a_payment(sql, student, course, "pending", stripe_session_id="cs_1")
    student.send_form(f"{page}/check")
    assert "The payment isn't confirmed yet." in text_of(student.get(page).text)
    sql("UPDATE payments SET status = 'paid'")
    student.send_form(f"{page}/check")
    told = student.get(page).text
    assert "Thank you for your payment" in told
    assert "confirmed yet" not in told


@pytest.mark.parametrize(
    ("status", "refunded", "told", "untold"),
    [
        ("paid", 0, ["Amount €49.00"], ["Refunded", "Net amount", "Reversed"]),
        ("partially_refunded", 1000, ["Refunded €10.00", "Net amount €39.00"], ["Reversed"]),
        ("dispute_lost", 1000, ["Refunded €10.00", "Status Reversed by the bank"], ["Net amount"]),
        ("dispute_lost", 0, ["Status Reversed by the bank"], ["Refunded", "Net amount"]),
    ],
)
def test_a_receipt_says_what_became_of_the_money(
    *,
    student: Browser,
    sql: Sql,
    course: int,
    status: str,
    refunded: int,
    told: list[str],
    untold: list[str],
) -> None:
    paid_at = "2026-03-05 10:00:00"
    page = a_payment(sql, student, course, status, paid_at=paid_at, refunded_cents=refunded)
    receipt = text_of(student.get(f"{page}/receipt").text)
    assert [each for each in told if each not in receipt] == []
    assert [each for each in untold if each in receipt] == []


def test_what_the_school_refunded_before_is_not_called_returned_by_the_bank(
    student: Browser, sql: Sql, course: int
) -> None:
    parts = {"refunded_cents": 1000, "lost_cents": 3900}
    page = a_payment(sql, student, course, "dispute_lost", **parts)
    assert "Your bank returned €39.00 of the €49.00 you paid." in text_of(student.get(page).text)
    sql("UPDATE payments SET refunded_cents = 0, lost_cents = 4900")
    assert "Your bank returned the money to you." in text_of(student.get(page).text)


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("transfer", "Paid by bank transfer."),
        ("cash", "Paid in cash."),
        ("purchase_order", "Paid by purchase order."),
        ("other", "Paid outside the portal."),
    ],
)
def test_a_receipt_says_how_was_paid(
    *, student: Browser, sql: Sql, course: int, method: str, told: str
) -> None:
    page = a_payment(sql, student, course, "paid", paid_at="2026-03-05 10:00:00", method=method)
    assert told in text_of(student.get(f"{page}/receipt").text)


def test_a_receipt_names_the_parts_and_who_sold_what_to_whom(
    app: Flask, student: Browser, admin: Browser, sql: Sql, course: int
) -> None:
    app.config |= {"SCHOOL_ADDRESS": "1 Mill Lane, Leeds", "SCHOOL_TAX_ID": "GB123456789"}
    page = a_payment(
        *(sql, student, course, "paid"),
        subtotal_cents=4900,
        discount_cents=490,
        tax_cents=838,
        amount_cents=5248,
        paid_at="2026-10-01 10:00:00",
        buyer_tax_id="DE999999999",
        invoice_number="INV-7",
        invoice_url="https://invoice.stripe.com/i/7",
    )
    number = page.rpartition("/")[2]
    sql(
        "INSERT INTO stripe_sessions (id, payment_id, state, amount_total, currency,"
        " presentment_amount, presentment_currency)"
        " VALUES ('cs_7', :id, 'paid', 5248, 'eur', 6200, 'usd')",
        id=number,
    )
    parts = "Price €49.00 Discount \N{MINUS SIGN}€4.90 Tax €8.38 Amount €52.48"
    receipt = " ".join(text_of(student.get(f"{page}/receipt").text).split())
    assert parts in receipt
    for told in ("1 Mill Lane, Leeds", "GB123456789", "DE999999999", "INV-7", "$62.00"):
        assert told in receipt
    assert 'href="https://invoice.stripe.com/i/7"' in student.get(f"{page}/receipt").text
    assert parts in " ".join(text_of(student.get(page).text).split())
    assert parts in " ".join(text_of(admin.get(f"/admin/payments/{number}").text).split())
    for listed in (student.get("/student/payments"), admin.get("/admin/payments")):
        assert "€4.90 discount" in listed.text
        assert "€8.38 tax" in listed.text
    table = admin.get("/admin/payments.csv").text.splitlines()
    assert table[0].endswith(",attention,price,discount,tax,invoice,lost")
    assert table[1].endswith(",49.00,4.90,8.38,INV-7,0.00")
    assert ",52.48,0.00,EUR," in table[1]


def test_a_receipt_names_the_seller_of_its_day_whatever_has_changed_since(
    student: Browser, admin: Browser, act: Act, sql: Sql
) -> None:
    def sell(**chosen: str) -> None:
        seen = sql("SELECT coalesce(max(version), 0) FROM school_settings")[0][0]
        act(enrollment.change_settings, chosen, seen=seen, by=admin.user_id)

    def receipt() -> str:
        return text_of(student.get(f"{address}/receipt").text)

    address = a_payment(sql, student, act(a_course, price_cents=4900), "paid")
    was_paid = "UPDATE payments SET paid_at = :now"
    sql(was_paid, now=f"{now():%Y-%m-%d %H:%M:%S.%f}")
    sell(name="Old Ltd", address="1 Old Street")
    sell(name="New GmbH", address="2 New Street", tax_id="AT2")
    assert "Seller Old Ltd, 1 Old Street" in receipt()
    assert "Seller's tax ID AT2" in receipt()
    sql(was_paid, now=f"{now():%Y-%m-%d %H:%M:%S.%f}")
    assert "Seller New GmbH, 2 New Street" in receipt()
