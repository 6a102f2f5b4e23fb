"""A course being bought, as the portal asks for it."""

from typing import Any

import stripe
from stripe.checkout import Session


def params(**changes: Any) -> Any:
    """Return what the portal asks for, with some of it changed; None leaves it out."""
    asked = {
        "mode": "payment",
        "client_reference_id": "ref-1",
        "customer_email": "ada@example.org",
        "line_items": [line()],
        "adaptive_pricing": {"enabled": False},
        "success_url": "http://127.0.0.1:8000/student/payments/return?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:8000/student/courses/1",
        "payment_intent_data": {"metadata": {"reference": "ref-1"}},
    } | changes
    return {name: value for name, value in asked.items() if value is not None}


def line(*, currency: str = "eur", unit_amount: Any = 4900, quantity: Any = 1) -> Any:
    product = {"name": "Bookbinding"}
    price = {"currency": currency, "unit_amount": unit_amount, "product_data": product}
    return {"quantity": quantity, "price_data": price}


def checkout(client: stripe.StripeClient, *, key: str | None = None, **changes: Any) -> Session:
    """Open a checkout."""
    options: stripe.RequestOptions = {"idempotency_key": key} if key else {}
    return client.v1.checkout.sessions.create(params(**changes), options)


def intent_of(session: Any) -> str:
    """Return the payment of a session that was paid."""
    identifier: str = session["payment_intent"]
    return identifier
