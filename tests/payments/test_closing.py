"""Open checkouts of whoever can't have the course any more are closed; late money is reviewed."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask, current_app

from lms import enrollment, payments, worker
from lms.db import now
from lms.demo.stripe import StripeStandIn
from lms.enrollment import CourseFields
from lms.ledger.payments import ACCOUNT_GONE, ACCOUNT_LOCKED, COURSE_GONE
from lms.ledger.projection import SALE_ENDED
from lms.payments import Gateway
from lms.refusals import PaymentsUnavailable
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.payments.conftest import Hear, check_invariants

pytestmark = pytest.mark.usefixtures("context")
End = Callable[[int, int], None]
SOLD = CourseFields(title="Bread", status="published", price_cents=4900)


def archive(_student: int, course: int) -> None:
    enrollment.archive_course(course, by=None)


def unpublish(_student: int, course: int) -> None:
    enrollment.edit_course(course, CourseFields(title="Bread", price_cents=4900), by=None)


def make_free(_student: int, course: int) -> None:
    enrollment.edit_course(course, CourseFields(title="Bread", status="published"), by=None)


def delete_course(_student: int, course: int) -> None:
    enrollment.delete_course(course, by=None)


def deactivate(student: int, _course: int) -> None:
    enrollment.deactivate_user(student, by=None)


def delete_student(student: int, _course: int) -> None:
    enrollment.delete_user(student, by=None)


def require_approval(_student: int, course: int) -> None:
    enrollment.edit_course(course, replace(SOLD, requires_approval=True), by=None)


def change_price(_student: int, course: int) -> None:
    enrollment.edit_course(course, replace(SOLD, price_cents=5900), by=None)


def change_currency(_student: int, course: int) -> None:
    enrollment.edit_course(course, replace(SOLD, currency="usd"), by=None)


def enroll(student: int, course: int) -> None:
    enrollment.enroll(student, course, by=None)


def open_to_all(_student: int, course: int) -> None:
    enrollment.edit_course(course, replace(SOLD, is_default_unlocked=True), by=None)


def record_cash(student: int, course: int) -> None:
    cash = payments.ManualPayment(student, course, 4900, "eur", "cash", "till 7")
    payments.record_payment(cash, by=an_admin())


def record_cash_for_a_full_course(student: int, course: int) -> None:
    enrollment.edit_course(course, replace(SOLD, capacity=0), by=None)
    record_cash(student, course)


ENDS: dict[End, tuple[str, str]] = {
    archive: ("needs_review", SALE_ENDED["off_sale"]),
    unpublish: ("needs_review", SALE_ENDED["off_sale"]),
    make_free: ("needs_review", SALE_ENDED["off_sale"]),
    delete_course: ("undeliverable", COURSE_GONE),
    deactivate: ("undeliverable", ACCOUNT_LOCKED),
    delete_student: ("undeliverable", ACCOUNT_GONE),
    require_approval: ("needs_review", SALE_ENDED["approval"]),
    change_price: ("needs_review", SALE_ENDED["price"]),
    change_currency: ("needs_review", SALE_ENDED["price"]),
    enroll: ("needs_review", SALE_ENDED["enrolled"]),
    open_to_all: ("needs_review", SALE_ENDED["enrolled"]),
    record_cash: ("needs_review", SALE_ENDED["paid"]),
    record_cash_for_a_full_course: ("needs_review", SALE_ENDED["paid"]),
}


@pytest.fixture
def course() -> int:
    return a_course("Bread", price_cents=4900)


def buy(gateway: Gateway, student: int, course: int) -> str:
    return payments.buy(gateway, student, course, origin="http://localhost")


def state_of(gateway: Gateway, url: str) -> str:
    return gateway.checkout(url.rpartition("/")[2]).fact.state


def test_what_ends_a_sale_closes_its_open_checkout_and_no_other(
    stripe: StripeStandIn, gateway: Gateway, sql: Sql
) -> None:
    other = buy(gateway, a_student("Bob"), a_course("Butter", price_cents=4900))
    for number, end in enumerate(ENDS):
        student, course = a_student(), a_course("Bread", price_cents=4900)
        url = buy(gateway, student, course)
        assert payments.close_checkouts(gateway) == 0, end
        end(student, course)
        assert payments.close_checkouts(gateway) == 1, end
        assert (state_of(gateway, url), state_of(gateway, other)) == ("expired", "open"), end
        [latest] = sql(
            "SELECT status FROM payments WHERE method = 'stripe' ORDER BY id DESC LIMIT 1"
        )
        assert latest.status == "expired", end
        assert payments.close_checkouts(gateway) == 0, end
        assert len(stripe.events("checkout.session.expired")) == number + 1, end


@pytest.mark.parametrize("is_told_by", ["the webhook", "closing"])
def test_money_that_comes_all_the_same_is_shown_to_the_admins_and_its_student(
    stripe: StripeStandIn, gateway: Gateway, sql: Sql, hear: Hear, is_told_by: str
) -> None:
    for end, expected in ENDS.items():
        student, course = a_student(), a_course("Bread", price_cents=4900)
        url = buy(gateway, student, course)
        end(student, course)
        stripe.pay(url)
        assert set(hear()) == {200} if is_told_by == "the webhook" else True
        payments.close_checkouts(gateway)
        hear()
        [paid] = sql(
            "SELECT id, status, attention FROM payments WHERE method = 'stripe'"
            " ORDER BY id DESC LIMIT 1"
        )
        assert (paid.status, paid.attention) == expected, end
        given = "SELECT 1 FROM access_sources WHERE kind = 'payment' AND reference = :id"
        assert sql(given, id=paid.id) == [], end
        key = f"payment-{paid.id}-%"
        [email] = sql("SELECT subject FROM outbox_emails WHERE key LIKE :key", key=key)
        assert "We're reviewing your payment for Bread" in email.subject, end
    check_invariants(current_app)


def test_money_ordered_before_the_sale_ended_is_reviewed_when_it_comes(
    *, stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql, hear: Hear
) -> None:
    url = buy(gateway, student, course)
    stripe.pay_later(url)
    hear()
    archive(student, course)
    assert payments.close_checkouts(gateway) == 0
    stripe.settle(url, succeeds=True)
    hear()
    assert sql("SELECT status FROM payments") == [("needs_review",)]
    enrollment.enroll(student, course, by=None)
    [paid] = sql("SELECT status, attention, sale_ended_at FROM payments")
    assert tuple(paid) == ("paid", "", None)
    check_invariants(current_app)


def test_what_was_bought_before_the_end_of_the_sale_or_the_account_stays_so(
    *, stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql, hear: Hear
) -> None:
    stripe.pay(buy(gateway, student, course))
    hear()
    archive(student, course)
    deactivate(student, course)
    [payment] = sql("SELECT id FROM payments")
    assert not payments.settle_payment(payment.id)
    assert sql("SELECT status, attention FROM payments") == [("paid", "")]
    assert len(sql("SELECT 1 FROM enrollments")) == 1


def test_reactivated_the_student_gets_what_was_paid_meanwhile(
    *, stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql, hear: Hear
) -> None:
    url = buy(gateway, student, course)
    deactivate(student, course)
    stripe.pay(url)
    hear()
    assert sql("SELECT status FROM payments") == [("undeliverable",)]
    enrollment.reactivate_user(student, by=None)
    payments.reconcile(gateway)
    assert sql("SELECT status, attention FROM payments") == [("paid", "")]
    check_invariants(current_app)


def test_a_course_that_is_on_sale_again_is_bought_by_a_new_checkout(
    gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    closed = buy(gateway, student, course)
    archive(student, course)
    enrollment.edit_course(course, SOLD, by=None)
    assert buy(gateway, student, course) != closed
    assert state_of(gateway, closed) == "expired"
    rows = sql("SELECT status, sale_ended_at IS NULL AS is_on_sale FROM payments ORDER BY id")
    assert [tuple(row) for row in rows] == [("expired", False), ("pending", True)]


def test_what_is_edited_and_stays_on_sale_ends_nothing(
    gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    buy(gateway, student, course)
    enrollment.edit_course(course, replace(SOLD, title="Loaf"), by=None)
    assert payments.close_checkouts(gateway) == 0
    assert sql("SELECT status, sale_ended_at FROM payments") == [("pending", None)]


def test_the_worker_closes_what_is_due(
    *, selling: Flask, gateway: Gateway, student: int, course: int
) -> None:
    url = buy(gateway, student, course)
    archive(student, course)
    queue = worker.queue_of(selling)
    try:
        worker._add_rounds(selling, queue)
        [closing] = [task for task in queue._registry.periodic_tasks if task.name == "close"]
        assert closing.validate_datetime(now())
        queue.execute(closing)
    finally:
        queue.storage.close()
    assert state_of(gateway, url) == "expired"


def test_while_stripe_is_down_nothing_is_forgotten(
    gateway: Gateway, student: int, course: int, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [buy(gateway, each, course) for each in (student, a_student("Bob"))]
    archive(student, course)
    asked = []

    def down(*_: object, **__: object) -> None:
        asked.append(1)
        raise PaymentsUnavailable

    with monkeypatch.context() as away:
        away.setattr("stripe.RequestsClient.request", down)
        assert payments.close_checkouts(gateway) == 0
    assert len(asked) == 1
    assert payments.close_checkouts(gateway) == 2
    assert [state_of(gateway, url) for url in urls] == ["expired", "expired"]
