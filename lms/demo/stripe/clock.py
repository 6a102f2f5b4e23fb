"""What happens on its own after a time."""

from lms.demo.stripe import checkout, refunds
from lms.demo.stripe.store import Ledger


def run_due(ledger: Ledger) -> None:
    """Expire sessions, and let payments and refunds arrive or bounce."""
    for identifier, outcome in ledger.due():
        succeeds = outcome == "succeed"
        if outcome == "expire":
            checkout.expire(ledger, identifier)
        elif identifier.startswith("pi_"):
            checkout.settle(ledger, identifier, succeeds=succeeds)
        else:
            refunds.settle(ledger, identifier, succeeds=succeeds)
