"""The parts of a price: what is charged is a subtotal, less a discount, plus tax.

The price agreed is the subtotal. So a total that differs by a discount or tax that Stripe names is
no mystery, and the right total of another subtotal is one.
"""

from dataclasses import dataclass
from typing import Any

from lms.db import LARGEST_ID
from lms.ledger.facts import SessionFact
from lms.money import money

OTHER_AMOUNT = "Stripe charged "
"""What follows says how much, and how that differs from what was agreed."""

OTHER_THAN_OFFERED = "An admin recorded "
"""So does what follows this, of money that was recorded by hand for an offer."""


@dataclass(frozen=True)
class Parts:
    """What was charged, in the currency of the payment."""

    subtotal: int
    discount: int
    tax: int
    total: int

    @property
    def are_whole(self) -> bool:
        """Whether they explain the total."""
        return bool(add_up(self.subtotal, self.discount, self.tax, self.total))


def add_up(subtotal: Any, discount: Any, tax: Any, total: Any) -> Any:
    """Return whether the parts explain the total, for numbers and columns alike.

    Tax may be contained in the subtotal.
    """
    net = subtotal - discount
    return (total == net) | (total == net + tax)


def parts_of(session: SessionFact | None, currency: str) -> Parts | None:
    """Return what was charged; None if that isn't known, or was in another currency."""
    if session is None or session.state != "paid" or session.currency != currency:
        return None
    if session.amount_total is None:
        return None
    total, discount, tax = session.amount_total, session.amount_discount, session.amount_tax
    subtotal = session.amount_subtotal
    if subtotal is None:  # as events of older versions are
        subtotal = max(0, total + (discount or 0) - (tax or 0))
    parts = Parts(subtotal, discount or 0, tax or 0, total)
    is_storable = max(parts.subtotal, parts.discount, parts.tax, parts.total) <= LARGEST_ID
    return parts if is_storable else None


def difference_from_offer(subtotal: int, agreed: int, currency: str) -> str:
    """Return how what an admin recorded differs from the price offered; blank when it does not."""
    if subtotal == agreed:
        return ""
    paid, offered = money(subtotal, currency), money(agreed, currency)
    return f"{OTHER_THAN_OFFERED}{paid} instead of the offered {offered}."


def difference(
    session: SessionFact | None, agreed: int, currency: str, *, accepted: int | None
) -> str:
    """Return how what Stripe took differs from the price agreed; blank when it does not."""
    if session is None or session.state != "paid":
        return ""
    parts = parts_of(session, currency)
    price = money(agreed, currency)
    if parts is None:
        known = session.amount_total
        taken = "an unknown amount"
        if known is not None:
            taken = money(known, session.currency or currency)
        return f"{OTHER_AMOUNT}{taken} instead of {price}."
    if parts.total == accepted or (parts.subtotal == agreed and parts.are_whole):
        return ""
    taken = money(parts.total, currency)
    if parts.subtotal == agreed:
        unexplained = "Neither a discount nor tax explains the difference."
        return f"{OTHER_AMOUNT}{taken} instead of {price}. {unexplained}"
    if not parts.discount and not parts.tax:
        return f"{OTHER_AMOUNT}{taken} instead of {price}."
    return f"{OTHER_AMOUNT}{taken}: {_described(parts, currency)}. The agreed price is {price}."


def _described(parts: Parts, currency: str) -> str:
    added = [f"a price of {money(parts.subtotal, currency)}"]
    if parts.discount:
        added.append(f"less a discount of {money(parts.discount, currency)}")
    if parts.tax:
        added.append(f"with tax of {money(parts.tax, currency)}")
    return ", ".join(added)
