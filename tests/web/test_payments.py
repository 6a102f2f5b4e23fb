"""Buying, coming back, and receipts."""

from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lms import enrollment
from lms.currencies import CURRENCIES
from lms.demo.stripe import StripeStandIn
from lms.money import MAX_PRICE, money, plain
from tests.builders import a_course
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import text_of
from tests.web.purchases import bought, hear, press_buy


@st.composite
def prices(draw: st.DrawFn) -> tuple[int, str]:
    """Return any price that Stripe charges."""
    code = draw(st.sampled_from(sorted(CURRENCIES)))
    known = CURRENCIES[code]
    steps = draw(st.integers(known.least // known.step, MAX_PRICE // known.step))
    return steps * known.step, code


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(price=prices())
def test_a_price_is_the_same_from_the_form_to_stripe_and_back_to_the_page(
    *, admin: Browser, student: Browser, stripe: StripeStandIn, sql: Sql, price: tuple[int, str]
) -> None:
    (amount, currency), typed, shown = price, plain(*price), text_of(money(*price))
    sold = {"title": "Bread", "status": "published", "price": typed, "currency": currency}
    created = admin.send_form("/admin/courses/new", **sold)
    assert created.status_code == 303, text_of(created.text)
    assert f'value="{typed}"' in admin.get(created.location).text
    address = str(created.location).replace("admin", "student")
    assert shown in text_of(student.get(address).text)
    sql("DELETE FROM allowances")
    session = stripe.pay(student.send_form(f"{address}/buy").location)
    assert (session["amount_total"], session["currency"]) == (amount, currency)
    back = student.get(session["success_url"].removeprefix("http://localhost"))
    assert shown in text_of(student.get(f"{back.location}/receipt").text)


def test_the_return_page_alone_enrolls_and_shows_the_receipt(
    student: Browser, stripe: StripeStandIn, course: int, sql: Sql
) -> None:
    page = bought(student, stripe, course)
    shown = student.get(page).text
    assert "Thank you for your payment" in shown
    assert len(sql("SELECT 1 FROM enrollments")) == 1
    assert sql("SELECT 1 FROM stripe_events") == []
    receipt = student.get(f"{page}/receipt").text
    for told in ("R-000001", "€49.00", "Sam Student", "Bread &amp; Butter", "Paid through Stripe."):
        assert told in receipt
    assert "€49.00" in student.get("/student/payments").text


def test_a_payment_that_is_not_confirmed_turns_by_itself(
    student: Browser, stripe: StripeStandIn, course: int, sql: Sql, act: Act
) -> None:
    url = press_buy(student, course)
    [payment] = sql("SELECT id, reference FROM payments")
    page = f"/student/payments/{payment.id}"
    back = student.get(f"/student/payments/return?reference={payment.reference}")
    assert back.location == page
    first = student.get(page, headers={"X-Live": "1"})
    assert "If you haven't paid yet, continue to payment below." in first.text
    tag = {"X-Live": "1", "If-None-Match": first.headers["ETag"]}
    assert student.get(page, headers=tag).status_code == 304
    stripe.pay(url)
    assert student.send_form(f"{page}/check").status_code == 303
    turned = student.get(page, headers=tag)
    assert (turned.status_code, "Thank you for your payment" in turned.text) == (200, True)


def test_nothing_in_the_address_of_the_return_page_is_believed(
    student: Browser, stripe: StripeStandIn, course: int, sql: Sql
) -> None:
    press_buy(student, course)
    for wrong in ("", "?reference=", "?reference=x", "?session=cs_1&paid=1", "?reference=%00"):
        assert student.get(f"/student/payments/return{wrong}").status_code == 404
    assert [row.status for row in sql("SELECT status FROM payments")] == ["pending"]
    assert stripe.events("checkout.session.completed") == []


def test_a_payment_is_shown_to_its_student_alone(
    *, app: Flask, student: Browser, stripe: StripeStandIn, course: int, sql: Sql, add_person: Any
) -> None:
    page = bought(student, stripe, course)
    [payment] = sql("SELECT reference FROM payments")
    add_person("eve@example.org", name="Eve")
    other = Browser(app)
    other.sign_in("eve@example.org")
    for address in (
        page,
        f"{page}/receipt",
        f"/student/payments/return?reference={payment.reference}",
    ):
        assert other.get(address).status_code == 404
    assert other.send_form(f"{page}/check").status_code == 404


def test_stripe_being_down_leaves_the_student_on_the_course(
    app: Flask, student: Browser, stripe: StripeStandIn, course: int
) -> None:
    app.config["STRIPE_API_BASE"] = "http://127.0.0.1:9"
    answer = student.send_form(f"/student/courses/{course}/buy")
    assert (answer.status_code, answer.location) == (303, f"/student/courses/{course}")
    told = student.get(str(answer.location)).text
    assert "can&#39;t be reached right now. You weren&#39;t charged. Try again" in told
    assert stripe.events() == []


def test_without_keys_the_course_says_that_payments_are_not_available(
    student: Browser, course: int
) -> None:
    for page in ("/student/courses", f"/student/courses/{course}"):
        assert "Payments are not configured" in student.get(page).text
    answer = student.send_form(f"/student/courses/{course}/buy")
    assert student.get(str(answer.location)).text.count("Payments are not configured") == 2


def test_the_form_may_lead_to_stripe_and_nowhere_else(
    app: Flask, student: Browser, course: int
) -> None:
    policy = student.get(f"/student/courses/{course}").headers["Content-Security-Policy"]
    assert "form-action 'self' https://checkout.stripe.com;" in policy
    app.config["STRIPE_API_BASE"] = "http://127.0.0.1:9"
    policy = student.get(f"/student/courses/{course}").headers["Content-Security-Policy"]
    assert "form-action 'self' http://127.0.0.1:9 https://checkout.stripe.com;" in policy


def test_buying_by_json(student: Browser, stripe: StripeStandIn, course: int, act: Act) -> None:
    urls = set()
    for _ in range(3):
        answer = student.send_json("POST", "/api/payments/checkout", {"courseId": course})
        assert answer.status_code == 201
        urls.add(answer.get_json()["url"])
    assert len(urls) == 1
    act(enrollment.enroll, student.user_id, course, by=None)
    answer = student.send_json("POST", "/api/payments/checkout", {"courseId": course})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "already_enrolled")
    free = act(a_course, "Free")
    assert (
        student.send_json("POST", "/api/payments/checkout", {"courseId": free}).status_code == 422
    )
    assert student.send_json("POST", "/api/payments/checkout", {"courseId": 0}).status_code == 422
    assert student.send_json("POST", "/api/payments/checkout", {"courseId": 999}).status_code == 404
    assert len(stripe.events("checkout.session.expired")) == 1  # nobody pays for what is owned


def test_buying_again_while_a_payment_is_disputed_says_so_on_the_page_and_in_json(
    *, student: Browser, stripe: StripeStandIn, course: int, act: Act, sql: Sql
) -> None:
    bought(student, stripe, course)
    page = f"/student/courses/{course}"
    assert "disputing your earlier payment" not in student.get(page).text
    stripe.open_dispute(sql("SELECT stripe_payment_intent_id AS id FROM payments")[0].id)
    hear(student, stripe)
    shown = text_of(student.get(page).text)
    assert "You can wait for its decision, or pay again to get access now." in shown
    answer = student.send_json("POST", "/api/payments/checkout", {"courseId": course})
    assert answer.status_code == 201
    assert "disputing your earlier payment" in answer.get_json()["notice"]
    assert text_of(answer.get_json()["notice"]) in shown


def test_a_refusal_by_stripe_stands_on_the_pages_of_course_and_payment(
    *, admin: Browser, student: Browser, stripe: StripeStandIn, course: int, sql: Sql
) -> None:
    sql("UPDATE courses SET price_cents = 10")
    page = f"/admin/courses/{course}"
    assert "Stripe can't charge €0.10." in text_of(admin.get(page).text)
    student.send_form(f"/student/courses/{course}/buy")
    [payment] = sql("SELECT id FROM payments")
    said = "Stripe refused to sell this course: The Checkout Session's total amount due must add up"
    for address in (page, f"/admin/payments/{payment.id}"):
        assert said in text_of(admin.get(address).text)
    assert "The purchase was refused" in text_of(
        student.get(f"/student/payments/{payment.id}").text
    )
    sql("UPDATE courses SET price_cents = 4900")
    shown = text_of(admin.get(page).text)
    assert "Stripe can't charge" not in shown
    assert said not in shown


def test_checkout_by_json_is_unavailable_without_keys(student: Browser, course: int) -> None:
    answer = student.send_json("POST", "/api/payments/checkout", {"courseId": course})
    assert (answer.status_code, answer.get_json()["code"]) == (503, "payments_unavailable")


def test_a_receipt_names_stripe_only_where_stripe_took_the_money(
    student: Browser, sql: Sql
) -> None:
    sql(
        "INSERT INTO payments (user_id, course_title, amount_cents, status, paid_at)"
        " VALUES (:u, 'Go', 2800, 'paid', '2026-03-05 10:00:00')",
        u=student.user_id,
    )
    receipt = student.get("/student/payments/1/receipt").text
    assert "Use your browser to print this page" in receipt
    assert "Stripe" not in receipt
