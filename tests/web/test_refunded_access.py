"""What a refund does to access: said before it, and shown and told to the student after it."""

import re

import pytest
from flask import Flask

from lms import enrollment
from lms.demo.stripe import StripeStandIn
from lms.payments import ManualPayment, record_payment
from tests.builders import a_course, an_admin
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements
from tests.web.pages import text_of
from tests.web.purchases import bought, hear

REFUND = "/admin/payments/1/refund"
KEEPS = "keeps access to Algebra: request approved. To end it as well, unenroll them afterwards."


@pytest.fixture
def algebra(act: Act) -> int:
    course: int = act(a_course, "Algebra", price_cents=4900)
    return course


@pytest.fixture
def recorded(act: Act, student: Browser, algebra: int) -> None:
    """A transfer of the student's for the course."""
    paid = ManualPayment(student.user_id, algebra, 4900, "eur", "transfer", "2026-0815")
    act(record_payment, paid, by=act(an_admin))


@pytest.fixture
def approved(act: Act, student: Browser, algebra: int) -> None:
    """The student's access by a request that was approved."""
    made = act(enrollment.request_access, student.user_id, algebra)
    act(enrollment.approve, made.id, by=act(an_admin))


def latest_notice(student: Browser, sql: Sql) -> str:
    [notice] = sql("SELECT text FROM notices ORDER BY id DESC LIMIT 1")
    assert notice.text in text_of(student.get("/student/notices").text)
    return str(notice.text)


@pytest.mark.usefixtures("approved", "recorded")
def test_a_refund_to_whom_another_source_gives_access_ends_none_and_says_so_throughout(
    admin: Browser, student: Browser, algebra: int, sql: Sql
) -> None:
    page = admin.get(REFUND).text
    assert KEEPS in text_of(page)
    unenroll = f"/admin/students/{student.user_id}/courses/{algebra}/unenroll"
    assert f'href="{unenroll}"' in page
    admin.send_form(REFUND, reason="Paid by mistake")
    shown = admin.get("/admin/payments/1").text
    assert "Sam Student has access to Algebra: request approved." in text_of(shown)
    assert f'href="/admin/students/{student.user_id}/courses/{algebra}">Explain<' in shown
    told = "We refunded your payment in full. You still have access to Algebra."
    assert latest_notice(student, sql) == f"{told} The school pays the money back to you directly."
    assert "You have access to Algebra." in text_of(student.get("/student/payments/1").text)


@pytest.mark.usefixtures("recorded")
def test_a_refund_that_ends_access_says_so_throughout(
    admin: Browser, student: Browser, sql: Sql
) -> None:
    page = text_of(admin.get(REFUND).text)
    assert "With a full refund, Sam Student loses access to Algebra." in page
    assert "With a partial refund, Sam Student keeps it." in page
    assert "once Stripe confirms" not in page
    admin.send_form(REFUND, amount="9", reason="A cold oven")
    told = latest_notice(student, sql)
    assert told.startswith("In total, we have refunded €9.00 of the €49.00 you paid. You still")
    assert "has access to Algebra: bought." in text_of(admin.get("/admin/payments/1").text)
    admin.send_form(REFUND, reason="A broken oven")
    told = latest_notice(student, sql)
    assert "You no longer have access to Algebra. The school pays the money back" in told
    assert "bank" not in told
    assert "has no access to Algebra." in text_of(admin.get("/admin/payments/1").text)
    assert "You don't have access to Algebra." in text_of(student.get("/student/payments/1").text)


@pytest.mark.usefixtures("recorded")
def test_a_school_that_keeps_a_share_for_access_is_told_which_refunds_end_it(
    app: Flask, admin: Browser, student: Browser, sql: Sql
) -> None:
    app.config["LMS_KEPT_PERCENT"] = 50
    said = "With a partial refund, Sam Student keeps it if at least 50% of the payment is left."
    assert said in text_of(admin.get(REFUND).text)
    admin.send_form(REFUND, amount="30", reason="A cold oven")
    told = latest_notice(student, sql)
    assert told.startswith("€30.00 of the €49.00 you paid was returned to you. You no longer")
    page = text_of(admin.get(REFUND).text)
    assert "Sam Student has no access to Algebra, and a refund doesn't change that." in page


def test_a_refund_at_stripe_ends_access_later_and_may_take_the_bank_days(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, algebra: int, sql: Sql
) -> None:
    bought(student, stripe, algebra)
    hear(admin, stripe)
    assert "loses access to Algebra once Stripe confirms it." in text_of(admin.get(REFUND).text)
    admin.send_form(REFUND, reason="A cold oven")
    hear(admin, stripe)
    told = "You no longer have access to Algebra. Your bank may take several days"
    assert told in latest_notice(student, sql)


@pytest.mark.usefixtures("recorded")
def test_money_of_a_course_that_is_gone_gives_no_access_to_end(
    admin: Browser, act: Act, algebra: int
) -> None:
    act(enrollment.delete_course, algebra, by=admin.user_id)
    page = text_of(admin.get(REFUND).text)
    assert "The course no longer exists, so this payment gives no access." in page
    assert "Explain" not in text_of(admin.get("/admin/payments/1").text)


@pytest.mark.usefixtures("recorded")
def test_who_is_locked_out_is_not_told_to_have_access(
    admin: Browser, student: Browser, act: Act, sql: Sql
) -> None:
    act(enrollment.deactivate_user, student.user_id, by=admin.user_id)
    admin.send_form(REFUND, amount="9", reason="A cold oven")
    [notice] = sql("SELECT text FROM notices ORDER BY id DESC LIMIT 1")
    assert "access" not in notice.text
    shown = text_of(admin.get("/admin/payments/1").text)
    assert "is enrolled in Algebra, but the account is deactivated." in shown


@pytest.mark.usefixtures("recorded")
def test_the_day_of_each_refund_is_shown(admin: Browser, student: Browser, sql: Sql) -> None:
    admin.send_form(REFUND, amount="9", reason="A cold oven", reference="RF-1")
    sql("UPDATE manual_refunds SET refunded_at = '2026-10-05 09:30:00.000000'")
    for page in ("/student/payments/1", "/student/payments/1/receipt"):
        told = text_of(student.get(page).text)
        assert re.search(r"Refunded €9\.00 on 5 Oct 2026\b(?!,)", told), page
    shown = text_of(admin.get("/admin/payments/1").text)
    assert "Refund 5 Oct 2026 manual-1" in shown
    assert "Refunded €9.00 on 5 Oct 2026" in shown
    admin.send_form(REFUND, amount="4", reason="A cold oven", reference="RF-2")
    sql("UPDATE manual_refunds SET refunded_at = '2026-10-07 09:30:00.000000' WHERE id = 2")
    listed = "Refunded €13.00 (€9.00 on 5 Oct 2026 , €4.00 on 7 Oct 2026 )"
    for page in ("/student/payments/1", "/student/payments/1/receipt"):
        assert listed in text_of(student.get(page).text), page


@pytest.mark.usefixtures("recorded")
def test_the_page_of_a_payment_takes_the_same_statements_however_often_it_was_refunded(
    admin: Browser, student: Browser, statements: Statements
) -> None:
    def asked() -> int:
        with statements() as sent:
            student.get("/student/payments/1")
        return len(sent)

    admin.send_form(REFUND, amount="9", reason="A cold oven", reference="RF-1")
    asked()
    before = asked()
    admin.send_form(REFUND, amount="4", reason="A cold oven", reference="RF-2")
    asked()
    assert asked() == before
