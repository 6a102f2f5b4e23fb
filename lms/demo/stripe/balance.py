"""The balance: what charges, refunds and disputes bring and take, and what Stripe keeps for it.

Fees as Stripe's price list has them for cards of the EU, in the currency of the payment: here, the
school is paid out in every currency.
"""

from lms.demo.stripe import objects
from lms.demo.stripe.store import Body, Ledger

_PER_THOUSAND, _FIXED = 15, 25
_DISPUTE_FEE = 2000


def charged(ledger: Ledger, charge: Body) -> str:
    """Add what a charge brings; return the transaction's id."""
    by_card = charge["payment_method_details"]["type"] == objects.CARD
    fee = min(charge["amount"], charge["amount"] * _PER_THOUSAND // 1000 + _FIXED)
    return _move(
        *(ledger, charge, "charge" if by_card else "payment", "charge", charge["amount"]), fee=fee
    )


def sent_back(ledger: Ledger, refund: Body) -> str:
    """Take what a refund sends back; the fee for the charge stays Stripe's."""
    return _move(ledger, refund, "refund", "refund", -refund["amount"])


def came_back(ledger: Ledger, refund: Body) -> str:
    """Add what a failed refund brings back."""
    return _move(ledger, refund, "refund_failure", "refund_failure", refund["amount"])


def withdrawn(ledger: Ledger, dispute: Body) -> Body:
    """Take what the bank takes, and the fee for it."""
    fee = _DISPUTE_FEE
    number = _move(ledger, dispute, "adjustment", "dispute", -dispute["amount"], fee=fee)
    return ledger.one(number)


def reinstated(ledger: Ledger, dispute: Body) -> Body:
    """Add what the bank gives back; Stripe gives its fee back, too."""
    back = -_DISPUTE_FEE
    category = "dispute_reversal"
    number = _move(ledger, dispute, "adjustment", category, dispute["amount"], fee=back)
    return ledger.one(number)


def _move(
    ledger: Ledger, source: Body, kind: str, category: str, amount: int, *, fee: int = 0
) -> str:
    made = objects.balance_transaction(source, kind=kind, category=category, amount=amount, fee=fee)
    number: str = ledger.add(made)["id"]
    return number
