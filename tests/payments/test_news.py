"""What students are told about money: each occasion once, whatever Stripe repeats."""

from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import enrollment
from lms.db import db
from lms.ledger.payment_changes import publish_changes
from lms.models import Payment
from lms.payments import ManualPayment, record_payment
from lms.transaction import transactional
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.payments.conftest import Sale, Tell
from tests.statements import sent_to


def told(sql: Sql) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in sql("SELECT kind, title FROM notices ORDER BY id")]


def test_a_purchase_and_its_refunds_are_told_once_each(sale: Sale, tell: Tell, sql: Sql) -> None:
    for _ in range(2):
        for event in (
            sale.stripe.completed(),
            sale.stripe.refund("created", "succeeded", amount=900),
            sale.stripe.refund("created", "succeeded", amount=4000, id="re_rest"),
        ):
            tell(event)
    assert told(sql) == [
        ("paid", "You're enrolled in Bread"),
        ("refunded", "Your payment for Bread was partially refunded"),
        ("refunded", "Your payment for Bread was refunded"),
    ]
    assert len(sql("SELECT 1 FROM outbox_emails")) == 3
    [text] = sql("SELECT DISTINCT payment_id, course_id FROM notices")
    assert tuple(text) == (sale.payment, sale.course)


def test_a_dispute_is_told_from_its_beginning_to_its_end(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.completed())
    tell(sale.stripe.dispute("created", "needs_response"))
    tell(sale.stripe.dispute("closed", "won"))
    assert [kind for kind, _ in told(sql)] == ["paid", "payment_disputed", "paid"]
    assert told(sql)[-1][1] == "The dispute over your payment for Bread is resolved"


def test_a_payment_that_fails_after_days_is_told_and_an_abandoned_one_is_not(
    sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(sale.stripe.completed(paid=False))
    assert told(sql) == []
    tell(sale.stripe.async_failed())
    assert told(sql) == [("payment_failed", "Your payment for Bread failed")]


def test_an_expired_checkout_is_no_news(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.expired())
    assert told(sql) == []


def test_receipts_can_be_switched_off_by_mail_but_stay_on_the_portal(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    with selling.app_context():
        enrollment.choose_emails(sale.student, purchases=False)
    tell(sale.stripe.completed())
    assert len(told(sql)) == 1
    assert sql("SELECT 1 FROM outbox_emails") == []


def test_who_has_left_still_hears_by_mail_of_the_money(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(sale.stripe.completed())
    with selling.app_context():
        enrollment.delete_user(sale.student, by=None)
    tell(sale.stripe.refund("created", "succeeded"))
    assert told(sql) == []
    subject = sql("SELECT subject FROM outbox_emails ORDER BY id")[-1].subject
    assert subject.endswith("was refunded")


def test_refunds_are_told_in_as_many_statements_however_many_there_are(
    selling: Flask, sql: Sql
) -> None:
    @transactional
    def tell_of_refunds(session: Session, wanted: int) -> None:
        payments = session.scalars(select(Payment).order_by(Payment.id).limit(wanted)).all()
        changes = [(payment, payment.status) for payment in payments]
        publish_changes(session, changes, by=None, reason="", occasion="refunded")

    with selling.app_context():
        admin = an_admin()
        for number in range(3):
            course = a_course(f"Course {number}", price_cents=4900)
            paid = ManualPayment(a_student(), course, 4900, "eur", "cash", f"r{number}")
            record_payment(paid, by=admin)
        numbers = []
        for wanted in (1, 3):
            sql("DELETE FROM notices")
            sql("DELETE FROM outbox_emails")
            with sent_to(db.engine) as sent:
                tell_of_refunds(wanted)
            numbers.append(len(sent))
    assert (
        len(sql("SELECT id FROM notices WHERE text LIKE '%You still have access to Course%'")) == 3
    )
    assert numbers[0] == numbers[1]
