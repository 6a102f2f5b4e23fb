"""Reconciliation of many payments: how many calls to Stripe it makes, and what it keeps in memory.

In place of Stripe, lists are made up as they are asked for, and calls are counted. The webhook has
told of all payments but one of every fifty.
"""

import json
import os
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import stripe
from sqlalchemy import text

from lms import create_app, payments
from lms.db import db, writer
from tests import folders, postgres
from tests.bench.progress import tell
from tests.bench.results import Result
from tests.databases import Postgresql, Server, Sqlite, settings

MISSED_EVERY = 50
REFUNDED_EVERY = 20
_DAY = 86_400
_PRICE = 4900
_MEMORY_GROWTH = 2.0
"""How much more memory ten times the payments may take."""


class Lists(stripe.HTTPClient):
    """Answers lists of Stripe's objects, of which there is one for each payment or some."""

    name = "lists"

    def __init__(self, number: int) -> None:
        super().__init__()
        self.calls = 0
        self._now = int(time.time())
        self._kinds = {
            "events": (range(number), self._event),
            "sessions": (range(number), self._session),
            "refunds": (range(0, number, REFUNDED_EVERY), self._refund),
            "balance_transactions": (range(number), self._transaction),
            "disputes": (range(0), self._refund),
        }
        self.number = number

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        self.calls += 1
        parts = urlsplit(url)
        kind = parts.path.rpartition("/")[2]
        assert (method, kind in self._kinds) == ("get", True), url
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        numbers, made = self._kinds[kind]
        page = list(self._page(numbers, asked))
        limit = int(asked["limit"])
        body = {
            "object": "list",
            "url": parts.path,
            "data": [made(number) for number in page[:limit]],
            "has_more": len(page) > limit,
        }
        return json.dumps(body), 200, {}

    def created(self, number: int) -> int:
        """Spread the payments over 28 days."""
        return self._now - 28 * _DAY + number * 27 * _DAY // self.number

    def _page(self, numbers: Any, asked: dict[str, str]) -> Iterator[int]:
        after = int(asked.get("starting_after", f"x_{self.number}").rpartition("_")[2])
        least, most = (int(asked.get(f"created[{name}]", edge)) for name, edge in _EDGES)
        found = 0
        for number in reversed(numbers):
            if number < after and least <= self.created(number) <= most:
                yield number
                found += 1
                if found > int(asked["limit"]):
                    return

    def _session(self, number: int) -> dict[str, Any]:
        return {
            "id": f"cs_{number}",
            "object": "checkout.session",
            "amount_total": _PRICE,
            "client_reference_id": f"reference-{number}",
            "currency": "eur",
            "payment_intent": f"pi_{number}",
            "payment_status": "paid",
            "status": "complete",
        }

    def _event(self, number: int) -> dict[str, Any]:
        return {
            "id": f"evt_{number}",
            "object": "event",
            "created": self.created(number),
            "livemode": False,
            "type": "checkout.session.completed",
            "data": {"object": self._session(number)},
        }

    def _refund(self, number: int) -> dict[str, Any]:
        return {
            "id": f"re_{number}",
            "object": "refund",
            "amount": 900,
            "created": self.created(number),
            "currency": "eur",
            "payment_intent": f"pi_{number}",
            "status": "succeeded",
        }

    def _transaction(self, number: int) -> dict[str, Any]:
        return {
            "id": f"txn_{number}",
            "object": "balance_transaction",
            "amount": _PRICE,
            "created": self.created(number),
            "currency": "eur",
            "fee": 100,
            "reporting_category": "charge",
            "source": {
                "id": f"ch_{number}",
                "amount": _PRICE,
                "currency": "eur",
                "payment_intent": f"pi_{number}",
            },
        }


_EDGES = (("gte", 0), ("lte", 2**40))


def main(number: int) -> bool:
    """Print calls and memory on both engines beside their targets; False if one is missed."""
    results = []
    with tempfile.TemporaryDirectory(prefix="lms-bench-", dir=folders.fastest()) as folder:
        results += _of_engine("sqlite", Sqlite(Path(folder)), number)
        with postgres.server() as url:
            os.environ["TEST_POSTGRES_URL"] = url
            results += _of_engine("postgresql", Postgresql("reconcile"), number)
    for result in results:
        print(result)
    return not any(result.is_missed for result in results)


def _of_engine(engine: str, server: Server, number: int) -> list[Result]:
    _, fewer = _measured(engine, server, number // 10)
    calls, peak = _measured(engine, server, number)
    most = number / 30
    return [
        Result(f"reconcile {number}, {engine}", most, calls, " calls"),
        Result(
            f"... memory, {engine}",
            _MEMORY_GROWTH,
            peak / fewer,
            notes=f"{peak / 1e6:.1f} MB, and {fewer / 1e6:.1f} MB for a tenth",
        ),
    ]


def _measured(engine: str, server: Server, number: int) -> tuple[int, int]:
    """Return the calls and the peak of memory, in bytes, of one reconciliation."""
    with server.migrated() as url, create_app(settings(url)).app_context():
        lists = Lists(number)
        tell(f"{number} payments on {engine}")
        _fill(lists)
        tell("reconciling")
        tracemalloc.start()
        report = payments.reconcile(payments.Gateway("sk_test_bench", http=lists))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert report.is_complete, report.failures[:3]
        waiting = text("SELECT count(*) FROM payments WHERE status = 'pending'")
        assert db.session.scalar(waiting) == 0
        db.session.remove()
        db.engine.dispose()
        return lists.calls, peak


def _fill(lists: Lists) -> None:
    """Write payments of which the webhook told, and those of which it did not."""
    with writer(db.engine).begin() as connection:
        for start in range(0, lists.number, 5000):
            numbers = range(start, min(start + 5000, lists.number))
            connection.execute(_PAYMENTS, [_payment(lists, each) for each in numbers])
            known = [each for each in numbers if each % MISSED_EVERY]
            rows = [_payment(lists, each) | {"event": f"evt_{each}"} for each in known]
            for statement in (_SESSIONS, _EVENTS):
                connection.execute(statement, rows)
            connection.execute(_REFUNDS, [each for each in rows if each["refunded"]] or rows[:0])


def _payment(lists: Lists, number: int) -> dict[str, Any]:
    is_missed = number % MISSED_EVERY == 0
    is_refunded = not is_missed and number % REFUNDED_EVERY == 0
    paid = "partially_refunded" if is_refunded else "paid"
    moment = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.gmtime(lists.created(number)))
    return {
        "id": number + 1,
        "status": "pending" if is_missed else paid,
        "refunded": 900 if is_refunded else 0,
        "session": f"cs_{number}",
        "intent": None if is_missed else f"pi_{number}",
        "known": f"pi_{number}",
        "refund": f"re_{number}",
        "reference": f"reference-{number}",
        "moment": moment,
        "paid_at": None if is_missed else moment,
    }


_PAYMENTS = text(
    "INSERT INTO payments (id, amount_cents, status, refunded_cents, reference, stripe_session_id,"
    " stripe_payment_intent_id, created_at, paid_at) VALUES (:id, 4900, :status, :refunded,"
    " :reference, :session, :intent, :moment, :paid_at)"
)
_SESSIONS = text(
    "INSERT INTO stripe_sessions (id, payment_id, state, payment_intent, amount_total, currency,"
    " paid_at) VALUES (:session, :id, 'paid', :known, 4900, 'eur', :moment)"
)
_EVENTS = text(
    "INSERT INTO stripe_events (event_id, type, livemode, told_at, received_at, status, payment_id,"
    " payload) VALUES (:event, 'checkout.session.completed', FALSE, :moment, :moment, 'done', :id,"
    " '{}')"
)
_REFUNDS = text(
    "INSERT INTO stripe_refunds (id, payment_intent, amount, currency, status, created_at)"
    " VALUES (:refund, :known, 900, 'eur', 'succeeded', :moment)"
)
