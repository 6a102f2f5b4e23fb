"""Deliveries and presses that meet at the same moment, in real processes."""

from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask

from lms import enrollment, payments
from lms.db import now
from lms.demo.stripe import StripeStandIn
from lms.ledger.months import Month
from lms.payments import Gateway
from lms.queries.books import report
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.faults.racers import Call, Race, Racers, call, sound_races
from tests.payments.conftest import Sale, a_sale, two_purchases
from tests.payments.stripe_events import SECRET, body_of, signed


@pytest.fixture
def race(processes: Racers, context: Flask, database_url: str) -> Iterator[Race]:
    with sound_races(processes, database_url) as race:
        yield race


def delivery(event: dict[str, object]) -> Call:
    body = body_of(event)
    return call("tests.payments.raced:deliver", body, signed(body), SECRET)


def test_forty_deliveries_of_one_event_are_one_purchase(race: Race, sql: Sql) -> None:
    sale = a_sale()
    outcomes = race([delivery(sale.stripe.completed())] * 40)
    assert Counter(outcome.value for outcome in outcomes) == {
        (200, "done"): 1,
        (200, "duplicate"): 39,
    }
    assert [row.status for row in sql("SELECT status FROM payments")] == ["paid"]
    for table in ("enrollments", "access_sources", "outbox_emails", "stripe_events"):
        assert len(sql(f"SELECT 1 FROM {table}")) == 1, table
    assert len(sql("SELECT 1 FROM audit_entries WHERE action = 'payment.paid'")) == 1


def test_all_events_of_a_purchase_at_once_converge(race: Race, sql: Sql) -> None:
    sales = [a_sale() for _ in range(4)]
    outcomes = race([delivery(event) for sale in sales for event in _everything(sale)])
    assert {outcome.value[0] for outcome in outcomes} == {200}
    rows = sql("SELECT status, refunded_cents FROM payments")
    assert {tuple(row) for row in rows} == {("partially_refunded", 900)}
    assert len(sql("SELECT 1 FROM enrollments")) == 4


def test_all_events_of_two_payments_of_a_pair_at_once_converge(race: Race, sql: Sql) -> None:
    pairs = [two_purchases() for _ in range(3)]
    told = [event for pair in pairs for sale in pair for event in _everything(sale)]
    outcomes = race([delivery(event) for event in told])
    assert {outcome.value[0] for outcome in outcomes} == {200}
    assert len(sql("SELECT 1 FROM enrollments")) == 3
    for first, second in pairs:
        states = sql(
            "SELECT id, status, refunded_cents, attention FROM payments WHERE user_id = :id"
            " ORDER BY id",
            id=first.student,
        )
        note = (
            f"The student also paid for this course with payment {first.payment}."
            " Unless a refund is on its way, refund one of them."
        )
        assert [tuple(row) for row in states] == [
            (first.payment, "partially_refunded", 900, ""),
            (second.payment, "partially_refunded", 900, note),
        ]


def test_ten_presses_on_buy_open_one_checkout(race: Race, tmp_path: object, sql: Sql) -> None:
    student, course = a_student(), a_course("Bread", price_cents=4900)
    with StripeStandIn(f"{tmp_path}/stripe") as stripe:
        press = call("tests.payments.raced:press_buy", stripe.key, stripe.url, student, course)
        outcomes = race([press] * 10)
        assert {outcome.refusal for outcome in outcomes} == {None}
        [url] = {outcome.value for outcome in outcomes}
        assert url.startswith(stripe.url)
        stripe.pay(url)
        assert len(stripe.events("checkout.session.completed")) == 1
    assert len(sql("SELECT 1 FROM payments")) == 1


@pytest.mark.parametrize(("refund", "refused"), [("of-this-form", 0), (None, 4)])
def test_five_presses_on_refund_send_the_money_back_once(
    race: Race, tmp_path: object, sql: Sql, refund: str | None, refused: int
) -> None:
    sale, admin = a_sale(), an_admin()
    with StripeStandIn(f"{tmp_path}/stripe") as stripe:
        gateway = Gateway(stripe.key, base=stripe.url)
        student, course = a_student("Grace"), a_course("Cake", price_cents=4900)
        stripe.pay(payments.buy(gateway, student, course, origin="http://localhost"))
        payments.reconcile(gateway)
        [bought] = sql("SELECT id FROM payments WHERE status = 'paid'")
        press = call(
            *("tests.payments.raced:press_refund", stripe.key, stripe.url, bought.id, admin),
            refund,
        )
        outcomes = race([press] * 5)
        named = Counter(outcome.refusal for outcome in outcomes)
        assert named == Counter({"RefundPending": refused, None: 5 - refused})
        assert len({outcome.value for outcome in outcomes if outcome.refusal is None}) == 1
        [made] = stripe.events("refund.created")
        assert made["data"]["object"]["amount"] == 1000
    assert len(sql("SELECT 1 FROM refund_requests WHERE status = 'taken'")) == 1
    assert len(sql("SELECT 1 FROM audit_entries WHERE action = 'refund.requested'")) == 1
    assert sale.payment != bought.id


def test_five_forms_of_one_payment_send_back_no_more_than_was_paid(
    race: Race, tmp_path: object, sql: Sql
) -> None:
    admin = an_admin()
    with StripeStandIn(f"{tmp_path}/stripe") as stripe:
        gateway = Gateway(stripe.key, base=stripe.url)
        student, course = a_student("Grace"), a_course("Cake", price_cents=2500)
        stripe.pay(payments.buy(gateway, student, course, origin="http://localhost"))
        payments.reconcile(gateway)
        [bought] = sql("SELECT id FROM payments")
        pressed = ("tests.payments.raced:press_refund", stripe.key, stripe.url, bought.id, admin)
        outcomes = race([call(*pressed, f"form-{number}") for number in range(5)])
        assert Counter(outcome.refusal for outcome in outcomes) == {None: 2, "Invalid": 3}
        payments.reconcile(gateway)
    assert sql("SELECT status, refunded_cents FROM payments") == [("partially_refunded", 2000)]


def test_a_purchase_that_meets_an_approval_leaves_one_enrollment_with_both_sources(
    race: Race, sql: Sql
) -> None:
    sale, admin = a_sale(), an_admin()
    request = enrollment.request_access(sale.student, sale.course).id
    race([delivery(sale.stripe.completed())] * 10 + [call("approve", request, by=admin)])
    assert len(sql("SELECT 1 FROM enrollments")) == 1
    kinds = {row.kind for row in sql("SELECT kind FROM access_sources")}
    assert kinds in ({"payment", "approval"}, {"payment"})


def test_the_last_seat_goes_to_one_and_the_other_payment_is_shown(race: Race, sql: Sql) -> None:
    first = a_sale(capacity=1)
    second = a_sale()
    sql("UPDATE payments SET course_id = :c WHERE id = :p", c=first.course, p=second.payment)
    race([delivery(first.stripe.completed()), delivery(second.stripe.completed())])
    rows = sql("SELECT status FROM payments")
    assert sorted(row.status for row in rows) == ["paid", "undeliverable"]


def test_a_refund_that_meets_an_unenrollment_ends_in_one_of_them(race: Race, sql: Sql) -> None:
    sale, admin = a_sale(), an_admin()
    race([delivery(sale.stripe.completed())] * 2)
    race(
        [
            delivery(sale.stripe.refund("created", "succeeded")),
            call("unenroll", sale.student, sale.course, by=admin),
        ]
    )
    assert sql("SELECT 1 FROM enrollments") == []
    assert [row.status for row in sql("SELECT status FROM payments")] == ["refunded"]


def test_a_course_that_is_deleted_while_it_is_paid_keeps_the_money_in_sight(
    race: Race, sql: Sql
) -> None:
    sale, admin = a_sale(), an_admin()
    race([delivery(sale.stripe.completed()), call("delete_course", sale.course, by=admin)])
    assert [row.status for row in sql("SELECT status FROM payments")] == ["undeliverable"]


def test_a_month_that_closes_amid_payments_loses_none_and_stays(race: Race, sql: Sql) -> None:
    admin, course = an_admin(), a_course("Bread", price_cents=4900)
    records = [
        call("tests.payments.raced:record_in_october", a_student(f"S{number}"), course, admin)
        for number in range(12)
    ]
    close = call("tests.payments.raced:close_october")
    outcomes = race([*records[:4], close, *records[4:8], close, *records[8:], close])
    assert {outcome.refusal for outcome in outcomes} == {None}
    recorded = {outcome.value for outcome in outcomes if isinstance(outcome.value, int)}
    printed = {outcome.value for outcome in outcomes if isinstance(outcome.value, tuple)}
    frozen, present = report(Month(2026, 10)), report(Month.of(now()))
    assert printed == {tuple(line.payment_id for line in frozen.lines)}
    late = [line.payment_id for line in present.lines if line.is_correction]
    assert sorted([*(line.payment_id for line in frozen.lines), *late]) == sorted(recorded)
    assert len(recorded) == 12
    assert (frozen.unexplained, present.unexplained) == (0, 0)


def _everything(sale: Sale) -> list[dict[str, object]]:
    refund, dispute = f"re_{sale.payment}", f"dp_{sale.payment}"
    return [
        sale.stripe.completed(paid=False),
        sale.stripe.async_succeeded(),
        sale.stripe.expired(),
        sale.stripe.refund("created", "pending", amount=900, id=refund),
        sale.stripe.refund("updated", "succeeded", amount=900, id=refund),
        sale.stripe.dispute("created", "needs_response", id=dispute),
        sale.stripe.dispute("closed", "won", id=dispute),
    ]
