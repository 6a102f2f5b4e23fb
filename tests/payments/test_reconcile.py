"""What the webhook did not deliver is fetched; a second run finds nothing to change."""

import json
import socket
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import select
from stripe import RequestsClient

from lms import enrollment, payments
from lms.db import at, now
from lms.demo.stripe import StripeStandIn
from lms.models import StripeRefund
from lms.payments import Gateway, checkout
from lms.payments import chunks as chunking
from lms.payments import gateway as gateway_module
from lms.refusals import PaymentsUnavailable
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.payments.conftest import Hear, check_invariants

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def url(gateway: Gateway, student: int) -> str:
    """A checkout of €49.00 that is open."""
    course = a_course("Bread", price_cents=4900)
    return payments.buy(gateway, student, course, origin="http://localhost")


def state(sql: Sql) -> tuple[str, int, int]:
    [payment] = sql("SELECT status, refunded_cents FROM payments")
    return payment.status, payment.refunded_cents, len(sql("SELECT 1 FROM enrollments"))


def test_reconciling_alone_enrolls_and_twice_changes_nothing(
    stripe: StripeStandIn, gateway: Gateway, url: str, sql: Sql
) -> None:
    stripe.pay(url)
    first = payments.reconcile(gateway)
    assert (first.is_complete, first.changed > 0) == (True, True)
    assert state(sql) == ("paid", 0, 1)
    second = payments.reconcile(gateway)
    assert (second.is_complete, second.changed) == (True, 0)
    sql("UPDATE payments SET status = 'failed'")  # behind what is known here already
    assert payments.reconcile(gateway).changed == 1
    assert state(sql) == ("paid", 0, 1)
    assert len(sql("SELECT 1 FROM outbox_emails")) == 1
    check_invariants(current_app)


def test_a_day_without_webhook_is_caught_up_with(
    stripe: StripeStandIn, gateway: Gateway, url: str, sql: Sql
) -> None:
    stripe.pay(url)
    payments.reconcile(gateway)
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    stripe.refund(payment.intent, 900)
    dispute = stripe.open_dispute(payment.intent)
    payments.reconcile(gateway)
    assert state(sql) == ("disputed", 900, 0)
    stripe.close_dispute(dispute["id"], ending="won")
    payments.reconcile(gateway)
    assert state(sql) == ("partially_refunded", 900, 1)
    assert payments.reconcile(gateway).changed == 0
    check_invariants(current_app)


def test_objects_are_asked_for_where_events_are_forgotten(
    stripe: StripeStandIn, gateway: Gateway, url: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe.pay(url)
    with monkeypatch.context() as forgotten:
        forgotten.setattr(Gateway, "events", lambda *_args, **_kwargs: iter(()))
        payments.reconcile(gateway)
        assert state(sql) == ("paid", 0, 1)
        [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
        stripe.refund(payment.intent)
        payments.reconcile(gateway)
        assert state(sql) == ("refunded", 4900, 0)
    # The events come after all: they tell nothing that is not known, and the second run shows it.
    assert payments.reconcile(gateway).changed > 0
    assert state(sql) == ("refunded", 4900, 0)
    assert payments.reconcile(gateway).changed == 0


class Counting(RequestsClient):
    """Counts the calls that go to Stripe."""

    calls = 0

    def request(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return super().request(*args, **kwargs)


def test_many_checkouts_and_refunds_are_asked_for_in_few_calls(
    stripe: StripeStandIn, gateway: Gateway, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gateway, "events", lambda *_args, **_kwargs: iter(()))
    monkeypatch.setattr(gateway_module, "PAGE", 15)
    course = a_course("Bread", price_cents=4900)
    for _ in range(40):
        stripe.pay(payments.buy(gateway, a_student(), course, origin="http://localhost"))
    http = Counting()
    counted = Gateway(stripe.key, base=stripe.url, http=http)
    assert payments.reconcile(counted).is_complete
    assert sql("SELECT status, count(*) FROM payments GROUP BY status") == [("paid", 40)]
    assert http.calls <= 10
    for row in sql("SELECT stripe_payment_intent_id AS intent FROM payments"):
        stripe.refund(row.intent, 900)
    payments.reconcile(gateway)
    long_ago = "UPDATE stripe_refunds SET status = 'pending', succeeded_at = NULL"
    sql(long_ago)
    later = now() + timedelta(hours=3)  # too old to be listed again
    http.calls = 0
    sql("UPDATE stripe_cursor SET reconciled_until = :later", later=f"{later:%F %T}")
    assert payments.reconcile(counted).is_complete
    assert sql("SELECT status, count(*) FROM stripe_refunds GROUP BY status") == [("succeeded", 40)]
    assert http.calls <= 12  # six of them for the balance of the last hour


@pytest.mark.parametrize("is_old", [False, True])
def test_an_amount_that_an_event_left_out_is_asked_for_later(
    *, stripe: StripeStandIn, gateway: Gateway, url: str, hear: Hear, sql: Sql, is_old: bool
) -> None:
    """The bank has taken back a part: until Stripe says which, it is all of the payment."""
    stripe.pay(url)
    hear()
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    dispute = stripe.open_dispute(payment.intent, amount=1000)
    stripe.close_dispute(dispute["id"], ending="lost")
    hear()
    sql("UPDATE stripe_disputes SET amount = 0")
    sql("UPDATE payments SET status = 'dispute_lost', lost_cents = amount_cents")
    if is_old:
        later = f"{now() + timedelta(hours=3):%F %T}"
        sql("INSERT INTO stripe_cursor (id, reconciled_until) VALUES (1, :later)", later=later)
    payments.reconcile(gateway)
    assert sql("SELECT status, lost_cents FROM payments") == [("partially_refunded", 1000)]


def test_what_happened_two_months_ago_is_asked_for_too(
    stripe: StripeStandIn, gateway: Gateway, url: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restored backup: Stripe has no events of that time any more."""
    stripe.pay(url)
    assert payments.reconcile(gateway).is_complete
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    stripe.refund(payment.intent, 900)
    monkeypatch.setattr(Gateway, "events", lambda *_args, **_kwargs: iter(()))
    with at(now() + timedelta(days=60)):
        assert payments.reconcile(gateway).is_complete
    assert state(sql) == ("partially_refunded", 900, 1)


def test_a_first_run_asks_for_the_refunds_of_all_payments_that_there_are(
    *, stripe: StripeStandIn, gateway: Gateway, url: str, hear: Hear, sql: Sql
) -> None:
    """As where a dump has brought payments and no cursor."""
    stripe.pay(url)
    hear()
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    stripe.refund(payment.intent, 900)
    with at(now() + timedelta(days=60)):
        payments.reconcile(gateway)
    assert state(sql) == ("partially_refunded", 900, 1)


def test_rows_are_read_in_chunks_while_they_change(
    sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "CHUNK", 3)
    for number in range(8):
        sql(
            "INSERT INTO stripe_refunds (id, amount, currency, status, created_at) VALUES"
            " (:id, 1, 'eur', 'pending', '2026-01-01 00:00:00.000000')",
            id=f"re_{number}",
        )
    is_pending = select(StripeRefund.id, StripeRefund.created_at).where(
        StripeRefund.status == "pending"
    )
    read = []
    for rows in chunking.chunks(is_pending, StripeRefund.created_at, StripeRefund.id):
        read.append([row.id for row in rows])
        sql("UPDATE stripe_refunds SET status = 'failed' WHERE id = :id", id=rows[0].id)
    assert read == [[f"re_{n}" for n in part] for part in ((0, 1, 2), (3, 4, 5), (6, 7))]


def test_a_failed_event_is_applied_again(
    *, selling: Flask, stripe: StripeStandIn, gateway: Gateway, url: str, sql: Sql, hear: Hear
) -> None:
    stripe.pay(url)
    sqlite = "sqlite" in selling.config["DATABASE_URL"]
    if sqlite:
        sql(
            "CREATE TRIGGER sabotage BEFORE INSERT ON enrollments "
            "BEGIN SELECT RAISE(ABORT, 'down'); END"
        )
    else:
        sql(
            "CREATE FUNCTION sabotage() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'down'; END $$"
        )
        sql(
            "CREATE TRIGGER sabotage BEFORE INSERT ON enrollments "
            "FOR EACH ROW EXECUTE FUNCTION sabotage()"
        )
    assert 500 in hear("checkout.session.completed")
    failed = payments.reconcile(gateway)
    assert not failed.is_complete
    assert sql("SELECT reconciled_until FROM stripe_cursor")[0].reconciled_until is None
    sql("DROP TRIGGER sabotage" if sqlite else "DROP TRIGGER sabotage ON enrollments")
    assert payments.reconcile(gateway).is_complete
    assert state(sql) == ("paid", 0, 1)
    assert sql("SELECT reconciled_until FROM stripe_cursor")[0].reconciled_until is not None


def test_a_checkout_that_nobody_needs_any_more_is_closed(
    stripe: StripeStandIn, gateway: Gateway, url: str, student: int, sql: Sql
) -> None:
    [payment] = sql("SELECT course_id FROM payments")
    payments.reconcile(gateway)
    assert state(sql) == ("pending", 0, 0)
    enrollment.enroll(student, payment.course_id, by=an_admin())
    payments.reconcile(gateway)
    assert state(sql) == ("expired", 0, 1)
    assert gateway.checkout(url.rpartition("/")[2]).fact.state == "expired"

    other = a_student()
    url = payments.buy(gateway, other, payment.course_id, origin="http://localhost")
    enrollment.delete_user(other, by=an_admin())
    payments.reconcile(gateway)
    assert gateway.checkout(url.rpartition("/")[2]).fact.state == "expired"


def test_an_attempt_that_was_never_opened_is_given_up_when_its_time_is_over(
    gateway: Gateway, student: int, sql: Sql
) -> None:
    course = a_course("Bread", price_cents=4900)
    checkout._begin(student, course, origin="", is_configured=True)
    payments.reconcile(gateway)
    assert state(sql) == ("pending", 0, 0)
    sql("UPDATE payments SET session_expires_at = '2026-01-01 00:00:00'")
    payments.reconcile(gateway)
    assert state(sql) == ("expired", 0, 0)


def test_a_free_seat_is_given_to_who_has_paid(
    stripe: StripeStandIn, gateway: Gateway, student: int, sql: Sql
) -> None:
    course = a_course("Bread", price_cents=4900, capacity=1)
    stripe.pay(payments.buy(gateway, student, course, origin="http://localhost"))
    other = a_student()
    enrollment.enroll(other, course, by=None)
    payments.reconcile(gateway)
    assert state(sql) == ("undeliverable", 0, 1)
    enrollment.unenroll(other, course, by=None)
    payments.reconcile(gateway)
    assert state(sql) == ("paid", 0, 1)


def test_what_an_admin_has_dealt_with_otherwise_is_given_no_free_seat(
    stripe: StripeStandIn, gateway: Gateway, student: int, admin: int, sql: Sql
) -> None:
    course = a_course("Bread", price_cents=4900, capacity=1)
    stripe.pay(payments.buy(gateway, student, course, origin="http://localhost"))
    other = a_student()
    enrollment.enroll(other, course, by=None)
    payments.reconcile(gateway)
    [payment] = sql("SELECT id FROM payments")
    payments.dismiss(payment.id, by=admin)
    enrollment.unenroll(other, course, by=None)
    payments.reconcile(gateway)
    assert state(sql) == ("undeliverable", 0, 0)
    payments.settle_payment(payment.id, by=admin)  # who presses Retry has changed their mind
    assert state(sql) == ("paid", 0, 1)


def test_stripe_being_down_is_reported_and_the_cursor_waits(student: int, sql: Sql) -> None:
    assert student
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        down = Gateway("sk_test_x", base=f"http://127.0.0.1:{closed.getsockname()[1]}")
        report = payments.reconcile(down)
    assert not report.is_complete
    assert sql("SELECT reconciled_until FROM stripe_cursor")[0].reconciled_until is None
    with pytest.raises(PaymentsUnavailable):
        payments.reconcile(None)


def test_the_command_reports_as_json(
    selling: Flask, stripe: StripeStandIn, url: str, sql: Sql
) -> None:
    stripe.pay(url)
    runner = selling.test_cli_runner()
    result = runner.invoke(args=["payments", "reconcile", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["isComplete"], report["failures"]) == (True, [])
    assert state(sql) == ("paid", 0, 1)
    again = runner.invoke(args=["payments", "reconcile", "--json"])
    assert json.loads(again.stdout)["changed"] == 0
    assert "Changes: 0" in runner.invoke(args=["payments", "reconcile"]).stdout
    selling.config["STRIPE_SECRET_KEY"] = "sk_test_wrong"
    refused = runner.invoke(args=["payments", "reconcile"])
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    selling.config["STRIPE_SECRET_KEY"] = None
    unconfigured = runner.invoke(args=["payments", "reconcile"])
    assert unconfigured.exit_code == 1
    assert "STRIPE_SECRET_KEY" in unconfigured.stderr
