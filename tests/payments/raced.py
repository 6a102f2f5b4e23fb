"""What races call in other processes: one delivery, one press of 'Buy'."""

from datetime import UTC, datetime
from typing import Any

from flask import current_app

from lms import payments
from lms.ledger.months import Month
from lms.payments import Gateway
from lms.queries.books import report


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


def record_in_october(student: int, course: int, admin: int) -> int:
    """Record a transfer of October; return the payment."""
    came = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
    money = payments.ManualPayment(student, course, 4900, "eur", "transfer", "1", came)
    return payments.record_payment(money, by=admin).payment_id


def close_october() -> tuple[int, ...]:
    """Close the books of October and print them; return the payments that they have."""
    month = Month(2026, 10)
    payments.close_month(month, by=None)
    printed = report(month)
    assert printed.is_closed
    return tuple(line.payment_id for line in printed.lines)
