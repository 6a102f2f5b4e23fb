"""Fees are read completely, however often and wherever the reading is interrupted."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe as sdk

from lms import payments
from lms.db import at, now
from lms.payments import Gateway
from lms.payments import gateway as gateway_module
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("context")


class Balance(sdk.HTTPClient):
    """Answers Stripe's lists: the balance has moved once at each of some times."""

    name = "balance"

    def __init__(self, *moved: datetime) -> None:
        super().__init__()
        self.moved = [int(each.timestamp()) for each in moved]
        self.pages_left: int | None = None
        self.asked = 0
        self.source: dict[str, Any] = {}

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        found: list[dict[str, Any]] = []
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        limit = int(asked.get("limit", 0))
        if parts.path.endswith("/balance_transactions"):
            self.asked += 1
            if self.pages_left == 0:
                return "{}", 503, {}
            self.pages_left = None if self.pages_left is None else self.pages_left - 1
            found = self._page(asked)
        body = {"object": "list", "data": found[:limit], "has_more": len(found) > limit}
        return json.dumps(body), 200, {}

    def _page(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        after = int(asked.get("starting_after", f"txn_{len(self.moved)}").rpartition("_")[2])
        least = int(asked.get("created[gte]", 0))
        most = int(asked.get("created[lte]", 2**40))
        numbers = sorted(range(len(self.moved)), key=lambda number: -self.moved[number])
        order = [number for number in numbers if least <= self.moved[number] <= most]
        start = order.index(after) + 1 if after in order else 0
        return [self._transaction(number) for number in order[start:]]

    def _transaction(self, number: int) -> dict[str, Any]:
        return {
            "id": f"txn_{number}",
            "object": "balance_transaction",
            "amount": 4900,
            "created": self.moved[number],
            "currency": "eur",
            "fee": 98,
            "reporting_category": "charge",
            "source": {"id": f"ch_{number}", "object": "charge", "amount": 4900, **self.source},
        }


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "PAGE", 2)


def reconcile(balance: Balance) -> payments.Report:
    return payments.reconcile(Gateway("sk_test_x", base="https://stripe.example", http=balance))


def kept(sql: Sql) -> int:
    return int(sql("SELECT count(*) AS n FROM stripe_transactions")[0].n)


def paid_long_ago(sql: Sql, days: int) -> None:
    """Have a payment whose fees are from long before the last reconciliation."""
    sql(
        "INSERT INTO payments (amount_cents, status, paid_at, stripe_payment_intent_id)"
        " VALUES (4900, 'paid', :at, 'pi_old')",
        at=f"{now() - timedelta(days=days):%F %T}.000000",
    )
    sql("INSERT INTO stripe_cursor (id, reconciled_until) VALUES (1, :at)", at=f"{now():%F %T}")


@pytest.mark.parametrize("pages", [0, 1, 2, 3])
def test_a_first_reading_that_is_cut_off_goes_on_where_it_stopped(sql: Sql, pages: int) -> None:
    paid_long_ago(sql, days=90)
    balance = Balance(*(now() - timedelta(days=89 - 10 * number) for number in range(8)))
    balance.pages_left = pages
    assert not reconcile(balance).is_complete
    assert kept(sql) == 2 * pages
    balance.pages_left, balance.asked = None, 0
    assert reconcile(balance).is_complete
    assert kept(sql) == 8
    assert balance.asked <= 6 - pages
    assert reconcile(balance).changed == 0


def test_fees_of_two_months_without_reconciliation_are_fetched(sql: Sql) -> None:
    start = now() - timedelta(days=60)
    balance = Balance()
    with at(start):
        assert reconcile(balance).is_complete
    moved = [start + timedelta(days=day, hours=2) for day in range(0, 60, 6)]
    balance.moved = [int(each.timestamp()) for each in moved]
    balance.pages_left = 30
    assert not reconcile(balance).is_complete
    assert 0 < kept(sql) < 10
    balance.pages_left = None
    assert reconcile(balance).is_complete
    assert kept(sql) == 10
    balance.asked = 0
    assert reconcile(balance).changed == 0
    assert balance.asked == 1


def test_an_older_payment_that_becomes_known_has_its_fees_fetched(sql: Sql) -> None:
    balance = Balance(now() - timedelta(days=80))
    assert reconcile(balance).is_complete
    assert kept(sql) == 0
    sql(
        "INSERT INTO payments (amount_cents, status, paid_at, stripe_payment_intent_id)"
        " VALUES (4900, 'paid', :at, 'pi_old')",
        at=f"{now() - timedelta(days=81):%F %T}.000000",
    )
    assert reconcile(balance).is_complete
    assert kept(sql) == 1


@pytest.mark.parametrize("source", [{"amount": -4900, "object": "issuing_transaction"}, {}])
def test_what_leaves_the_balance_holds_up_no_fees(sql: Sql, source: dict[str, Any]) -> None:
    balance = Balance(now() - timedelta(days=1))
    balance.source = source
    assert reconcile(balance).failures == []
    assert kept(sql) == 1
