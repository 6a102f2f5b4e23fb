"""Each event is applied once, whole or not at all, in any order; access follows the money."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError

from lms import enrollment, payments
from lms.demo.stripe import StripeStandIn
from lms.payments import Gateway, inbox
from lms.payments.events import read_event
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.payments.conftest import Sale, Tell, a_sale, check_invariants, payment_state
from tests.payments.stripe_events import tersely
from tests.payments.test_projection import PURCHASES


def outcome_of(response: Any) -> str:
    assert response.status_code == 200, response.data
    return str(response.json["outcome"])


def test_a_paid_checkout_enrolls_once_and_says_so_once(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    event = sale.stripe.completed()
    event["created"] += 0.5
    assert [outcome_of(tell(event)) for _ in range(3)] == ["done", "duplicate", "duplicate"]
    assert outcome_of(tell(sale.stripe.async_succeeded())) == "done"

    assert payment_state(sql, sale) == ("paid", 0, 1)
    [payment] = sql("SELECT * FROM payments")
    assert payment.stripe_session_id == sale.stripe.session
    assert payment.stripe_payment_intent_id == sale.stripe.intent
    told = datetime.fromtimestamp(int(event["created"]), UTC)
    assert datetime.fromisoformat(str(payment.paid_at)).replace(tzinfo=UTC) == told
    [source] = sql("SELECT kind, reference FROM access_sources")
    assert tuple(source) == ("payment", sale.payment)
    assert len(sql("SELECT 1 FROM outbox_emails")) == 1
    assert len(sql("SELECT 1 FROM audit_entries WHERE action = 'payment.paid'")) == 1
    assert len(sql("SELECT 1 FROM stripe_events")) == 2
    check_invariants(selling)


def test_an_unpaid_checkout_enrolls_nobody(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.completed(paid=False))
    assert payment_state(sql, sale) == ("processing", 0, 0)
    tell(sale.stripe.async_failed())
    assert payment_state(sql, sale) == ("failed", 0, 0)


def test_a_late_expiry_takes_nothing_from_a_paid_checkout(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.completed())
    tell(sale.stripe.expired())
    assert payment_state(sql, sale) == ("paid", 0, 1)


def test_a_full_refund_ends_access_and_a_failed_one_gives_it_back(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(sale.stripe.completed())
    with selling.app_context():
        [chapter] = sql("SELECT id FROM chapters WHERE course_id = :c", c=sale.course)
        enrollment.complete_chapter(sale.student, chapter.id)
    tell(sale.stripe.refund("created", "pending"))
    assert payment_state(sql, sale) == ("paid", 0, 1)
    tell(sale.stripe.refund("updated", "succeeded"))
    assert payment_state(sql, sale) == ("refunded", 4900, 0)
    assert len(sql("SELECT 1 FROM chapter_completions")) == 1
    tell(sale.stripe.refund("failed", "failed"))
    assert payment_state(sql, sale) == ("paid", 0, 1)
    assert sql("SELECT progress FROM enrollments")[0].progress == 100
    subjects = [row.subject for row in sql("SELECT subject FROM outbox_emails ORDER BY id")]
    assert subjects == ["You're enrolled in Bread", "Your payment for Bread was refunded"]
    check_invariants(selling)


def test_a_partial_refund_keeps_access(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.completed())
    tell(sale.stripe.refund("created", "succeeded", amount=900))
    assert payment_state(sql, sale) == ("partially_refunded", 900, 1)
    tell(sale.stripe.refund("created", "succeeded", amount=4000, id="re_rest"))
    assert payment_state(sql, sale) == ("refunded", 4900, 0)


def test_a_refund_or_dispute_that_comes_first_waits_for_its_session(
    sale: Sale, tell: Tell, sql: Sql
) -> None:
    assert outcome_of(tell(sale.stripe.refund("created", "succeeded", amount=900))) == "done"
    assert outcome_of(tell(sale.stripe.dispute("created", "needs_response"))) == "done"
    assert payment_state(sql, sale) == ("pending", 0, 0)
    tell(sale.stripe.completed())
    assert payment_state(sql, sale) == ("disputed", 900, 0)
    tell(sale.stripe.dispute("closed", "won"))
    assert payment_state(sql, sale) == ("partially_refunded", 900, 1)


def test_a_refund_takes_nothing_that_another_source_gives(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(sale.stripe.completed())
    with selling.app_context():
        enrollment.enroll(sale.student, sale.course, by=an_admin())
    tell(sale.stripe.refund("created", "succeeded"))
    assert payment_state(sql, sale) == ("refunded", 4900, 1)
    assert [row.kind for row in sql("SELECT kind FROM access_sources")] == ["admin"]
    check_invariants(selling)


def test_a_second_purchase_is_kept_apart_from_the_refund_of_the_first(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(sale.stripe.expired())
    with selling.app_context():
        attempt = payments.checkout._begin(sale.student, sale.course, origin="", is_configured=True)
    again = sale.stripe.of(
        reference=attempt.offer.reference, session="cs_test_again", intent="pi_again"
    )
    tell(sale.stripe.completed())
    tell(again.completed())
    [second] = sql("SELECT * FROM payments WHERE id = :id", id=attempt.payment_id)
    assert second.attention == (
        f"The student also paid for this course with payment {sale.payment}."
        " Unless a refund is on its way, refund one of them."
    )
    tell(sale.stripe.refund("created", "succeeded"))
    assert payment_state(sql, sale) == ("refunded", 4900, 1)
    [second] = sql("SELECT * FROM payments WHERE id = :id", id=attempt.payment_id)
    assert (second.status, second.attention) == ("paid", "")
    check_invariants(selling)


@pytest.mark.parametrize("field", [{"amount": 1}, {"currency": "usd"}])
def test_a_difference_from_the_offer_enrolls_nobody_and_is_shown(
    sale: Sale, tell: Tell, sql: Sql, field: dict[str, Any]
) -> None:
    tell(sale.stripe.of(**field).completed())
    assert payment_state(sql, sale) == ("needs_review", 0, 0)
    assert sql("SELECT attention FROM payments")[0].attention.startswith("Stripe charged")


def test_an_inquiry_flags_and_suspends_nothing(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.completed())
    tell(sale.stripe.dispute("created", "warning_needs_response"))
    assert payment_state(sql, sale) == ("paid", 0, 1)
    assert sql("SELECT attention FROM payments")[0].attention


def test_a_lost_dispute_ends_access(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.completed())
    tell(sale.stripe.dispute("created", "needs_response"))
    assert payment_state(sql, sale) == ("disputed", 0, 0)
    tell(sale.stripe.dispute("closed", "lost"))
    assert payment_state(sql, sale) == ("dispute_lost", 0, 0)


def test_money_for_a_course_that_is_gone_is_undeliverable_until_refunded(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    with selling.app_context():
        enrollment.delete_course(sale.course, by=an_admin())
    tell(sale.stripe.completed())
    assert payment_state(sql, sale) == ("undeliverable", 0, 0)
    [payment] = sql("SELECT course_title, attention FROM payments")
    assert payment.course_title == "Bread"
    assert "course no longer exists" in payment.attention
    tell(sale.stripe.refund("created", "succeeded"))
    assert payment_state(sql, sale) == ("refunded", 4900, 0)
    check_invariants(selling)


def test_money_of_somebody_who_is_gone_is_undeliverable(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    with selling.app_context():
        enrollment.delete_user(sale.student, by=an_admin())
    tell(sale.stripe.completed())
    assert payment_state(sql, sale) == ("undeliverable", 0, 0)
    check_invariants(selling)


def test_money_of_somebody_who_became_an_admin_is_undeliverable(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    with selling.app_context():
        enrollment.change_role(sale.student, "admin", by=None)
    tell(sale.stripe.completed())
    assert payment_state(sql, sale) == ("undeliverable", 0, 0)


def test_money_for_a_full_course_waits_for_a_seat(selling: Flask, tell: Tell, sql: Sql) -> None:
    with selling.app_context():
        sale = a_sale(capacity=1)
        other = a_student()
        enrollment.enroll(other, sale.course, by=None)
    tell(sale.stripe.completed())
    assert payment_state(sql, sale) == ("undeliverable", 0, 0)
    with selling.app_context():
        assert not payments.settle_payment(sale.payment)
        enrollment.unenroll(other, sale.course, by=None)
        assert not payments.settle_payment(sale.payment), "the seat is theirs already"
    assert payment_state(sql, sale) == ("paid", 0, 1)
    check_invariants(selling)


def test_an_access_that_an_admin_ended_stays_ended_and_needs_review(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(sale.stripe.completed())
    with selling.app_context():
        enrollment.unenroll(sale.student, sale.course, by=an_admin())
    tell(sale.stripe.async_succeeded())
    assert payment_state(sql, sale) == ("needs_review", 0, 0)
    with selling.app_context():
        enrollment.enroll(sale.student, sale.course, by=an_admin())
    tell(sale.stripe.dispute("created", "warning_needs_response"))
    assert payment_state(sql, sale) == ("paid", 0, 1)
    check_invariants(selling)


def test_foreign_sessions_other_types_and_the_other_livemode_are_ignored(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    foreign = sale.stripe.of(reference="somebody-elses", session="cs_foreign", intent="pi_foreign")
    assert outcome_of(tell(foreign.completed())) == "ignored"
    unknown = {**sale.stripe.completed(), "type": "customer.created", "data": None}
    assert outcome_of(tell(unknown)) == "ignored"
    selling.config["STRIPE_SECRET_KEY"] = "sk_test_of_the_tests"
    assert outcome_of(tell(sale.stripe.of(livemode=True).completed())) == "ignored"
    assert payment_state(sql, sale) == ("pending", 0, 0)
    assert outcome_of(tell(sale.stripe.completed())) == "done"


def test_what_an_event_leaves_out_is_asked_of_stripe(
    *, stripe: StripeStandIn, gateway: Gateway, selling: Flask, tell: Tell, sql: Sql
) -> None:
    with selling.app_context():
        student, course = a_student(), a_course("Bread", price_cents=4900)
        stripe.pay(payments.buy(gateway, student, course, origin="http://localhost"))
    [paid] = stripe.events("checkout.session.completed")
    tell(tersely(paid, "payment_status", "client_reference_id"))
    [payment] = sql("SELECT status, stripe_payment_intent_id AS intent FROM payments")
    assert (payment.status, payment.intent is not None) == ("paid", True)

    refund = stripe.refund(payment.intent, 900)
    [refunded] = stripe.events("refund.created")
    tell(tersely(refunded))
    assert sql("SELECT status FROM payments")[0].status == "partially_refunded"

    dispute = {"id": "dp_nobody_knows", "charge": refund["charge"], "status": "needs_response"}
    tell({**paid, "id": "evt_d", "type": "charge.dispute.created", "data": {"object": dispute}})
    assert sql("SELECT status FROM payments")[0].status == "disputed"
    # Stripe knows nothing more of it, which is no failure of ours.
    with selling.app_context():
        assert payments.reconcile(gateway).failures == []


def test_a_refund_is_known_by_its_id_once_its_payment_was_told(
    sale: Sale, tell: Tell, sql: Sql
) -> None:
    tell(sale.stripe.completed())
    tell(sale.stripe.refund("created", "pending"))
    tell(tersely(sale.stripe.refund("updated", "succeeded"), "status"))
    assert payment_state(sql, sale) == ("refunded", 4900, 0)
    tell(tersely(sale.stripe.refund("failed", "failed"), "status"))
    assert payment_state(sql, sale) == ("paid", 0, 1)


def test_the_marker_of_a_refunded_charge_changes_nothing(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.completed())
    assert outcome_of(tell(sale.stripe.charge_refunded())) == "done"
    assert payment_state(sql, sale) == ("paid", 0, 1)


def test_the_inbox_keeps_no_secret_and_nothing_personal(sale: Sale, tell: Tell, sql: Sql) -> None:
    tell(sale.stripe.completed())
    tell(sale.stripe.charge_refunded())
    tables = ("stripe_events", "audit_entries", "outbox_emails", "stripe_sessions", "payments")
    kept = " ".join(str(tuple(row)) for table in tables for row in sql(f"SELECT * FROM {table}"))
    for secret in ("do_not_keep", "Lovelace", "last4", "ada@example.org", "client_secret"):
        assert secret not in kept


def test_a_failure_leaves_one_failed_row_and_the_retry_then_works(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    # A database that refuses the enrollment is the failure nobody thinks of.
    _refuse_enrollments(selling, sql)
    event = sale.stripe.completed()
    assert [tell(event).status_code for _ in range(2)] == [500, 500]
    [row] = sql("SELECT * FROM stripe_events")
    assert (row.status, row.attempts, row.payment_id) == ("failed", 2, None)
    assert "full" in row.error
    assert payment_state(sql, sale) == ("pending", 0, 0)
    assert sql("SELECT 1 FROM stripe_sessions") == []
    assert sql("SELECT 1 FROM outbox_emails") == []

    _accept_enrollments(selling, sql)
    assert outcome_of(tell(event)) == "done"
    assert outcome_of(tell(event)) == "duplicate"
    [row] = sql("SELECT * FROM stripe_events")
    assert (row.status, row.attempts, row.error) == ("done", 3, "")
    assert payment_state(sql, sale) == ("paid", 0, 1)
    check_invariants(selling)


def test_a_failed_event_can_be_replayed_from_the_inbox(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    _refuse_enrollments(selling, sql)
    tell(sale.stripe.completed())
    [row] = sql("SELECT id FROM stripe_events")
    with selling.app_context(), pytest.raises(DBAPIError):
        payments.replay(row.id)
    _accept_enrollments(selling, sql)
    with selling.app_context():
        assert payments.replay(row.id) == "done"
        assert payments.replay(row.id) == "done"
    assert payment_state(sql, sale) == ("paid", 0, 1)


def test_an_event_that_has_succeeded_is_never_marked_failed(
    selling: Flask, sale: Sale, tell: Tell, sql: Sql
) -> None:
    event = sale.stripe.completed()
    tell(event)
    with selling.app_context():
        inbox._remember_failure(read_event(event), "too late")
    assert sql("SELECT status FROM stripe_events")[0].status == "done"


@pytest.mark.parametrize("name", ["everything, and won", "everything, and refunded"])
def test_shuffled_deliveries_with_repetitions_converge_in_the_database(
    selling: Flask, tell: Tell, sql: Sql, name: str
) -> None:
    events, status, refunded = PURCHASES[name]
    shuffle = random.Random(20261123)  # noqa: S311 - repeats the same orders
    for round_ in range(6):
        with selling.app_context():
            sale = a_sale()
        told = [_for(sale, event, round_) for event in events] * 2
        shuffle.shuffle(told)
        for event in told:
            outcome_of(tell(event))
        enrolled = int(status == "paid")
        assert payment_state(sql, sale) == (status, refunded, enrolled), [e["type"] for e in told]
    check_invariants(selling)


def _for(sale: Sale, event: dict[str, Any], round_: int) -> dict[str, Any]:
    """Return the same event about another sale."""
    subject = dict(event["data"]["object"])
    if subject["object"] == "checkout.session":
        subject |= {"id": sale.stripe.session, "client_reference_id": sale.stripe.reference}
    else:
        subject["id"] = f"{subject['id']}_{round_}"
    if subject["payment_intent"]:
        subject["payment_intent"] = sale.stripe.intent
    return {**event, "id": f"{event['id']}_{round_}", "data": {"object": subject}}


def _refuse_enrollments(app: Flask, sql: Sql) -> None:
    if "sqlite" in app.config["DATABASE_URL"]:
        sql(
            "CREATE TRIGGER sabotage BEFORE INSERT ON enrollments "
            "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
        return
    sql(
        "CREATE FUNCTION sabotage() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$"
    )
    sql(
        "CREATE TRIGGER sabotage BEFORE INSERT ON enrollments "
        "FOR EACH ROW EXECUTE FUNCTION sabotage()"
    )


def _accept_enrollments(app: Flask, sql: Sql) -> None:
    sqlite = "sqlite" in app.config["DATABASE_URL"]
    sql("DROP TRIGGER sabotage" if sqlite else "DROP TRIGGER sabotage ON enrollments")
