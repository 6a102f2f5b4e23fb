"""Buying, coming back, receipts; and what admins see of it, refund, replay and export."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lms import enrollment
from lms.currencies import CURRENCIES
from lms.demo.stripe import StripeStandIn
from lms.money import MAX_PRICE, money, plain
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import entered, error_at, text_of

SECRET = "whsec_of_the_tests"


@pytest.fixture
def stripe(app: Flask, tmp_path: Path) -> Iterator[StripeStandIn]:
    with StripeStandIn(tmp_path / "stripe", webhook_secret=SECRET) as stand_in:
        app.config["STRIPE_SECRET_KEY"] = stand_in.key
        app.config["STRIPE_API_BASE"] = stand_in.url
        app.config["STRIPE_WEBHOOK_SECRET"] = SECRET
        yield stand_in


@pytest.fixture
def course(app: Flask, act: Act) -> int:
    course: int = act(a_course, "Bread & Butter", price_cents=4900)
    return course


def press_buy(browser: Browser, course: int) -> str:
    answer = browser.send_form(f"/student/courses/{course}/buy")
    assert answer.status_code == 303
    return str(answer.location)


def bought(browser: Browser, stripe: StripeStandIn, course: int) -> str:
    """Buy, pay and come back; return the address of the payment's page."""
    stripe.pay(press_buy(browser, course))
    [event] = stripe.events("checkout.session.completed")
    address = event["data"]["object"]["success_url"].removeprefix("http://localhost")
    answer = browser.get(address)
    assert answer.status_code == 303
    return str(answer.location)


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
    assert "Thank you, the course is yours" in shown
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
    assert (turned.status_code, "the course is yours" in turned.text) == (200, True)


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
    _hear(student, stripe)
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
    assert "can't be bought right now" in text_of(
        student.get(f"/student/payments/{payment.id}").text
    )
    sql("UPDATE courses SET price_cents = 4900")
    shown = text_of(admin.get(page).text)
    assert "Stripe can't charge" not in shown
    assert said not in shown


def test_checkout_by_json_is_unavailable_without_keys(student: Browser, course: int) -> None:
    answer = student.send_json("POST", "/api/payments/checkout", {"courseId": course})
    assert (answer.status_code, answer.get_json()["code"]) == (503, "payments_unavailable")


def test_an_admin_looks_into_a_payment_and_refunds_a_part(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, course: int, sql: Sql, act: Act
) -> None:
    bought(student, stripe, course)
    [payment] = sql("SELECT * FROM payments")
    page = admin.get("/admin/payments/1").text
    for told in (payment.stripe_session_id, payment.stripe_payment_intent_id, payment.reference):
        assert told in page
    confirm = admin.get("/admin/payments/1/refund").text
    assert 'value="49.00"' in confirm
    for amount, reason in (
        ("9.999", "x"),
        ("50", "x"),
        ("-1", "x"),
        ("9", ""),
        ("NaN", "x"),
        ("ten", "x"),
    ):
        answer = admin.send_form("/admin/payments/1/refund", amount=amount, reason=reason)
        assert answer.status_code == 422, amount
        assert error_at(answer.text, "amount" if reason else "reason"), amount
        sent = {"amount": amount, "reason": reason}
        assert entered(answer.text).items() >= sent.items()
    assert "Enter an amount, such as 49.00." in answer.text
    assert "Not a valid" not in answer.text
    answer = admin.send_form("/admin/payments/1/refund", amount="9", reason="A cold oven")
    assert (answer.status_code, answer.location) == (303, "/admin/payments/1")
    assert sql("SELECT status FROM payments")[0].status == "paid"
    _hear(admin, stripe)
    assert sql("SELECT status, refunded_cents FROM payments") == [("partially_refunded", 900)]
    assert "€9.00" in admin.get("/admin/payments/1").text
    answer = admin.send_json("POST", "/api/admin/payments/1/refund", {"amountCents": 4001})
    assert (answer.status_code, "amountCents" in answer.get_json()["errors"]) == (422, True)
    answer = admin.send_json("POST", "/api/admin/payments/1/refund")
    assert (answer.status_code, answer.get_json()["amountCents"]) == (202, 4000)
    _hear(admin, stripe)
    assert sql("SELECT status FROM payments")[0].status == "refunded"
    answer = admin.send_json("POST", "/api/admin/payments/1/refund", {})
    assert answer.status_code == 409
    assert admin.send_json("POST", "/api/admin/payments/99/refund", {}).status_code == 404
    assert admin.get("/admin/payments/1/refund").status_code == 303


def test_a_form_pressed_five_times_is_one_refund(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, course: int, sql: Sql, act: Act
) -> None:
    bought(student, stripe, course)
    _hear(admin, stripe)
    shown = [admin.get("/admin/payments/1/refund").text for _ in range(2)]
    ids = [re.findall('name="refund_id"[^>]* value="([^"]+)"', page) for page in shown]
    assert [len(found) for found in ids] == [1, 1]
    assert ids[0] != ids[1]
    fields = {"refund_id": ids[0][0], "amount": "10", "reason": "A cold oven"}
    wrong = admin.send_form("/admin/payments/1/refund", **fields | {"amount": "ten"})
    assert f'value="{ids[0][0]}"' in wrong.text  # nothing was requested yet
    for _ in range(5):
        answer = admin.send_form("/admin/payments/1/refund", **fields)
        assert (answer.status_code, answer.location) == (303, "/admin/payments/1")
    _hear(admin, stripe)
    admin.send_form("/admin/payments/1/refund", **fields)
    _hear(admin, stripe)
    assert sql("SELECT status, refunded_cents FROM payments") == [("partially_refunded", 1000)]
    admin.send_form("/admin/payments/1/refund", **fields | {"amount": "11"})
    assert "This form was already sent with other values." in admin.get("/admin/payments/1").text
    odd = admin.send_form("/admin/payments/1/refund", **fields | {"refund_id": "a b"})
    assert (odd.status_code, "Reload this page and try again." in odd.text) == (422, True)


def test_an_idempotency_key_is_one_refund_for_good(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, course: int, sql: Sql
) -> None:
    bought(student, stripe, course)
    _hear(admin, stripe)

    def ask(key: str | None, amount: int) -> tuple[int, dict[str, Any]]:
        headers = {"X-CSRFToken": admin.csrf_token()} | ({"Idempotency-Key": key} if key else {})
        answer = admin.post(
            "/api/admin/payments/1/refund", json={"amountCents": amount}, headers=headers
        )
        return answer.status_code, answer.get_json()

    taken = {
        "refundId": "key-1",
        "paymentId": 1,
        "amountCents": 1000,
        "currency": "eur",
        "status": "taken",
    }
    for _ in range(3):
        assert ask("key-1", 1000) == (202, taken)
    status, said = ask("key-1", 900)
    assert (status, said["code"]) == (409, "key_reused")
    status, said = ask(None, 1000)
    assert (status, said["code"]) == (409, "refund_pending")
    status, said = ask("é", 1000)
    assert (status, list(said["errors"])) == (422, ["idempotencyKey"])
    status, said = ask("k" * 256, 1000)
    assert status == 422
    _hear(admin, stripe)
    status, said = ask(None, 1000)
    assert (status, said["amountCents"]) == (202, 1000)
    assert said["refundId"] not in {"", "key-1"}
    _hear(admin, stripe)
    assert ask("key-1", 1000) == (202, taken)
    assert sql("SELECT refunded_cents FROM payments") == [(2000,)]


def test_a_refund_that_stripe_has_not_taken_is_shown(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, course: int, app: Flask, sql: Sql
) -> None:
    bought(student, stripe, course)
    app.config["STRIPE_API_BASE"] = "http://127.0.0.1:9"
    fields = {"refund_id": "form", "amount": "10", "reason": "A cold oven"}
    assert admin.send_form("/admin/payments/1/refund", **fields).status_code == 303
    page = admin.get("/admin/payments/1").text
    assert "The refund is saved" in page
    assert "Waiting for Stripe" in page
    app.config["STRIPE_API_BASE"] = stripe.url
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    stripe.refund(payment.intent)
    admin.send_form("/admin/payments/reconcile")
    assert "It has already been refunded at Stripe, in full." in admin.get("/admin/payments/1").text


def test_students_refund_nothing(student: Browser, stripe: StripeStandIn, course: int) -> None:
    bought(student, stripe, course)
    assert student.send_json("POST", "/api/admin/payments/1/refund", {}).status_code == 403
    assert student.send_form("/admin/payments/1/refund", reason="x").status_code == 403


def test_what_needs_attention_is_found_and_delivered_again(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, act: Act, sql: Sql
) -> None:
    course = act(a_course, "Small", price_cents=4900, capacity=1)
    url = press_buy(student, course)
    other = act(a_student)
    act(enrollment.enroll, other, course, by=None)
    stripe.pay(url)
    _hear(admin, stripe)
    assert "1 payment to review" in admin.get("/admin/payments").text
    assert "The course is full" in admin.get("/admin/payments?status=attention").text
    assert "We&#39;re reviewing this payment" in student.get("/student/payments/1").text
    act(enrollment.unenroll, other, course, by=None)
    assert admin.send_form("/admin/payments/1/settle").status_code == 303
    assert sql("SELECT status FROM payments")[0].status == "paid"
    assert "No payment matches" in admin.get("/admin/payments?status=attention").text


def test_what_was_dealt_with_leaves_the_list_until_something_else_is_wrong(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, course: int, act: Act, sql: Sql
) -> None:
    bought(student, stripe, course)
    act(enrollment.unenroll, student.user_id, course, by=admin.user_id)
    assert "the payment was kept" in admin.get("/admin/payments?status=attention").text
    for _ in range(2):
        assert admin.send_form("/admin/payments/1/dismiss").status_code == 303
    assert "No payment matches" in admin.get("/admin/payments?status=attention").text
    assert ">Reopen<" in admin.get("/admin/payments/1").text
    assert len(sql("SELECT 1 FROM audit_entries WHERE action = 'payment.dismissed'")) == 1
    admin.send_form("/admin/payments/1/reopen")
    assert "1 payment to review" in admin.get("/admin/payments").text
    admin.send_form("/admin/payments/1/dismiss")
    act(enrollment.enroll, student.user_id, course, by=admin.user_id)
    act(enrollment.unenroll, student.user_id, course, by=admin.user_id)
    assert "1 payment to review" in admin.get("/admin/payments").text
    assert sql("SELECT status FROM payments")[0].status == "needs_review"


def test_only_what_needs_a_look_is_dealt_with(
    student: Browser, admin: Browser, stripe: StripeStandIn, course: int, sql: Sql
) -> None:
    bought(student, stripe, course)
    admin.send_form("/admin/payments/1/dismiss")
    assert sql("SELECT 1 FROM audit_entries WHERE action = 'payment.dismissed'") == []
    assert admin.send_form("/admin/payments/99/dismiss").status_code == 404
    assert student.send_form("/admin/payments/1/dismiss").status_code == 403


def test_the_inbox_is_listed_filtered_and_replayed(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, course: int, sql: Sql
) -> None:
    stripe.pay(press_buy(student, course))
    _hear(admin, stripe)
    sql("UPDATE stripe_events SET status = 'failed', error = 'Something: odd'")
    assert "couldn&#39;t be processed" in admin.get("/admin/payments").text
    assert "Something: odd" in admin.get("/admin/payments/inbox?status=failed").text
    rows = sql("SELECT id FROM stripe_events")
    for row in rows:
        assert admin.send_form(f"/admin/payments/inbox/{row.id}/replay").status_code == 303
    assert "Event processed again. Outcome: done." in admin.get("/admin/payments/inbox").text
    assert sql("SELECT 1 FROM stripe_events WHERE status = 'failed'") == []
    assert "No event matches" in admin.get("/admin/payments/inbox?status=failed").text
    sql("DELETE FROM stripe_events")
    assert "No events" in admin.get("/admin/payments/inbox").text
    assert admin.send_form("/admin/payments/inbox/999/replay").status_code == 404


def test_an_admin_asks_stripe_for_what_was_missed(
    student: Browser, admin: Browser, stripe: StripeStandIn, course: int, sql: Sql
) -> None:
    stripe.pay(press_buy(student, course))
    assert admin.send_form("/admin/payments/reconcile").status_code == 303
    assert sql("SELECT status FROM payments")[0].status == "paid"
    admin.get("/admin/payments")
    admin.send_form("/admin/payments/reconcile")
    assert "Changes: 0" in admin.get("/admin/payments").text


def test_a_reconciliation_without_stripe_says_so_once(app: Flask, admin: Browser) -> None:
    app.config.update(STRIPE_SECRET_KEY="sk_test_x", STRIPE_API_BASE="http://127.0.0.1:9")
    admin.send_form("/admin/payments/reconcile")
    why = (
        "events weren&#39;t checked. The payment service can&#39;t be reached right now."
        " Try again in a few minutes."
    )
    assert f"Reconciliation is incomplete: {why}<" in admin.get("/admin/payments").text
    shown = admin.get("/admin/payments/inbox").text
    assert "but incompletely: events weren&#39;t checked. The payment service" in shown
    assert "Try again in a few minutes.</p>" in shown


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


def test_the_export_is_no_program(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, act: Act
) -> None:
    course = act(a_course, '=HYPERLINK("http://x")', price_cents=3000, currency="jpy")
    bought(student, stripe, course)
    answer = admin.get("/admin/payments.csv")
    assert answer.mimetype == "text/csv"
    header, row = answer.text.splitlines()
    assert header.startswith("id,created_at,paid_at,status,student,course,amount")
    assert "\"'=HYPERLINK(" in row
    assert ",3000,0,JPY," in row


def test_no_secret_is_in_any_page_or_row(
    *, app: Flask, student: Browser, admin: Browser, stripe: StripeStandIn, course: int, sql: Sql
) -> None:
    page = bought(student, stripe, course)
    _hear(admin, stripe)
    shown = [student.get(page), student.get(f"{page}/receipt"), admin.get("/admin/payments/1")]
    shown += [admin.get("/admin/payments/inbox"), admin.get("/admin/payments.csv")]
    tables = ("stripe_events", "audit_entries", "outbox_emails", "payments", "stripe_cursor")
    kept = [str(tuple(row)) for table in tables for row in sql(f"SELECT * FROM {table}")]
    for text in [answer.text for answer in shown] + kept:
        for secret in (
            app.config["STRIPE_SECRET_KEY"],
            SECRET,
            "4242424242424242",
            "client_secret",
        ):
            assert secret not in text


def _hear(browser: Browser, stripe: StripeStandIn) -> None:
    """Deliver everything that has happened at Stripe."""
    for event in stripe.events():
        body, headers = stripe.signed(event)
        answer = browser.post("/api/payments/webhook", data=body.encode(), headers=headers)
        assert answer.status_code == 200
