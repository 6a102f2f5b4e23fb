"""The past of a demo school is all that its stand-in knows."""

from pathlib import Path

from lms.demo.stripe import webhooks
from lms.demo.stripe.past import Past
from lms.demo.stripe.store import Ledger, Store


def _remember(ledger: Ledger, what: str) -> dict[str, object]:
    return ledger.add({"id": what, "object": "balance_transaction", "created": 1})


def test_what_was_sold_to_a_school_whose_database_is_gone_is_forgotten(tmp_path: Path) -> None:
    """Its money would be unexplained in the new one's books."""
    store = Store(tmp_path / "kept")
    with store.changing() as ledger:
        endpoint = webhooks.add_endpoint(ledger, "http://127.0.0.1:8000/api/payments/webhook")
        _remember(ledger, "txn_of_the_last_school")
    with Past(tmp_path / "past") as past:
        past.let(_remember, "txn_of_this_school")
        past.become(tmp_path / "kept")
    with store.changing() as ledger:
        assert ledger.find(endpoint["id"])  # of a portal that may be running
        assert [each["id"] for each in ledger.every("balance_transaction")] == [
            "txn_of_this_school"
        ]
    store.close()
