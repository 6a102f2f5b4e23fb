"""When a course, a person or access goes, what was paid for it is never moved in silence."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lms import enrollment, sync
from lms.db import db
from lms.importing import import_roster
from tests.builders import a_student
from tests.conftest import Sql
from tests.payments.conftest import Sale, Tell, a_sale, check_invariants
from tests.statements import sent_to


@pytest.fixture
def paid(sale: Sale, tell: Tell) -> Sale:
    """A purchase that Stripe has confirmed."""
    tell(sale.stripe.completed())
    return sale


def recorded(sql: Sql, payment: int) -> tuple[Any, ...]:
    """Return the payment's last audit entry: what, by whom, of whom, and what it changed."""
    rows = sql("SELECT * FROM audit_entries WHERE action LIKE 'payment.%' ORDER BY id DESC")
    for row in rows:
        kept = row.details if isinstance(row.details, dict) else json.loads(row.details)
        if kept["payment_id"] == payment:
            return (
                *(row.action, row.actor_id, row.student_name, row.course_title, row.reason),
                *(kept["before"], kept["after"], kept["amount_cents"], kept["refunded_cents"]),
            )
    raise AssertionError("nothing is in the audit trail")


def money_notices(sql: Sql, student: int) -> list[str]:
    rows = sql(
        "SELECT kind FROM notices WHERE user_id = :id AND payment_id IS NOT NULL ORDER BY id",
        id=student,
    )
    return [row.kind for row in rows]


def emails(sql: Sql, sale: Sale) -> list[Any]:
    return sql(
        "SELECT * FROM outbox_emails WHERE key LIKE :key ORDER BY id",
        key=f"payment-{sale.payment}-%",
    )


def test_deleting_a_sold_course_records_and_announces_what_becomes_of_the_money(
    selling: Flask, paid: Sale, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        enrollment.delete_course(paid.course, by=admin, reason="Out of date")
    assert recorded(sql, paid.payment) == (
        *("payment.undeliverable", admin, "Ada", "Bread", "Out of date"),
        *("paid", "undeliverable", 4900, 0),
    )
    assert money_notices(sql, paid.student) == ["paid", "payment_review"]
    [_, email] = emails(sql, paid)
    assert "Bread" in email.subject
    assert "€49.00" in email.body
    check_invariants(selling)


def test_a_deleted_course_with_many_buyers_takes_no_statements_per_buyer(
    selling: Flask, admin: int, sql: Sql
) -> None:
    def statements_for(buyers: int) -> int:
        with selling.app_context():
            sale = a_sale()
            for number in range(buyers):
                student = a_student(f"Buyer {number}")
                enrollment.enroll(student, sale.course, by=admin)
                sql(
                    """INSERT INTO payments (user_id, course_id, amount_cents, status)
                    VALUES (:student, :course, 4900, 'paid')""",
                    student=student,
                    course=sale.course,
                )
            with sent_to(db.engine) as sent:
                enrollment.delete_course(sale.course, by=admin)
            return len(sent)

    assert statements_for(2) == statements_for(12)
    assert len(sql("SELECT 1 FROM payments WHERE status = 'undeliverable'")) == 14
    assert len(sql("SELECT 1 FROM audit_entries WHERE action = 'payment.undeliverable'")) == 14
    assert len(sql("SELECT 1 FROM notices WHERE kind = 'payment_review'")) == 14


def test_deleting_a_buyer_records_it_and_writes_to_the_address_they_had(
    selling: Flask, paid: Sale, admin: int, sql: Sql
) -> None:
    [student] = sql("SELECT email FROM users WHERE id = :id", id=paid.student)
    with selling.app_context():
        enrollment.delete_user(paid.student, by=admin, reason="Asked for it")
    assert recorded(sql, paid.payment) == (
        *("payment.undeliverable", admin, "Ada", "Bread", "Asked for it"),
        *("paid", "undeliverable", 4900, 0),
    )
    [_, email] = emails(sql, paid)
    assert email.recipient == student.email
    assert email.path == ""  # no page is left that it could lead to
    assert "€49.00" in email.body
    check_invariants(selling)


def test_deactivating_a_buyer_leaves_the_payment_and_the_access_alone(
    selling: Flask, paid: Sale, admin: int, sql: Sql
) -> None:
    before = sql("SELECT * FROM payments")
    with selling.app_context():
        enrollment.deactivate_user(paid.student, by=admin)
    assert sql("SELECT * FROM payments") == before
    assert money_notices(sql, paid.student) == ["paid"]
    assert len(sql("SELECT 1 FROM enrollments")) == 1


def test_who_cannot_sign_in_still_hears_by_mail_of_the_money(
    selling: Flask, paid: Sale, admin: int, tell: Tell, sql: Sql
) -> None:
    with selling.app_context():
        enrollment.deactivate_user(paid.student, by=admin)
    tell(paid.stripe.refund("created", "succeeded"))
    assert emails(sql, paid)[-1].subject.endswith("was refunded")


def test_ending_a_bought_access_records_and_announces_the_review_of_the_payment(
    selling: Flask, paid: Sale, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        enrollment.unenroll(paid.student, paid.course, by=admin, reason="Asked to leave")
    assert recorded(sql, paid.payment) == (
        *("payment.needs_review", admin, "Ada", "Bread", "Asked to leave"),
        *("paid", "needs_review", 4900, 0),
    )
    assert money_notices(sql, paid.student) == ["paid", "payment_review"]
    assert len(emails(sql, paid)) == 2
    check_invariants(selling)


def test_enrolling_again_records_and_announces_that_the_payment_counts_again(
    selling: Flask, paid: Sale, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        enrollment.unenroll(paid.student, paid.course, by=admin)
        enrollment.enroll(paid.student, paid.course, by=admin, reason="A mistake")
    assert recorded(sql, paid.payment) == (
        *("payment.paid", admin, "Ada", "Bread", "A mistake"),
        *("needs_review", "paid", 4900, 0),
    )
    assert money_notices(sql, paid.student) == ["paid", "payment_review", "paid"]
    with selling.app_context():
        enrollment.unenroll(paid.student, paid.course, by=admin)
    assert money_notices(sql, paid.student)[3:] == ["payment_review"]
    check_invariants(selling)


def test_an_imported_refund_is_not_forgotten_when_an_access_ends_and_begins_again(
    selling: Flask, admin: int, sql: Sql
) -> None:
    with selling.app_context():
        sale = a_sale()
        sql(
            """UPDATE payments SET status = 'partially_refunded', refunded_cents = 900,
            reference = NULL, paid_at = created_at"""
        )
        enrollment.enroll(sale.student, sale.course, by=admin)
        enrollment.unenroll(sale.student, sale.course, by=admin)
        assert recorded(sql, sale.payment)[5:] == ("partially_refunded", "needs_review", 4900, 900)
        enrollment.enroll(sale.student, sale.course, by=admin)
    assert recorded(sql, sale.payment)[5:] == ("needs_review", "partially_refunded", 4900, 900)


def test_undoing_a_roster_records_and_announces_that_a_payment_counts_again(
    selling: Flask, paid: Sale, admin: int, tmp_path: Path, sql: Sql
) -> None:
    [student] = sql("SELECT email FROM users WHERE id = :id", id=paid.student)
    roster = tmp_path / "roster.csv"
    line = f"{student.email},,{paid.course},unenroll"
    roster.write_text(f"email,name,course_id,action\n{line}\n")
    with selling.app_context():
        report = import_roster(roster, apply=True, invite="https://portal.example.org/{}/{}".format)
        assert report.run_id is not None
        assert sync.undo(report.run_id, by=admin).kept == []
    assert recorded(sql, paid.payment) == (
        *("payment.paid", admin, "Ada", "Bread", "The roster was undone."),
        *("needs_review", "paid", 4900, 0),
    )
    assert money_notices(sql, paid.student) == ["paid", "payment_review", "paid"]
    check_invariants(selling)
