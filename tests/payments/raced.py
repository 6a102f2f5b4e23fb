"""What races call in other processes: one delivery, one press of 'Buy'."""

from typing import Any

from flask import current_app

from lms import payments
from lms.payments import Gateway


def deliver(body: str, headers: dict[str, str], secret: str) -> tuple[int, str]:
    """Deliver an event to the endpoint; return the status and what became of the event."""
    current_app.config["STRIPE_WEBHOOK_SECRET"] = secret
    client = current_app.test_client()
    answer: Any = client.post("/api/payments/webhook", data=body.encode(), headers=headers)
    return answer.status_code, answer.json.get("outcome", "")


def press_buy(key: str, base: str, student: int, course: int) -> str:
    """Press 'Buy'."""
    return payments.buy(Gateway(key, base=base), student, course, origin="http://localhost")


def press_refund(key: str, base: str, payment: int, admin: int, refund: str | None) -> str:
    """Press 'Refund' on a form; return the id of the refund."""
    gateway = Gateway(key, base=base)
    taken = payments.request_refund(gateway, payment, key=refund, amount_cents=1000, by=admin)
    return taken.refund_id
