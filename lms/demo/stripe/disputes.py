"""Disputes: the customer's bank inquires, takes the money and decides."""

from typing import Literal

from lms.demo.stripe import balance, objects
from lms.demo.stripe.errors import ApiError, missing
from lms.demo.stripe.events import emit
from lms.demo.stripe.store import Body, Ledger

Ending = Literal["won", "lost"]


def open_dispute(
    ledger: Ledger,
    intent_id: str,
    *,
    reason: str = "fraudulent",
    amount: int | None = None,
    inquiry: bool = False,
) -> Body:
    """Let the customer's bank dispute the payment or a part of it, or only inquire about it."""
    intent = ledger.find(intent_id, "payment_intent")
    charge = ledger.find(intent["latest_charge"]) if intent else None
    if charge is None or not charge["paid"]:
        raise missing("payment_intent", intent_id, param="payment_intent")
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"] or not left:
        raise ApiError("This payment is already disputed or fully refunded.")
    amount = left if amount is None else min(amount, left)
    dispute = objects.dispute(charge, amount=amount, reason=reason, inquiry=inquiry)
    ledger.add(dispute)
    ledger.change(charge, disputed=True)
    emit(ledger, "charge.dispute.created", dispute)
    if not inquiry:
        _move_money(ledger, dispute, -amount)
    return dispute


def escalate(ledger: Ledger, dispute_id: str) -> Body:
    """Let an inquiry become a dispute."""
    dispute = _running(ledger, dispute_id)
    before = ledger.change(dispute, status="needs_response", is_charge_refundable=False)
    emit(ledger, "charge.dispute.updated", dispute, before)
    _move_money(ledger, dispute, -dispute["amount"])
    return dispute


def submit_evidence(ledger: Ledger, dispute_id: str) -> Body:
    """Let the bank review the school's response."""
    dispute = _running(ledger, dispute_id)
    status = "warning_under_review" if _is_inquiry(dispute) else "under_review"
    evidence = dispute["evidence_details"] | {"has_evidence": True, "submission_count": 1}
    before = ledger.change(dispute, status=status, evidence_details=evidence)
    emit(ledger, "charge.dispute.updated", dispute, before)
    return dispute


def close_dispute(ledger: Ledger, dispute_id: str, *, ending: Ending) -> Body:
    """Let the bank decide; an inquiry just ends when it is won, and takes the money when lost."""
    dispute = _running(ledger, dispute_id)
    inquiry = _is_inquiry(dispute)
    if inquiry and ending == "lost":
        dispute = escalate(ledger, dispute_id)
        inquiry = False
    before = ledger.change(dispute, status="warning_closed" if inquiry else ending)
    emit(ledger, "charge.dispute.closed", dispute, before)
    if ending == "won" and not inquiry:
        _move_money(ledger, dispute, dispute["amount"])
    return dispute


def _running(ledger: Ledger, dispute_id: str) -> Body:
    dispute = ledger.find(dispute_id, "dispute")
    if dispute is None:
        raise missing("dispute", dispute_id, param="dispute")
    if dispute["status"] in {"won", "lost", "warning_closed"}:
        raise ApiError(f"This dispute is closed: {dispute['status']}.")
    return dispute


def _is_inquiry(dispute: Body) -> bool:
    status: str = dispute["status"]
    return status.startswith("warning_")


def _move_money(ledger: Ledger, dispute: Body, amount: int) -> None:
    moves = dispute["balance_transactions"]
    move = balance.withdrawn if amount < 0 else balance.reinstated
    moved = [*moves, move(ledger, dispute)]
    before = ledger.change(dispute, balance_transactions=moved)
    kind = "funds_withdrawn" if amount < 0 else "funds_reinstated"
    emit(ledger, f"charge.dispute.{kind}", dispute, before)
