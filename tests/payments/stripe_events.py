"""Events as Stripe sends them, for the one purchase that a test is about."""

import json
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from stripe import WebhookSignature

SECRET = "whsec_of_the_tests"
_numbers = count(1)
_START = 1_790_000_000


@dataclass(frozen=True)
class Purchase:
    """What Stripe knows of a purchase."""

    reference: str = "reference"
    session: str = "cs_test_1"
    intent: str = "pi_1"
    amount: int = 4900
    currency: str = "eur"
    livemode: bool = False

    def completed(self, *, paid: bool = True, **fields: Any) -> dict[str, Any]:
        return self._session("completed", "complete", paid=paid, **fields)

    def async_succeeded(self) -> dict[str, Any]:
        return self._session("async_payment_succeeded", "complete", paid=True)

    def async_failed(self) -> dict[str, Any]:
        return self._session("async_payment_failed", "complete", paid=False)

    def expired(self) -> dict[str, Any]:
        return self._session("expired", "expired", paid=False)

    def refund(
        self, what: str, status: str, *, amount: int | None = None, id: str = "re_1"
    ) -> dict[str, Any]:
        """Return a `refund.<what>` event: created, updated or failed."""
        refund = {
            "id": id,
            "object": "refund",
            "amount": self.amount if amount is None else amount,
            "charge": "ch_1",
            "created": _START,
            "currency": self.currency,
            "payment_intent": self.intent,
            "reason": "requested_by_customer",
            "status": status,
        }
        return self._event(f"refund.{what}", refund)

    def dispute(self, what: str, status: str, *, id: str = "dp_1") -> dict[str, Any]:
        """Return a `charge.dispute.<what>` event."""
        dispute = {
            "id": id,
            "object": "dispute",
            "amount": self.amount,
            "charge": "ch_1",
            "created": _START,
            "currency": self.currency,
            "payment_intent": self.intent,
            "reason": "fraudulent",
            "status": status,
        }
        return self._event(f"charge.dispute.{what}", dispute)

    def charge_refunded(self) -> dict[str, Any]:
        charge = {
            "id": "ch_1",
            "object": "charge",
            "amount": self.amount,
            "amount_refunded": self.amount,
            "billing_details": {"email": "ada@example.org", "name": "Ada"},
            "created": _START,
            "currency": self.currency,
            "payment_intent": self.intent,
            "payment_method_details": {"card": {"last4": "4242"}, "type": "card"},
            "refunded": True,
        }
        return self._event("charge.refunded", charge)

    def of(self, **changes: Any) -> "Purchase":
        """Return the same purchase with changes."""
        return replace(self, **changes)

    def _session(self, what: str, status: str, *, paid: bool, **fields: Any) -> dict[str, Any]:
        session = {
            "id": self.session,
            "object": "checkout.session",
            "amount_total": self.amount,
            "client_reference_id": self.reference,
            "client_secret": "cs_test_1_secret_do_not_keep",
            "created": _START,
            "currency": self.currency,
            "customer_details": {"email": "ada@example.org", "name": "Ada Lovelace"},
            "livemode": self.livemode,
            "mode": "payment",
            "payment_intent": None if status == "expired" else self.intent,
            "payment_status": "paid" if paid else "unpaid",
            "status": status,
            **fields,
        }
        return self._event(f"checkout.session.{what}", session)

    def _event(self, kind: str, subject: dict[str, Any]) -> dict[str, Any]:
        number = next(_numbers)
        return {
            "id": f"evt_{number}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": _START + number,
            "data": {"object": subject},
            "livemode": self.livemode,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }


def tersely(event: dict[str, Any], *told: str, **fields: Any) -> dict[str, Any]:
    """Return the event with no more of its subject than its id and what is named."""
    subject = event["data"]["object"]
    kept = {key: subject[key] for key in ("id", *told)}
    return {**event, "data": {"object": kept | fields}}


def body_of(event: dict[str, Any]) -> str:
    return json.dumps(event)


def signed(body: str, *, secret: str = SECRET, timestamp: int | None = None) -> dict[str, str]:
    """Return the headers of a delivery, by the SDK's own published signer."""
    signature = WebhookSignature.generate_signature_header(body, secret, timestamp=timestamp)
    return {"Stripe-Signature": signature, "Content-Type": "application/json"}
