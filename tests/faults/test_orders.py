"""Whatever order Stripe tells in, how often, and whatever crashes between: it comes to the same.

In the pure projection this is shown for all orders with any repetitions, without trying each: after
every set of events there is one state, however it was reached, and telling one of them again
changes nothing. Through the inbox, on both engines, for some, with crashes at random statements.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sql_events
from sqlalchemy.engine import Engine

from lms.ledger.facts import (
    DisputeFact,
    Fact,
    RefundFact,
    SessionFact,
    merge_disputes,
    merge_refunds,
    merge_sessions,
)
from lms.ledger.payment_pairs import with_notes
from lms.ledger.projection import Projection, Snapshot, project
from lms.payments.events import read_event
from tests.conftest import Sql
from tests.faults.profile import NIGHTLY
from tests.payments.conftest import (  # noqa: F401 - fixtures
    Sale,
    Tell,
    check_invariants,
    client,
    selling,
    tell,
    two_purchases,
)
from tests.payments.stripe_events import Purchase, body_of, signed

Told = tuple[int, dict[str, Any]]
"""Of which payment an event tells, the first or the second, and the event."""
MERGED: dict[type[Any], Any] = {
    SessionFact: merge_sessions,
    RefundFact: merge_refunds,
    DisputeFact: merge_disputes,
}
SAMPLES = 150 if NIGHTLY else 6


@dataclass(frozen=True)
class Known:
    """What is known of a payment: the facts by their ids, and what they have come to."""

    facts: frozenset[Fact] = frozenset()
    result: Projection = field(default_factory=lambda: Projection("pending"))

    def told(self, fact: Fact) -> "Known":
        """Return what is known once this is told, too."""
        same = {each for each in self.facts if each.id == fact.id}
        merged = fact
        for known in same:
            merged = MERGED[type(fact)](known, merged)
        facts = self.facts - same | {merged}
        by_kind = {kind: [each for each in facts if isinstance(each, kind)] for kind in MERGED}
        recorded = Snapshot(
            *(4900, "eur", self.result.status, self.result.refunded_cents),
            lost_cents=self.result.lost_cents,
            paid_at=self.result.paid_at,
        )
        return Known(facts, project(recorded, *by_kind.values()))


School = dict[int, Known]


def after(school: School, number: int, fact: Fact) -> School:
    """Return what is known of all payments of a pair once one of them is told of."""
    now = school | {number: school[number].told(fact)}
    results = with_notes({each: known.result for each, known in now.items()})
    return {each: replace(known, result=results[each]) for each, known in now.items()}


def everything(purchase: Purchase, *, ending: str) -> list[dict[str, Any]]:
    """Return all that can happen to a purchase whose money comes late."""
    key = purchase.intent
    return [
        purchase.completed(paid=False),
        purchase.async_failed(),
        purchase.async_succeeded(),
        purchase.expired(),
        purchase.refund("created", "succeeded", amount=1000, id=f"re_part_{key}"),
        purchase.dispute("created", "needs_response", id=f"dp_{key}"),
        purchase.dispute("closed", ending, id=f"dp_{key}"),
    ]


def and_refunded(purchase: Purchase, *, ending: str) -> list[dict[str, Any]]:
    """Return the same, with the rest sent back too."""
    rest = purchase.refund("created", "succeeded", amount=3900, id=f"re_rest_{purchase.intent}")
    return [*everything(purchase, ending=ending), rest]


def for_nothing(purchase: Purchase) -> list[dict[str, Any]]:
    """Return a purchase by a code that leaves nothing to pay."""
    free: dict[str, Any] = {
        "payment_intent": None,
        "payment_status": "no_payment_required",
        "amount_subtotal": purchase.amount,
        "amount_total": 0,
        "total_details": {"amount_discount": purchase.amount, "amount_tax": 0},
    }
    return [purchase.completed(**free), purchase.expired()]


A = Purchase(reference="a", session="cs_a", intent="pi_a")
B = Purchase(reference="b", session="cs_b", intent="pi_b")
STORIES: dict[str, tuple[list[Told], tuple[str, ...]]] = {
    "won": ([(1, each) for each in everything(A, ending="won")], ("partially_refunded",)),
    "lost": ([(1, each) for each in everything(A, ending="lost")], ("dispute_lost",)),
    "refunded": ([(1, each) for each in and_refunded(A, ending="won")], ("refunded",)),
    "a refund that fails": (
        [
            (1, each)
            for each in (
                *(A.completed(), A.expired()),
                *(A.refund("created", "pending"), A.refund("updated", "succeeded")),
                *(A.refund("failed", "failed"), A.dispute("created", "needs_response")),
                A.dispute("closed", "won"),
            )
        ],
        ("paid",),
    ),
    "two, the first won": (
        [
            *((1, each) for each in everything(A, ending="won")),
            *((2, each) for each in (B.completed(), B.expired())),
        ],
        ("partially_refunded", "paid"),
    ),
    "two, both won": (
        [
            *((1, A.completed()), (1, A.dispute("created", "needs_response", id="dp_a"))),
            *((1, A.dispute("closed", "won", id="dp_a")), (2, B.completed())),
            (2, B.dispute("created", "needs_response", id="dp_b")),
            (2, B.dispute("closed", "won", id="dp_b")),
            (2, B.expired()),
        ],
        ("paid", "paid"),
    ),
    "two, one refunded and one lost": (
        [
            *((1, A.completed()), (1, A.refund("created", "succeeded", id="re_a"))),
            *((2, B.completed()), (2, B.dispute("created", "needs_response", id="dp_b"))),
            (2, B.dispute("closed", "lost", id="dp_b")),
            *((1, A.expired()), (2, B.expired())),
        ],
        ("refunded", "dispute_lost"),
    ),
    "two, one for nothing": (
        [
            *((1, each) for each in everything(A, ending="won")),
            *((2, each) for each in for_nothing(B)),
        ],
        ("partially_refunded", "paid"),
    ),
    "for nothing": ([(1, each) for each in for_nothing(A)], ("paid",)),
}


@pytest.mark.parametrize("name", STORIES)
def test_all_orders_and_repetitions_of_a_story_come_to_the_same(name: str) -> None:
    events, expected = STORIES[name]
    facts = [(number, fact_of(event)) for number, event in events]
    nothing = {number: Known() for number, _ in events}
    states: dict[frozenset[int], School] = {frozenset(): nothing}
    for size in range(1, len(facts) + 1):
        for chosen in map(frozenset, combinations(range(len(facts)), size)):
            reached = [after(states[chosen - {last}], *facts[last]) for last in chosen]
            assert all(each == reached[0] for each in reached), [events[each] for each in chosen]
            states[chosen] = reached[0]
            for again in chosen:
                assert after(reached[0], *facts[again]) == reached[0]
    final = states[frozenset(range(len(facts)))]
    assert tuple(known.result.status for known in final.values()) == expected


@given(st.data())
def test_any_orders_of_any_events_of_two_payments_come_to_the_same(data: st.DataObject) -> None:
    possible = [
        *((1, each) for each in and_refunded(A, ending=data.draw(st.sampled_from(ENDINGS)))),
        *((2, each) for each in and_refunded(B, ending=data.draw(st.sampled_from(ENDINGS)))),
        *((2, each) for each in for_nothing(B)),
    ]
    facts = [(number, fact_of(event)) for number, event in possible]
    told = data.draw(st.lists(st.sampled_from(facts), max_size=12))
    orders = [data.draw(st.permutations(told * times)) for times in (1, 2, 3)]
    reached = []
    for order in orders:
        school: School = {1: Known(), 2: Known()}
        for number, fact in order:
            school = after(school, number, fact)
        reached.append(school)
    assert reached[0] == reached[1] == reached[2]
    giving = [number for number, known in reached[0].items() if known.result.gives_access]
    is_noted = ["also paid" in reached[0][number].result.attention for number in (1, 2)]
    assert is_noted == [False, giving == [1, 2]]


ENDINGS = ("won", "lost", "warning_closed")


@settings(
    max_examples=SAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
def test_through_the_inbox_with_crashes_it_comes_to_what_the_projection_says(
    selling: Flask,  # noqa: F811 - a fixture
    client: FlaskClient,  # noqa: F811
    tell: Tell,  # noqa: F811
    sql: Sql,
    seed: int,
) -> None:
    chance = random.Random(seed)  # noqa: S311 - chooses tests
    with selling.app_context():
        first, second = two_purchases()
    events = [
        *((first, each) for each in and_refunded(first.stripe, ending=chance.choice(ENDINGS))),
        *((second, each) for each in and_refunded(second.stripe, ending=chance.choice(ENDINGS))),
    ]
    chosen = chance.sample(events, chance.randint(2, 9))
    deliveries = [each for each in chosen for _ in range(chance.randint(1, 3))]
    chance.shuffle(deliveries)
    for _, event in deliveries:
        with crashing(after=chance.randint(1, 40)) as crash:
            deliver(client, event)
        if crash.has_come or chance.random() < 0.2:
            assert tell(event).status_code == 200
    school = {first.payment: Known(result=Projection("expired")), second.payment: Known()}
    for sale, event in chosen:
        school = after(school, sale.payment, fact_of(event))
    for number, known in school.items():
        [row] = sql(
            "SELECT status, refunded_cents, attention FROM payments WHERE id = :n", n=number
        )
        result = known.result
        assert tuple(row) == (result.status, result.refunded_cents, result.attention)
        granted = sql("SELECT 1 FROM access_sources WHERE reference = :n", n=number)
        assert bool(granted) == result.gives_access
    check_invariants(selling)


class Crash(BaseException):
    """The process ends here: nothing in the portal may catch it."""

    has_come = False


@contextmanager
def crashing(*, after: int) -> Iterator[Crash]:
    """Let the process end at one of the statements that a block sends, if there are as many."""
    crash, left = Crash(), [after]

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            crash.has_come = True
            raise crash

    sql_events.listen(Engine, "before_cursor_execute", count)
    try:
        yield crash
    except Crash:
        assert crash.has_come
    finally:
        sql_events.remove(Engine, "before_cursor_execute", count)


def deliver(client: FlaskClient, event: dict[str, Any]) -> None:  # noqa: F811
    body = body_of(event)
    client.post("/api/payments/webhook", data=body.encode(), headers=signed(body))


def fact_of(event: dict[str, Any]) -> Fact:
    fact = read_event(event).fact
    assert fact is not None
    return fact
