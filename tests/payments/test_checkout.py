"""One checkout per student and course, whatever is pressed, changed, lost or down."""

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import current_app

from lms import enrollment, payments
from lms.demo.stripe import StripeStandIn
from lms.ledger.facts import SessionFact
from lms.payments import Gateway, checkout
from lms.payments.objects import Json, session_fact
from lms.queries import payments as queries
from lms.refusals import (
    AlreadyEnrolled,
    CourseFull,
    CourseNotFound,
    Invalid,
    PaymentInProgress,
    PaymentsUnavailable,
    Refusal,
)
from tests.builders import a_course
from tests.conftest import Sql
from tests.payments.conftest import Hear, check_invariants

ORIGIN = "http://localhost"

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No press waits for another one, since there is none."""
    monkeypatch.setattr(checkout, "_PATIENCE", timedelta(0))


@pytest.fixture
def course() -> int:
    return a_course("Bread", price_cents=4900)


def buy(gateway: Gateway | None, student: int, course: int) -> str:
    return payments.buy(gateway, student, course, origin=ORIGIN)


def test_buying_leads_to_stripe_and_paying_enrolls(
    stripe: StripeStandIn, gateway: Gateway, student: int, sql: Sql, hear: Hear
) -> None:
    course = a_course("Bread", price_cents=4900)
    url = buy(gateway, student, course)
    assert url.startswith(stripe.url)
    session = gateway.checkout(url.rpartition("/")[2]).fact
    [payment] = sql("SELECT * FROM payments")
    assert (session.amount_total, session.currency) == (4900, "eur")
    assert session.reference == payment.reference
    assert payment.stripe_session_id == session.id
    stripe.pay(url)
    assert set(hear()) == {200}
    assert sql("SELECT status FROM payments")[0].status == "paid"
    assert len(sql("SELECT 1 FROM enrollments")) == 1
    check_invariants(current_app)


def test_yen_are_sent_and_taken_without_cents(
    stripe: StripeStandIn, gateway: Gateway, student: int, sql: Sql, hear: Hear
) -> None:
    course = a_course("Sushi", price_cents=3000, currency="jpy")
    url = buy(gateway, student, course)
    assert gateway.checkout(url.rpartition("/")[2]).fact.amount_total == 3000
    stripe.pay(url)
    hear()
    [payment] = sql("SELECT * FROM payments")
    assert (payment.status, payment.amount_cents, payment.currency) == ("paid", 3000, "jpy")
    assert "¥3,000" in sql("SELECT body FROM outbox_emails")[0].body


def test_pressing_again_leads_to_the_same_checkout(
    stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    assert len({buy(gateway, student, course) for _ in range(4)}) == 1
    assert len(sql("SELECT 1 FROM payments")) == 1


def test_pressing_again_learns_what_the_webhook_has_not_told(
    stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    closed = buy(gateway, student, course)
    stripe.expire(closed)
    open_ = buy(gateway, student, course)
    assert open_ != closed
    stripe.pay(open_)
    with pytest.raises(AlreadyEnrolled):
        buy(gateway, student, course)
    rows = sql("SELECT status FROM payments ORDER BY id")
    assert [row.status for row in rows] == ["expired", "paid"]


def test_a_press_waits_for_the_address_that_another_is_asking_for(
    gateway: Gateway, student: int, course: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = checkout._begin(student, course, origin=ORIGIN, is_configured=True)
    answers = []

    def meanwhile(_seconds: float) -> None:
        answers.append(checkout._open(gateway, first))

    monkeypatch.setattr(checkout, "_PATIENCE", timedelta(seconds=60))
    monkeypatch.setattr("lms.payments.checkout.time.sleep", meanwhile)
    assert [buy(gateway, student, course)] == answers


def test_an_answer_that_repeats_nothing_of_the_question_is_understood(
    gateway: Gateway, student: int, course: int, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    def terse(data: Json, *, told_at: datetime) -> SessionFact:
        return session_fact({"id": data["id"]}, told_at=told_at)

    monkeypatch.setattr("lms.payments.gateway.session_fact", terse)
    assert buy(gateway, student, course)
    assert sql("SELECT stripe_session_id FROM payments")[0].stripe_session_id


def test_an_answer_that_was_lost_is_asked_for_again(
    gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    # The process dies after Stripe has opened the checkout and before we have written it down.
    attempt = checkout._begin(student, course, origin=ORIGIN, is_configured=True)
    opened = gateway.create_checkout(attempt.offer)
    assert sql("SELECT checkout_url FROM payments")[0].checkout_url is None
    assert buy(gateway, student, course) == opened.url
    assert len(sql("SELECT 1 FROM payments")) == 1


def test_a_payment_that_stripe_tells_before_we_wrote_it_down_is_recognized(
    *, stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql, hear: Hear
) -> None:
    attempt = checkout._begin(student, course, origin=ORIGIN, is_configured=True)
    opened = gateway.create_checkout(attempt.offer)
    stripe.pay(str(opened.url))
    hear()
    assert sql("SELECT status FROM payments")[0].status == "paid"
    with pytest.raises(AlreadyEnrolled):
        buy(gateway, student, course)


def test_a_changed_price_closes_the_old_checkout_first(
    stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    old = buy(gateway, student, course)
    sql("UPDATE courses SET price_cents = 5900")
    new = buy(gateway, student, course)
    assert new != old
    assert gateway.checkout(old.rpartition("/")[2]).fact.state == "expired"
    assert gateway.checkout(new.rpartition("/")[2]).fact.amount_total == 5900
    rows = sql("SELECT status, amount_cents FROM payments ORDER BY id")
    assert [tuple(row) for row in rows] == [("expired", 4900), ("pending", 5900)]


@pytest.mark.parametrize("became", ["owned", "free"])
def test_the_checkout_of_what_became_owned_or_free_is_closed(
    *, stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql, became: str
) -> None:
    url = buy(gateway, student, course)
    if became == "owned":
        enrollment.enroll(student, course, by=None)
    else:
        sql("UPDATE courses SET price_cents = 0")
    with pytest.raises(AlreadyEnrolled if became == "owned" else Invalid):
        buy(gateway, student, course)
    assert gateway.checkout(url.rpartition("/")[2]).fact.state == "expired"
    assert sql("SELECT status FROM payments")[0].status == "expired"


def test_a_changed_price_tolerates_that_the_old_checkout_is_closed(
    stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    stripe.expire(buy(gateway, student, course))
    sql("UPDATE courses SET price_cents = 5900")
    assert buy(gateway, student, course)
    assert [row.status for row in sql("SELECT status FROM payments ORDER BY id")] == [
        "expired",
        "pending",
    ]


def test_a_changed_price_is_too_late_for_who_has_paid(
    stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    stripe.pay(buy(gateway, student, course))
    sql("UPDATE courses SET price_cents = 5900")
    with pytest.raises(AlreadyEnrolled):
        buy(gateway, student, course)
    assert [row.status for row in sql("SELECT status FROM payments")] == ["paid"]


def test_a_checkout_that_ran_out_is_followed_by_a_new_one(
    stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    old = buy(gateway, student, course)
    stripe.expire(old)
    past = (datetime.now(UTC) - timedelta(minutes=1)).replace(tzinfo=None).isoformat(" ")
    sql("UPDATE payments SET session_expires_at = :past", past=past)
    assert buy(gateway, student, course) != old


def test_a_checkout_that_stripe_does_not_know_any_more_is_followed_by_a_new_one(
    gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    buy(gateway, student, course)
    sql("UPDATE payments SET stripe_session_id = 'cs_test_of_another_account'")
    sql("UPDATE courses SET price_cents = 5900")
    assert buy(gateway, student, course)


def test_an_attempt_that_was_never_opened_and_has_no_time_left_is_given_up(
    gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    checkout._begin(student, course, origin=ORIGIN, is_configured=True)
    soon = (datetime.now(UTC) + timedelta(minutes=20)).replace(tzinfo=None, microsecond=0)
    sql("UPDATE payments SET session_expires_at = :soon", soon=soon.isoformat(" "))
    assert buy(gateway, student, course)
    assert [row.status for row in sql("SELECT status FROM payments ORDER BY id")] == [
        "expired",
        "pending",
    ]


def test_what_is_owned_free_hidden_or_full_is_never_charged(
    gateway: Gateway, student: int, sql: Sql
) -> None:
    owned = a_course("Owned", price_cents=100)
    enrollment.enroll(student, owned, by=None)
    full = a_course("Full", price_cents=100, capacity=0)
    cases: list[tuple[int, type[Refusal]]] = [
        (owned, AlreadyEnrolled),
        (a_course("Free"), Invalid),
        (a_course("Draft", price_cents=100, status="draft"), CourseNotFound),
        (full, CourseFull),
        (999_999, CourseNotFound),
    ]
    for course, refusal in cases:
        with pytest.raises(refusal):
            buy(gateway, student, course)
    assert sql("SELECT 1 FROM payments") == []


def test_a_second_checkout_waits_while_the_bank_processes_the_first(
    *, stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql, hear: Hear
) -> None:
    url = buy(gateway, student, course)
    stripe.pay_later(url)
    hear()
    with pytest.raises(PaymentInProgress):
        buy(gateway, student, course)
    stripe.settle(url, succeeds=False)
    hear()
    assert buy(gateway, student, course) != url


def test_without_a_key_nothing_is_begun(student: int, course: int, sql: Sql) -> None:
    with pytest.raises(PaymentsUnavailable):
        buy(None, student, course)
    assert sql("SELECT 1 FROM payments") == []


def test_stripe_being_down_loses_nothing(
    gateway: Gateway, student: int, course: int, sql: Sql
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        down = Gateway("sk_test_x", base=f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(PaymentsUnavailable, match="You weren't charged"):
            buy(down, student, course)
    [before] = sql("SELECT id, reference, status FROM payments")
    assert before.status == "pending"
    assert buy(gateway, student, course)
    [after] = sql("SELECT id, reference FROM payments")
    assert tuple(after) == (before.id, before.reference)


@pytest.mark.parametrize("answer", [(200, "[]"), (200, "null"), (400, "{}"), (409, "{}")])
def test_an_odd_answer_is_no_failure_of_ours(
    *,
    gateway: Gateway,
    student: int,
    course: int,
    sql: Sql,
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[int, str],
) -> None:
    buy(gateway, student, course)
    sql("UPDATE courses SET price_cents = 5900")
    monkeypatch.setattr(checkout, "_PAUSE_SECONDS", 0)
    status, body = answer
    with monkeypatch.context() as odd:
        odd.setattr("stripe.RequestsClient.request", lambda *_, **__: (body, status, {}))
        with pytest.raises(PaymentsUnavailable):
            buy(gateway.without_retries, student, course)
    assert buy(gateway, student, course)


def test_a_wrong_key_is_not_told_to_anybody(
    stripe: StripeStandIn, student: int, course: int
) -> None:
    wrong = Gateway("sk_test_wrong_and_secret", base=stripe.url)
    with pytest.raises(PaymentsUnavailable) as refused:
        buy(wrong, student, course)
    assert "secret" not in f"{refused.value!r} {refused.value.detail} {refused.value.__context__}"


def test_what_stripe_declines_is_said_and_stands_where_the_school_can_mend_it(
    gateway: Gateway, student: int, sql: Sql
) -> None:
    course = a_course("Moon", price_cents=4900)
    sql("UPDATE courses SET currency = 'xyz'")
    for _ in range(2):
        with pytest.raises(PaymentsUnavailable, match="refused"):
            buy(gateway, student, course)
    refused = sql("SELECT id, status, refusal, attention FROM payments ORDER BY id")
    assert {(row.status, row.refusal) for row in refused} == {("expired", "Invalid currency: xyz.")}
    attention = (
        "Stripe refused to sell this course: Invalid currency: xyz. Correct the course's price or"
        " currency, or whatever else Stripe names. Until then, nobody can buy the course."
    )
    assert {row.attention for row in refused} == {attention}
    newest = queries.refusal(course, 4900, "xyz")
    assert newest == queries.Refused(id=refused[-1].id, attention=attention)
    assert not payments.settle_payment(newest.id)  # no other look at it changes its mind
    assert queries.refusal(course, 5900, "xyz") is None
    sql("UPDATE courses SET currency = 'eur'")
    assert buy(gateway, student, course)
    assert {row.attention for row in sql("SELECT attention FROM payments")} == {""}


def test_an_attempt_without_a_reference_is_given_up_for_one_that_stripe_can_name(
    *, stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql, hear: Hear
) -> None:
    """Of its checkout, Stripe would tell of money that is nobody's here."""
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents, session_expires_at)"
        " VALUES (:student, :course, 4900, '2099-01-01 00:00:00.000000')",
        student=student,
        course=course,
    )
    stripe.pay(buy(gateway, student, course))
    hear()
    assert [row.status for row in sql("SELECT status FROM payments ORDER BY id")] == [
        "expired",
        "paid",
    ]


def test_an_address_that_stripe_takes_for_none_is_left_out_and_asked_for(
    *, stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql, hear: Hear
) -> None:
    sql("UPDATE users SET email = 'kim@gmail'")
    url = buy(gateway, student, course)
    opened = stripe_session(gateway, url)
    assert opened["customer_email"] is None
    asks = (
        "The payment service doesn't accept your account's e-mail address. At checkout, enter"
        " another one that you use."
    )
    assert opened["custom_text"]["submit"]["message"] == asks
    assert queries.checkout_note(student, course) == asks
    assert buy(gateway, student, course) == url
    stripe.pay(url)
    hear()
    [paid] = sql("SELECT status, user_email, email_refused_at FROM payments")
    assert (paid.status, paid.user_email) == ("paid", "kim@gmail")
    assert paid.email_refused_at is not None


def test_after_a_crash_the_checkout_without_an_address_is_the_same(
    gateway: Gateway, student: int, course: int, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql("UPDATE users SET email = 'kim@gmail'")
    with monkeypatch.context() as dying:
        dying.setattr(checkout, "_write_address", None)
        with pytest.raises(TypeError):
            buy(gateway, student, course)
    assert buy(gateway, student, course)
    assert len(gateway._client.checkout.sessions.list().data) == 1


def test_while_an_earlier_payment_is_disputed_a_second_one_says_so_and_is_possible(
    *, stripe: StripeStandIn, gateway: Gateway, student: int, course: int, sql: Sql, hear: Hear
) -> None:
    stripe.pay(buy(gateway, student, course))
    hear()
    [paid] = sql("SELECT stripe_payment_intent_id FROM payments")
    stripe.open_dispute(paid.stripe_payment_intent_id)
    hear()
    url = buy(gateway, student, course)
    said = queries.checkout_note(student, course)
    assert "is disputing your earlier payment" in said
    assert "refund one of the two payments" in said
    assert stripe_session(gateway, url)["custom_text"]["submit"]["message"] == said


def stripe_session(gateway: Gateway, url: str) -> Any:
    """Return the checkout at an address, as Stripe has it."""
    return gateway._client.checkout.sessions.retrieve(url.rpartition("/")[2]).to_dict()
