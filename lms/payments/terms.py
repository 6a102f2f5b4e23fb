"""How the school sells: what Stripe's page adds to a price, makes out and asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import stripe

_Params = stripe.params.checkout.SessionCreateParams


@dataclass(frozen=True)
class Terms:
    """The school's settings for checkouts."""

    automatic_tax: Literal["off", "added", "included"] = "off"
    tax_id_collection: bool = False
    invoice_creation: bool = False
    adaptive_pricing: bool = False

    @staticmethod
    def of(settings: Mapping[str, Any]) -> "Terms":
        """Return the terms as configured."""
        return Terms(
            automatic_tax=settings["STRIPE_AUTOMATIC_TAX"],
            tax_id_collection=settings["STRIPE_TAX_ID_COLLECTION"],
            invoice_creation=settings["STRIPE_INVOICE_CREATION"],
            adaptive_pricing=settings["STRIPE_ADAPTIVE_PRICING"],
        )

    @property
    def params(self) -> _Params:
        """Return what they ask of a checkout session."""
        asked: _Params = {"adaptive_pricing": {"enabled": self.adaptive_pricing}}
        if self.automatic_tax != "off":
            asked["automatic_tax"] = {"enabled": True}
        if self.tax_id_collection:
            asked["tax_id_collection"] = {"enabled": True}
        if self.invoice_creation:
            asked["invoice_creation"] = {"enabled": True}
        return asked

    @property
    def tax_behavior(self) -> Literal["exclusive", "inclusive"] | None:
        """Return whether a price contains its tax, in Stripe's words; None without tax."""
        if self.automatic_tax == "off":
            return None
        return "inclusive" if self.automatic_tax == "included" else "exclusive"

    @property
    def key(self) -> str:
        """Return what distinguishes these terms in the idempotency key of a checkout."""
        named = [name for name, value in vars(self).items() if value not in {False, "off"}]
        if self.automatic_tax == "included":
            named.append("included")
        return "".join(f"-{name}" for name in named)
