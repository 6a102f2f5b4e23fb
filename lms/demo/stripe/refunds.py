"""Refunds: requested by the portal or the operator, and their outcomes."""

from lms.db import now
from lms.demo.stripe import balance, objects, rules
from lms.demo.stripe.errors import ApiError, InvalidParams, missing
from lms.demo.stripe.events import emit
from lms.demo.stripe.store import Body, Ledger
from lms.money import money

_OFFERED = frozenset(("payment_intent", "charge", "amount", "reason", "metadata", "expand"))


def refund(ledger: Ledger, params: Body, *, settles_after: float | None) -> Body:
    """Send money back, as POST /v1/refunds does; to a bank account it takes its time.

    Without `settles_after` such a refund waits until `settle` is called.
    """
    for key in sorted(params.keys() - _OFFERED):
        raise InvalidParams(f"Stripe supports {key}, but this stand-in doesn't.", param=key)
    charge = _charge(ledger, params)
    left = charge["amount"] - charge["amount_refunded"]
    if charge["refunded"]:
        message = f"Charge {charge['id']} has already been refunded."
        raise ApiError(message, code="charge_already_refunded")
    if _is_charged_back(ledger, charge):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise ApiError(message, code="charge_disputed")
    amount = params.get("amount", left)
    if amount < 1:
        message = "This value must be greater than or equal to 1."
        raise InvalidParams(message, code="parameter_invalid_integer", param="amount")
    rules.check_step(amount, charge["currency"], param="amount")
    if amount > left:
        asked, rest = money(amount, charge["currency"]), money(left, charge["currency"])
        message = f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})"
        raise ApiError(message, param="amount")
    at_once = charge["payment_method_details"]["type"] == objects.CARD
    status = "succeeded" if at_once else "pending"
    made = ledger.add(objects.refund(charge, params, amount=amount, status=status))
    ledger.change(made, balance_transaction=balance.sent_back(ledger, made))
    if not at_once and settles_after is not None:
        ledger.schedule(made["id"], at=now().timestamp() + settles_after, outcome="succeed")
    before = _count(ledger, charge, amount)
    emit(ledger, "refund.created", made)
    emit(ledger, "charge.refunded", charge, before)
    return made


def settle(ledger: Ledger, refund_id: str, *, succeeds: bool) -> Body:
    """End a pending refund; one that has succeeded can still fail, and the money comes back."""
    made = ledger.find(refund_id, "refund")
    if made is None:
        raise missing("refund", refund_id, param="refund")
    ledger.unschedule(refund_id)
    if made["status"] not in ({"pending"} if succeeds else {"pending", "succeeded"}):
        raise ApiError(f"This refund has a status of {made['status']}.")
    if succeeds:
        before = ledger.change(made, status="succeeded")
    else:
        before = {"status": made["status"]}
        returned = balance.came_back(ledger, made)
        made |= {"failure_reason": None, "failure_balance_transaction": None}
        ledger.change(
            made,
            status="failed",
            failure_reason="expired_or_canceled_card",
            failure_balance_transaction=returned,
        )
        _count(ledger, ledger.one(made["charge"]), -made["amount"])
        emit(ledger, "refund.failed", made)
    emit(ledger, "refund.updated", made, before)
    emit(ledger, "charge.refund.updated", made, before)
    return made


def _charge(ledger: Ledger, params: Body) -> Body:
    named = [key for key in ("payment_intent", "charge") if key in params]
    if len(named) != 1:
        raise InvalidParams("Provide one of payment_intent or charge.", code="parameter_missing")
    found = ledger.find(params[named[0]], named[0])
    if found is None:
        raise missing(named[0], params[named[0]], param=named[0], status=400)
    charge = ledger.find(found["latest_charge"]) if named[0] == "payment_intent" else found
    if charge is None or not charge["paid"]:
        raise ApiError(f"{found['id']} does not have a successful charge to refund.")
    return charge


def _is_charged_back(ledger: Ledger, charge: Body) -> bool:
    return any(
        dispute["charge"] == charge["id"]
        and dispute["status"] in {"needs_response", "under_review", "lost"}
        for dispute in ledger.every("dispute")
    )


def _count(ledger: Ledger, charge: Body, amount: int) -> Body:
    refunded = charge["amount_refunded"] + amount
    return ledger.change(charge, amount_refunded=refunded, refunded=refunded == charge["amount"])
