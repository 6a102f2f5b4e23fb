"""Access stays while enough of the money is kept, whoever took the rest."""

from collections.abc import Callable

import pytest
from flask import Flask, current_app

from lms import payments, sync
from lms.demo.stripe import StripeStandIn
from lms.payments import Gateway
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.payments.conftest import Hear, check_invariants

pytestmark = pytest.mark.usefixtures("context")

Take = Callable[[int], None]


@pytest.fixture
def intent(stripe: StripeStandIn, gateway: Gateway, hear: Hear, sql: Sql) -> str:
    """A payment of €49.00 that has arrived."""
    course = a_course("Bread", price_cents=4900)
    stripe.pay(payments.buy(gateway, a_student(), course, origin="http://localhost"))
    hear()
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    return str(payment.intent)


@pytest.fixture(params=["refund", "dispute"])
def take(request: pytest.FixtureRequest, stripe: StripeStandIn, intent: str, hear: Hear) -> Take:
    """Take a part of the money away, by a refund or by a dispute that is lost."""

    def taken(amount: int) -> None:
        if request.param == "refund":
            stripe.refund(intent, amount)
        else:
            opened = stripe.open_dispute(intent, amount=amount)
            stripe.close_dispute(opened["id"], ending="lost")
        hear()

    return taken


def state(sql: Sql) -> tuple[str, int, int]:
    """Return the status, what is gone, and how many are enrolled."""
    [payment] = sql("SELECT status, refunded_cents + lost_cents AS gone FROM payments")
    return payment.status, payment.gone, len(sql("SELECT 1 FROM enrollments"))


def test_a_part_that_is_gone_keeps_access(take: Take, sql: Sql) -> None:
    take(1000)
    assert state(sql) == ("partially_refunded", 1000, 1)
    check_invariants(current_app)


def test_all_that_is_gone_ends_access(take: Take, sql: Sql) -> None:
    take(4900)
    assert state(sql)[1:] == (4900, 0)
    check_invariants(current_app)


def test_what_is_refunded_and_what_is_lost_add_up(
    stripe: StripeStandIn, intent: str, hear: Hear, sql: Sql
) -> None:
    stripe.refund(intent, 3900)
    hear()
    assert state(sql) == ("partially_refunded", 3900, 1)
    dispute = stripe.open_dispute(intent, amount=1000)
    stripe.close_dispute(dispute["id"], ending="lost")
    hear()
    assert state(sql) == ("dispute_lost", 4900, 0)
    assert sql("SELECT refunded_cents, lost_cents FROM payments") == [(3900, 1000)]


def test_while_a_dispute_of_a_part_runs_access_is_suspended(
    stripe: StripeStandIn, intent: str, hear: Hear, sql: Sql
) -> None:
    dispute = stripe.open_dispute(intent, amount=1000)
    hear()
    assert state(sql) == ("disputed", 0, 0)
    stripe.close_dispute(dispute["id"], ending="lost")
    hear()
    assert state(sql) == ("partially_refunded", 1000, 1)
    titles = [row.title for row in sql("SELECT title FROM notices ORDER BY id")]
    assert titles[-1] == "Your payment for Bread was partially reversed"
    [notice] = sql("SELECT text FROM notices WHERE title LIKE '%reversed'")
    assert "returned €10.00 of the €49.00 you paid." in notice.text
    assert "has ended" not in notice.text


@pytest.mark.parametrize(("amount", "stays"), [(2450, True), (2451, False)])
def test_the_school_sets_how_much_has_to_be_kept(
    *, context: Flask, take: Take, sql: Sql, amount: int, stays: bool
) -> None:
    context.config["LMS_KEPT_PERCENT"] = 50
    take(amount)
    status, _, enrolled = state(sql)
    assert (status, enrolled) == (("partially_refunded", 1) if stays else ("needs_review", 0))
    [payment] = sql("SELECT attention FROM payments")
    said = "€24.49 of €49.00, and access needs 50%. Enroll the student, or refund the rest."
    said = "" if stays else said
    assert payment.attention.endswith(said)
    [notice] = sql("SELECT text FROM notices ORDER BY id DESC LIMIT 1")
    assert stays or "€24.51 of the €49.00 you paid was returned to you." in notice.text
    check_invariants(context)


def test_what_the_school_sets_later_counts_once_it_is_checked(
    context: Flask, take: Take, sql: Sql
) -> None:
    take(3000)
    assert state(sql) == ("partially_refunded", 3000, 1)
    context.config["LMS_KEPT_PERCENT"] = 50
    sync.auto_fix(by=None)
    assert state(sql) == ("needs_review", 3000, 0)
    context.config["LMS_KEPT_PERCENT"] = 38
    sync.auto_fix(by=None)
    assert state(sql) == ("partially_refunded", 3000, 1)
    assert sync.validate().total == 0


def test_a_row_that_knows_less_of_what_is_gone_is_behind(take: Take, sql: Sql) -> None:
    take(1000)
    sql("UPDATE payments SET status = 'paid', refunded_cents = 0, lost_cents = 0")
    [check] = [each for each in sync.validate().checks if each.kind == "payment_behind_stripe"]
    assert check.count == 1
    sync.auto_fix(by=None)
    assert state(sql) == ("partially_refunded", 1000, 1)
    assert sync.validate().total == 0


def test_a_large_amount_is_judged_as_any_other(context: Flask, student: int, sql: Sql) -> None:
    """A hundred times it is more than 32 bits hold, as the column has them on PostgreSQL."""
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents, refunded_cents, status)"
        " VALUES (:student, :course, 99999999, 50000000, 'partially_refunded')",
        student=student,
        course=a_course("Bread", price_cents=99_999_999),
    )
    context.config["LMS_KEPT_PERCENT"] = 50
    sync.auto_fix(by=None)
    assert state(sql)[0] == "needs_review"
