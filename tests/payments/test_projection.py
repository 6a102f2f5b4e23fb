"""All orders in which a purchase can be told, with repetitions, amount to the same."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.ledger.facts import (
    DisputeFact,
    RefundFact,
    SessionFact,
    merge_disputes,
    merge_refunds,
    merge_sessions,
)
from lms.ledger.projection import Projection, Snapshot, project
from lms.payments.events import read_event
from tests.payments.stripe_events import Purchase, tersely

P = Purchase()
PAID_AT_ONCE = P.completed()
PENDING_BANK, BANK_PAID, BANK_REFUSED = (
    P.completed(paid=False),
    P.async_succeeded(),
    P.async_failed(),
)
EXPIRED = P.expired()
REFUNDING, REFUNDED, REFUND_FAILED = (
    P.refund("created", "pending"),
    P.refund("updated", "succeeded"),
    P.refund("failed", "failed"),
)
PART = P.refund("created", "succeeded", amount=1000, id="re_2")
REST = P.refund("created", "succeeded", amount=3900, id="re_3")
INQUIRY, INQUIRY_CLOSED = (
    P.dispute("created", "warning_needs_response", id="dp_2"),
    P.dispute("closed", "warning_closed", id="dp_2"),
)
DISPUTED, ANSWERED, WITHDRAWN = (
    P.dispute("created", "needs_response"),
    P.dispute("updated", "under_review"),
    P.dispute("funds_withdrawn", "needs_response"),
)
WON, LOST, REINSTATED = (
    P.dispute("closed", "won"),
    P.dispute("closed", "lost"),
    P.dispute("funds_reinstated", "won"),
)
WRONG_AMOUNT, WRONG_CURRENCY = P.of(amount=1).completed(), P.of(currency="usd").completed()

PURCHASES: dict[str, tuple[list[dict[str, Any]], str, int]] = {
    "paid": ([PAID_AT_ONCE], "paid", 0),
    "expired": ([EXPIRED], "expired", 0),
    "expired, yet paid": ([PAID_AT_ONCE, EXPIRED], "paid", 0),
    "bank pending": ([PENDING_BANK], "processing", 0),
    "bank paid": ([PENDING_BANK, BANK_PAID, EXPIRED], "paid", 0),
    "bank refused": ([PENDING_BANK, BANK_REFUSED], "failed", 0),
    "bank refused, expired": ([PENDING_BANK, BANK_REFUSED, EXPIRED], "failed", 0),
    "refunded": ([PENDING_BANK, BANK_PAID, REFUNDING, REFUNDED], "refunded", 4900),
    "refund under way": ([PAID_AT_ONCE, REFUNDING], "paid", 0),
    "refund failed": ([PAID_AT_ONCE, REFUNDING, REFUNDED, REFUND_FAILED], "paid", 0),
    "part refunded": ([PENDING_BANK, BANK_PAID, PART], "partially_refunded", 1000),
    "part and rest": ([PAID_AT_ONCE, PART, REST, EXPIRED], "refunded", 4900),
    "part, and one that failed": (
        [PAID_AT_ONCE, PART, REFUNDING, REFUND_FAILED],
        "partially_refunded",
        1000,
    ),
    "inquiry": ([PAID_AT_ONCE, INQUIRY], "paid", 0),
    "inquiry closed": ([PAID_AT_ONCE, INQUIRY, INQUIRY_CLOSED], "paid", 0),
    "disputed": ([PENDING_BANK, BANK_PAID, DISPUTED, ANSWERED, WITHDRAWN], "disputed", 0),
    "dispute lost": ([PAID_AT_ONCE, DISPUTED, WITHDRAWN, ANSWERED, LOST], "dispute_lost", 0),
    "dispute won": ([PAID_AT_ONCE, DISPUTED, WITHDRAWN, ANSWERED, WON, REINSTATED], "paid", 0),
    "part refunded, dispute won": (
        [PAID_AT_ONCE, PART, DISPUTED, WON, REINSTATED],
        "partially_refunded",
        1000,
    ),
    "refunded, dispute lost": ([PAID_AT_ONCE, REFUNDED, DISPUTED, LOST], "dispute_lost", 4900),
    "everything, and won": (
        [PENDING_BANK, BANK_PAID, EXPIRED, REFUNDING, REFUND_FAILED, DISPUTED, WON],
        "paid",
        0,
    ),
    "everything, and refunded": (
        [PENDING_BANK, BANK_PAID, EXPIRED, REFUNDING, REFUNDED, DISPUTED, WON],
        "refunded",
        4900,
    ),
    "told tersely": (
        [
            tersely(PENDING_BANK, "payment_status", "client_reference_id"),
            tersely(BANK_PAID, "payment_intent", "amount_total", "currency"),
            tersely(EXPIRED),
            REFUNDING,
            tersely(REFUNDED, "status"),
        ],
        "refunded",
        4900,
    ),
    "failures told tersely": (
        [PAID_AT_ONCE, REFUNDED, tersely(REFUND_FAILED), tersely(DISPUTED, "status"), WON],
        "paid",
        0,
    ),
    "bank refused, told tersely": ([PENDING_BANK, tersely(BANK_REFUSED)], "failed", 0),
    "wrong amount": ([WRONG_AMOUNT], "needs_review", 0),
    "wrong currency": ([WRONG_CURRENCY], "needs_review", 0),
}


class Ledger:
    """Stripe's facts as the tables hold them, and what they amount to after each telling."""

    def __init__(self, **snapshot: Any) -> None:
        self.snapshot = {"amount_cents": 4900, "currency": "eur", **snapshot}
        self.sessions: dict[str, SessionFact] = {}
        self.refunds: dict[str, RefundFact] = {}
        self.disputes: dict[str, DisputeFact] = {}
        self.result = Projection("pending")

    def tell(self, events: Sequence[dict[str, Any]]) -> Projection:
        for event in events:
            self._merge(read_event(event).fact)
            # What is decided is recorded, and recorded is where the next decision begins.
            recorded = Snapshot(
                **self.snapshot, status=self.result.status, paid_at=self.result.paid_at
            )
            self.result = project(
                recorded,
                list(self.sessions.values()),
                list(self.refunds.values()),
                list(self.disputes.values()),
            )
        return self.result

    def _merge(self, fact: object) -> None:
        match fact:
            case SessionFact():
                known = self.sessions.get(fact.id, fact)
                self.sessions[fact.id] = merge_sessions(known, fact)
            case RefundFact():
                self.refunds[fact.id] = merge_refunds(self.refunds.get(fact.id, fact), fact)
            case DisputeFact():
                self.disputes[fact.id] = merge_disputes(self.disputes.get(fact.id, fact), fact)


@pytest.mark.parametrize("name", PURCHASES)
def test_every_order_of_a_purchase_amounts_to_the_same(name: str) -> None:
    events, status, refunded = PURCHASES[name]
    results = {Ledger().tell(order) for order in permutations(events)}
    assert len(results) == 1
    assert (next(iter(results)).status, next(iter(results)).refunded_cents) == (status, refunded)


@given(st.data())
def test_repetitions_in_any_order_change_nothing(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(PURCHASES)))
    events, status, refunded = PURCHASES[name]
    told = data.draw(st.permutations(events * 3))
    result = Ledger().tell(told)
    assert (result.status, result.refunded_cents) == (status, refunded)


@given(st.data())
def test_access_is_given_exactly_by_money_that_we_keep(data: st.DataObject) -> None:
    right = [events for name, (events, _, _) in PURCHASES.items() if "wrong" not in name]
    told = data.draw(st.lists(st.sampled_from([event for events in right for event in events])))
    ledger = Ledger()
    result = ledger.tell(told)
    kept = (
        any(fact.state == "paid" for fact in ledger.sessions.values())
        and sum(f.amount for f in ledger.refunds.values() if f.status == "succeeded") < 4900
        and not {f.status for f in ledger.disputes.values()}
        & {"needs_response", "under_review", "lost"}
    )
    assert result.gives_access == kept


def test_an_appeal_after_a_loss_can_be_lost_again_or_won() -> None:
    appealed = P.dispute("updated", "appeal_under_review")
    lost_again, won = P.dispute("closed", "lost"), P.dispute("closed", "won")
    for order in permutations([PAID_AT_ONCE, LOST, appealed]):
        assert Ledger().tell(order).status == "disputed"
    for order in permutations([PAID_AT_ONCE, LOST, appealed, lost_again]):
        assert Ledger().tell(order).status == "dispute_lost"
    for order in permutations([PAID_AT_ONCE, LOST, appealed, won]):
        assert Ledger().tell(order).status == "paid"


def test_an_inquiry_is_shown_and_suspends_nothing() -> None:
    result = Ledger().tell([PAID_AT_ONCE, INQUIRY])
    assert result.gives_access
    assert "bank has opened an inquiry" in result.attention
    assert Ledger().tell([PAID_AT_ONCE, INQUIRY, INQUIRY_CLOSED]).attention == ""


def test_a_difference_is_told_in_the_currency_that_was_taken() -> None:
    yen = Purchase(amount=300, currency="jpy").completed()
    result = Ledger(amount_cents=3000, currency="jpy").tell([yen])
    assert result.attention == "Stripe charged ¥300 instead of ¥3,000."
    assert not result.gives_access


def test_a_full_refund_of_a_wrong_amount_settles_it() -> None:
    wrong = P.of(amount=100)
    result = Ledger().tell([wrong.completed(), wrong.refund("created", "succeeded")])
    assert (result.status, result.refunded_cents) == ("refunded", 100)


def test_money_kept_for_an_access_that_an_admin_ended_needs_review_until_refunded() -> None:
    ledger = Ledger(access_ended_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert ledger.tell([PAID_AT_ONCE]).status == "needs_review"
    assert ledger.tell([PART]).status == "needs_review"
    assert ledger.tell([REST]).status == "refunded"


def test_an_imported_payment_without_a_session_stays_what_was_recorded() -> None:
    for status in ("pending", "processing", "failed", "expired", "paid"):
        assert project(Snapshot(4900, "eur", status), []).status == status
    refund = read_event(REFUNDED).fact
    assert isinstance(refund, RefundFact)
    assert project(Snapshot(4900, "eur", "paid"), [], [refund]).status == "refunded"


def test_a_refund_of_an_imported_payment_that_fails_in_the_end_is_none() -> None:
    failed = read_event(REFUND_FAILED).fact
    assert isinstance(failed, RefundFact)
    result = project(Snapshot(4900, "eur", "refunded", refunded_cents=4900), [], [failed])
    assert (result.status, result.refunded_cents) == ("paid", 0)


def test_what_an_old_school_had_refunded_outlasts_a_smaller_refund_that_failed() -> None:
    failed = read_event(P.refund("failed", "failed", amount=300)).fact
    assert isinstance(failed, RefundFact)
    old = Snapshot(4900, "eur", "partially_refunded", refunded_cents=900)
    result = project(old, [], [failed])
    assert (result.status, result.refunded_cents) == ("partially_refunded", 900)
