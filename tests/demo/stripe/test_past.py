"""The past of a demo school is all that its stand-in knows."""

from pathlib import Path
from typing import Any

from sqlalchemy import select

from lms.demo.stripe import webhooks
from lms.demo.stripe.past import Past
from lms.demo.stripe.store import ANSWERS, DELIVERIES, Ledger, Store


def _remember(ledger: Ledger, *names: str) -> dict[str, Any]:
    """Add objects that are still to be announced, were answered for a key, and go on later."""
    run = ledger.connection.execute
    for name in names:
        ledger.add({"id": name, "object": "balance_transaction", "created": 1})
        run(DELIVERIES.insert().values(event_id=name, next_at=0))
        run(ANSWERS.insert().values(key=name, asked="", status=200, body={}, request_id="req"))
        ledger.schedule(name, at=0, outcome="succeeded")
    return {}


def test_what_was_sold_to_a_school_whose_database_is_gone_is_forgotten(tmp_path: Path) -> None:
    """Its money would be unexplained in the new one's books."""
    store = Store(tmp_path / "kept")
    with store.changing() as ledger:
        endpoint = webhooks.add_endpoint(ledger, "http://127.0.0.1:8000/api/payments/webhook")
        _remember(ledger, "txn_of_the_last_school")
    names = ["txn_b", "txn_a"]  # in the order in which they happened
    with Past(tmp_path / "past") as past:
        past.let(_remember, *names)
        past.become(tmp_path / "kept")
    with store.changing() as ledger:
        assert ledger.find(endpoint["id"])  # of a portal that may be running
        known = ledger.every("balance_transaction", newest_first=False)
        assert [each["id"] for each in known] == names
        assert [row.event_id for row in webhooks.undelivered(ledger)] == names
        assert set(ledger.connection.scalars(select(ANSWERS.c.key))) == set(names)
        assert {identifier for identifier, _ in ledger.due()} == set(names)
    store.close()
