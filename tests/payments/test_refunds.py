"""An admin asks for a refund; only what Stripe then tells changes the payment."""

from typing import Any

import pytest
from flask import current_app
from stripe import InvalidRequestError

from lms import payments
from lms.demo.stripe import StripeStandIn
from lms.payments import Gateway, RefundRequested
from lms.queries import payments as queries
from lms.refusals import (
    Invalid,
    KeyReused,
    NotRefundable,
    PaymentNotFound,
    PaymentsUnavailable,
    RefundDelayed,
    RefundPending,
)
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.payments.conftest import Hear, check_invariants

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def paid(stripe: StripeStandIn, gateway: Gateway, hear: Hear, sql: Sql) -> int:
    """A payment of €49.00 that has arrived."""
    url = payments.buy(
        gateway, a_student(), a_course("Bread", price_cents=4900), origin="http://localhost"
    )
    stripe.pay(url)
    hear()
    [payment] = sql("SELECT id FROM payments")
    return int(payment.id)


def state(sql: Sql) -> tuple[str, int, int]:
    [payment] = sql("SELECT status, refunded_cents FROM payments")
    return payment.status, payment.refunded_cents, len(sql("SELECT 1 FROM enrollments"))


def write_down(payment: int, admin: int, *, key: str, amount: int) -> Any:
    """Press 'Refund' in a process that dies before it asks Stripe."""
    plan = payments.refunds._write_down
    return plan(payment, key=key, amount_cents=amount, reason="", by=admin)


def test_a_refund_changes_the_payment_when_stripe_says_so(
    gateway: Gateway, paid: int, admin: int, sql: Sql, hear: Hear
) -> None:
    taken = payments.request_refund(gateway, paid, reason="A mistake", by=admin)
    assert taken.amount_cents == 4900
    assert state(sql) == ("paid", 0, 1)
    hear("refund.created")
    assert state(sql) == ("refunded", 4900, 0)
    [asked] = sql("SELECT * FROM audit_entries WHERE action = 'refund.requested'")
    assert (asked.actor_id, asked.reason) == (admin, "A mistake")
    check_invariants(current_app)


def test_parts_add_up_and_nothing_more_than_was_paid_goes_back(
    gateway: Gateway, paid: int, admin: int, sql: Sql, hear: Hear
) -> None:
    for amount in (0, -1, 4901):
        with pytest.raises(Invalid) as refused:
            payments.request_refund(gateway, paid, amount_cents=amount, by=admin)
        assert refused.value.field == "amount_cents"
    payments.request_refund(gateway, paid, amount_cents=900, by=admin)
    # Stripe has not told yet, but the money is on its way already.
    with pytest.raises(Invalid):
        payments.request_refund(gateway, paid, amount_cents=4001, by=admin)
    hear("refund.created")
    assert state(sql) == ("partially_refunded", 900, 1)
    payments.request_refund(gateway, paid, by=admin)
    hear("refund.created")
    assert state(sql) == ("refunded", 4900, 0)
    with pytest.raises(NotRefundable):
        payments.request_refund(gateway, paid, by=admin)


def test_the_same_id_is_the_same_refund_for_good(
    *, stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int, sql: Sql, hear: Hear
) -> None:
    def press() -> RefundRequested:
        return payments.request_refund(gateway, paid, key="form", amount_cents=1000, by=admin)

    first = press()
    assert (first.refund_id, first.amount_cents, first.status) == ("form", 1000, "taken")
    assert press() == first  # answered, and Stripe has not told yet
    nowhere = Gateway(stripe.key, base="http://127.0.0.1:9", retries=0)
    assert payments.request_refund(nowhere, paid, key="form", amount_cents=1000, by=admin) == first
    hear("refund.created")
    assert press() == first
    sql("UPDATE refund_requests SET created_at = '2020-01-01 00:00:00.000000'")
    stripe.forget_keys()
    assert press() == first  # after weeks
    payments.request_refund(gateway, paid, key="another", amount_cents=3900, by=admin)
    hear("refund.created")
    assert press() == first  # when nothing is left
    assert [each["data"]["object"]["amount"] for each in stripe.events("refund.created")] == [
        *(1000, 3900),
    ]
    assert state(sql) == ("refunded", 4900, 0)
    assert len(sql("SELECT 1 FROM audit_entries WHERE action = 'refund.requested'")) == 2


@pytest.mark.parametrize("answered", [True, False])
def test_one_id_stands_for_one_payment_and_one_amount(
    *, stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int, sql: Sql, answered: bool
) -> None:
    if answered:
        payments.request_refund(gateway, paid, key="form", amount_cents=1000, by=admin)
    else:
        write_down(paid, admin, key="form", amount=1000)
    for amount in (1001, None):
        with pytest.raises(KeyReused):
            payments.request_refund(gateway, paid, key="form", amount_cents=amount, by=admin)
    url = payments.buy(
        gateway, a_student("Grace"), a_course("Cake", price_cents=4900), origin="http://localhost"
    )
    stripe.pay(url)
    payments.reconcile(gateway)
    [other] = sql("SELECT id FROM payments WHERE id <> :paid", paid=paid)
    with pytest.raises(KeyReused):
        payments.request_refund(gateway, other.id, key="form", amount_cents=1000, by=admin)
    assert len(stripe.events("refund.created")) == 1


def test_everything_that_is_left_may_be_named_or_not(
    stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int
) -> None:
    for amount in (None, 4900, None):
        taken = payments.request_refund(gateway, paid, key="form", amount_cents=amount, by=admin)
        assert taken.amount_cents == 4900
    assert len(stripe.events("refund.created")) == 1


def test_without_an_id_an_equal_refund_waits_for_the_earlier_one(
    *, stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int, hear: Hear
) -> None:
    payments.request_refund(gateway, paid, amount_cents=1000, by=admin)
    with pytest.raises(RefundPending):
        payments.request_refund(gateway, paid, amount_cents=1000, by=admin)
    payments.request_refund(gateway, paid, amount_cents=900, by=admin)  # that is another one
    hear("refund.created")
    payments.request_refund(gateway, paid, amount_cents=1000, by=admin)
    payments.request_refund(gateway, paid, by=admin)
    for amount in (None, 1000, 2000):
        with pytest.raises(RefundPending):  # all of it is on its way
            payments.request_refund(gateway, paid, amount_cents=amount, by=admin)
    assert sum(each["data"]["object"]["amount"] for each in stripe.events("refund.created")) == 4900


@pytest.mark.parametrize("by_whom", ["the same press", "reconciliation"])
@pytest.mark.parametrize("keys_are_known", [True, False])
@pytest.mark.parametrize("reached_stripe", [True, False])
def test_a_refund_that_died_on_its_way_is_continued(
    *,
    stripe: StripeStandIn,
    gateway: Gateway,
    paid: int,
    admin: int,
    sql: Sql,
    by_whom: str,
    keys_are_known: bool,
    reached_stripe: bool,
) -> None:
    written = write_down(paid, admin, key="form", amount=900)
    if reached_stripe:
        gateway.create_refund(
            *(written.payment_intent,), amount=900, request="form", key=written.idempotency_key
        )
    if not keys_are_known:
        sql("UPDATE refund_requests SET created_at = '2020-01-01 00:00:00.000000'")
        stripe.forget_keys()
    with pytest.raises(RefundPending):  # by whoever doesn't know of the first press
        payments.request_refund(gateway, paid, amount_cents=900, by=admin)
    if by_whom == "reconciliation":
        assert payments.reconcile(gateway).is_complete
    taken = payments.request_refund(gateway, paid, key="form", amount_cents=900, by=admin)
    assert taken.status == "taken"
    [made] = stripe.events("refund.created")
    assert made["data"]["object"]["metadata"] == {"refund_request": "form"}
    [request] = sql("SELECT status, stripe_refund_id FROM refund_requests")
    assert tuple(request) == ("taken", made["data"]["object"]["id"])
    assert payments.reconcile(gateway).is_complete
    assert state(sql) == ("partially_refunded", 900, 1)


def test_what_is_written_down_is_no_longer_left(
    gateway: Gateway, paid: int, admin: int, sql: Sql, hear: Hear
) -> None:
    written = write_down(paid, admin, key="form", amount=900)
    with pytest.raises(Invalid):
        payments.request_refund(gateway, paid, amount_cents=4001, by=admin)
    assert queries.detail(paid).refundable_cents == 4000
    gateway.create_refund(
        *(written.payment_intent,), amount=900, request="form", key=written.idempotency_key
    )
    hear("refund.created")  # names the request: it is answered, and counts once
    assert queries.detail(paid).refundable_cents == 4000
    assert [row.status for row in sql("SELECT status FROM refund_requests")] == ["taken"]


def test_the_rest_is_no_more_than_that_while_an_earlier_refund_waits(
    gateway: Gateway, paid: int, admin: int, sql: Sql
) -> None:
    """Stripe knows nothing of the earlier one, and has more left than the admin was shown."""
    write_down(paid, admin, key="form", amount=900)
    made = payments.request_refund(gateway, paid, key="rest", by=admin)
    assert made.amount_cents == 4000
    assert payments.reconcile(gateway).is_complete
    refunds = sql("SELECT amount FROM stripe_refunds ORDER BY amount")
    assert [row.amount for row in refunds] == [900, 4000]


def test_a_refund_is_written_down_while_stripe_cannot_be_reached(
    *, stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int, sql: Sql
) -> None:
    nowhere = Gateway(stripe.key, base="http://127.0.0.1:9", retries=0)
    for _ in range(2):
        with pytest.raises(RefundDelayed, match="is saved"):
            payments.request_refund(nowhere, paid, key="form", by=admin)
    assert stripe.events("refund.created") == []
    assert payments.reconcile(gateway).is_complete
    assert len(stripe.events("refund.created")) == 1
    assert payments.reconcile(gateway).is_complete
    assert state(sql) == ("refunded", 4900, 0)


def test_a_refusal_of_stripe_is_for_good_and_in_the_trail(
    *, stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int, sql: Sql
) -> None:
    written = write_down(paid, admin, key="form", amount=900)
    stripe.refund(written.payment_intent)  # and the webhook is down
    with pytest.raises(NotRefundable, match="already been fully refunded"):
        payments.request_refund(gateway, paid, key="form", amount_cents=900, by=admin)
    [request] = queries.detail(paid).requests
    assert request.status == "refused"
    assert "already been fully refunded in Stripe" in request.refusal
    assert "Reconcile now" in request.refusal
    [entry] = sql("SELECT reason, actor_id FROM audit_entries WHERE action = 'refund.refused'")
    assert (entry.reason, entry.actor_id) == (request.refusal, None)
    with pytest.raises(NotRefundable, match="already been fully refunded"):
        payments.request_refund(gateway, paid, key="form", amount_cents=900, by=admin)
    assert len(sql("SELECT 1 FROM audit_entries WHERE action = 'refund.refused'")) == 1


def test_after_a_lost_dispute_of_a_part_at_most_the_rest_is_asked_for(
    *, stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int, sql: Sql, hear: Hear
) -> None:
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    dispute = stripe.open_dispute(payment.intent, amount=1000)
    stripe.close_dispute(dispute["id"], ending="lost")
    hear()
    assert queries.detail(paid).refundable_cents == 3900
    with pytest.raises(Invalid, match=r"up to €39\.00"):
        payments.request_refund(gateway, paid, amount_cents=3901, by=admin)
    for amount in (None, 900):
        with pytest.raises(NotRefundable) as refused:
            payments.request_refund(gateway, paid, amount_cents=amount, by=admin)
        assert "a bank has taken money back" in refused.value.detail
        assert "by bank transfer" in refused.value.detail
        assert "charged back" not in refused.value.detail
    asked = [row.asked_cents for row in sql("SELECT asked_cents FROM refund_requests ORDER BY id")]
    assert asked == [3900, 900]
    assert state(sql) == ("partially_refunded", 0, 1)


def test_more_than_is_left_at_stripe_is_said_in_our_words(
    *, stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int
) -> None:
    written = write_down(paid, admin, key="form", amount=900)
    stripe.refund(written.payment_intent, 4500)  # and the webhook is down
    with pytest.raises(NotRefundable, match="Less than this amount is left in Stripe"):
        payments.request_refund(gateway, paid, key="form", amount_cents=900, by=admin)


def test_a_refusal_that_no_rule_knows_is_quoted_with_a_way_out(
    *, gateway: Gateway, paid: int, admin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: Any = InvalidRequestError

    def refuse(*_: object, **__: object) -> None:
        raise refused("This charge can't be refunded after 180 days.", None)

    monkeypatch.setattr("stripe.RefundService.create", refuse)
    with pytest.raises(NotRefundable, match=r"after 180 days\.” Refund the payment in Stripe's"):
        payments.request_refund(gateway, paid, amount_cents=900, by=admin)


def test_a_refund_that_reconciliation_sees_refused_fails_nothing(
    *, stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int, sql: Sql
) -> None:
    written = write_down(paid, admin, key="form", amount=900)
    stripe.refund(written.payment_intent, 4500)
    assert payments.reconcile(gateway).is_complete
    assert [row.status for row in sql("SELECT status FROM refund_requests")] == ["refused"]
    assert state(sql) == ("partially_refunded", 4500, 1)


def test_a_refund_after_one_that_failed_is_a_new_one(
    *, stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int, sql: Sql, hear: Hear
) -> None:
    payments.request_refund(gateway, paid, by=admin)
    [event] = stripe.events("refund.created")
    stripe.settle_refund(event["data"]["object"]["id"], succeeds=False)
    hear()
    assert state(sql) == ("paid", 0, 1)
    assert "refund failed" in sql("SELECT attention FROM payments")[0].attention
    payments.request_refund(gateway, paid, by=admin)
    hear()
    assert state(sql) == ("refunded", 4900, 0)
    assert sql("SELECT attention FROM payments")[0].attention == ""


def test_a_refund_at_stripe_past_the_portal_counts(
    stripe: StripeStandIn, paid: int, sql: Sql, hear: Hear
) -> None:
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    assert paid
    stripe.refund(payment.intent, 1000)
    hear("refund.created")
    assert state(sql) == ("partially_refunded", 1000, 1)


def test_a_refunded_charge_has_its_refunds_fetched_at_once(
    *, stripe: StripeStandIn, paid: int, sql: Sql, hear: Hear
) -> None:
    assert paid
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    stripe.refund(payment.intent, 1000)
    assert hear("charge.refunded") == [200]
    assert state(sql) == ("partially_refunded", 1000, 1)
    stripe.refund(payment.intent)
    hear("charge.refunded")
    assert state(sql) == ("refunded", 4900, 0)
    assert len(sql("SELECT 1 FROM stripe_refunds")) == 2
    hear()
    assert state(sql) == ("refunded", 4900, 0)
    check_invariants(current_app)


def test_while_stripe_does_not_answer_a_refunded_charge_is_delivered_again(
    *, stripe: StripeStandIn, paid: int, sql: Sql, hear: Hear
) -> None:
    assert paid
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    stripe.refund(payment.intent)
    current_app.config["STRIPE_API_BASE"] = "http://127.0.0.1:9"
    assert hear("charge.refunded") == [503]
    assert state(sql) == ("paid", 0, 1)
    [event] = sql("SELECT id, status FROM stripe_events WHERE type = 'charge.refunded'")
    assert event.status == "failed"
    current_app.config["STRIPE_API_BASE"] = stripe.url
    assert hear("charge.refunded") == [200]
    assert state(sql) == ("refunded", 4900, 0)
    assert sql("SELECT status FROM stripe_events WHERE id = :id", id=event.id) == [("done",)]


def test_what_stripe_refuses_is_said(
    stripe: StripeStandIn, gateway: Gateway, paid: int, admin: int, sql: Sql
) -> None:
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    stripe.refund(payment.intent)  # and the webhook is down
    with pytest.raises(NotRefundable, match="already been fully refunded"):
        payments.request_refund(gateway, paid, by=admin)


def test_nothing_is_refunded_that_was_not_paid(gateway: Gateway, admin: int, sql: Sql) -> None:
    payments.buy(gateway, a_student(), a_course(price_cents=4900), origin="http://localhost")
    [payment] = sql("SELECT id FROM payments")
    with pytest.raises(NotRefundable):
        payments.request_refund(gateway, payment.id, by=admin)
    with pytest.raises(PaymentNotFound):
        payments.request_refund(gateway, 999_999, by=admin)
    with pytest.raises(PaymentsUnavailable):
        payments.request_refund(None, payment.id, by=admin)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("stripe_payment_intent_id = NULL", "it has no payment intent in Stripe. Refund it where"),
        ("status = 'disputed'", "while the bank's dispute is open. Respond to it in Stripe."),
        ("status = 'dispute_lost'", "wasn't completed, or the money has been returned."),
        ("status = 'expired'", "wasn't completed, or the money has been returned."),
    ],
)
def test_a_refund_that_cannot_be_is_refused_for_the_reason_that_holds(
    *, gateway: Gateway, paid: int, admin: int, sql: Sql, change: str, said: str
) -> None:
    sql(f"UPDATE payments SET {change}")
    with pytest.raises(NotRefundable, match=said):
        payments.request_refund(gateway, paid, by=admin)
