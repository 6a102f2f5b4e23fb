"""What admins see of payments, and what they do: review, deliver again, reconcile, export."""

from flask import Flask

from lms import enrollment
from lms.demo.stripe import StripeStandIn
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import STRIPE_SECRET, Act
from tests.web.purchases import bought, hear, press_buy


def test_what_needs_attention_is_found_and_delivered_again(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, act: Act, sql: Sql
) -> None:
    course = act(a_course, "Small", price_cents=4900, capacity=1)
    url = press_buy(student, course)
    other = act(a_student)
    act(enrollment.enroll, other, course, by=None)
    stripe.pay(url)
    hear(admin, stripe)
    assert "1 payment needs attention" in admin.get("/admin/payments").text
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
    assert "1 payment needs attention" in admin.get("/admin/payments").text
    admin.send_form("/admin/payments/1/dismiss")
    act(enrollment.enroll, student.user_id, course, by=admin.user_id)
    act(enrollment.unenroll, student.user_id, course, by=admin.user_id)
    assert "1 payment needs attention" in admin.get("/admin/payments").text
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
    hear(admin, stripe)
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
    hear(admin, stripe)
    shown = [student.get(page), student.get(f"{page}/receipt"), admin.get("/admin/payments/1")]
    shown += [admin.get("/admin/payments/inbox"), admin.get("/admin/payments.csv")]
    tables = ("stripe_events", "audit_entries", "outbox_emails", "payments", "stripe_cursor")
    kept = [str(tuple(row)) for table in tables for row in sql(f"SELECT * FROM {table}")]
    for text in [answer.text for answer in shown] + kept:
        for secret in (
            app.config["STRIPE_SECRET_KEY"],
            STRIPE_SECRET,
            "4242424242424242",
            "client_secret",
        ):
            assert secret not in text
