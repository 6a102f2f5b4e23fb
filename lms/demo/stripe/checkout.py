"""Checkout sessions: opened by the portal, paid by the customer, closed by time."""

from lms.db import now
from lms.demo.stripe import balance, invoices, objects, parts, rules
from lms.demo.stripe.errors import ApiError, InvalidParams, missing
from lms.demo.stripe.events import emit
from lms.demo.stripe.store import Body, Ledger

_OFFERED = frozenset(
    (
        "mode",
        "line_items",
        "success_url",
        "cancel_url",
        "custom_text",
        "client_reference_id",
        "customer_email",
        "expires_at",
        "adaptive_pricing",
        "allow_promotion_codes",
        "automatic_tax",
        "invoice_creation",
        "tax_id_collection",
        "metadata",
        "payment_intent_data",
        "payment_method_types",
        "locale",
        "submit_type",
        "ui_mode",
        "expand",
    )
)
_OFFERED_INVOICE = frozenset(("enabled",))
_OFFERED_INTENT = frozenset(("metadata", "description", "receipt_email"))
_OFFERED_LINE = frozenset(("price_data", "quantity"))
_OFFERED_PRICE = frozenset(("currency", "unit_amount", "product_data", "tax_behavior"))


def open_session(ledger: Ledger, params: Body, *, origin: str) -> Body:
    """Open a checkout session, as POST /v1/checkout/sessions does."""
    _refuse_unoffered(params)
    _check(params)
    lines = [_line(line, at=f"line_items[{i}]") for i, line in enumerate(params["line_items"])]
    currencies = {line["currency"] for line in lines}
    if len(currencies) > 1:
        raise InvalidParams("All prices must have the same currency.", param="line_items")
    currency, amount = currencies.pop(), sum(line["amount_total"] for line in lines)
    rules.check_total(amount, currency)
    opened = objects.session(params, amount=amount, currency=currency, origin=origin)
    ledger.schedule(opened["id"], at=opened["expires_at"], outcome="expire")
    intent = params.get("payment_intent_data", {})
    behavior = lines[0]["price"]["tax_behavior"]
    private = {"line_items": lines, "intent": intent, "origin": origin, "tax_behavior": behavior}
    return ledger.add(opened | parts.reckoned(opened, private), private)


def line_items(ledger: Ledger, session: Body) -> Body:
    """Return what is bought, as the list that Stripe gives."""
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    lines = ledger.private(session["id"])["line_items"]
    return {"object": "list", "data": lines, "has_more": False, "url": url}


def expire(ledger: Ledger, session_id: str) -> Body:
    """Expire an open session, so that it can no longer be paid."""
    session = _open(ledger, session_id, doing="expired")
    before = ledger.change(session, status="expired", url=None)
    ledger.unschedule(session_id)
    emit(ledger, "checkout.session.expired", session, before)
    return session


def pay(ledger: Ledger, session_id: str) -> Body:
    """Let the customer pay by card: the money is there at once."""
    session = _open(ledger, session_id, doing="paid")
    if session["amount_total"] == 0:  # by a promotion code: Stripe makes no payment intent then
        _complete(ledger, session, payment_status="no_payment_required")
        invoices.make(ledger, session)
    else:
        session, intent, charge = _attempt(ledger, session_id, method=objects.CARD)
        _collect(ledger, intent, charge)
        _complete(ledger, session, payment_status="paid")
        invoices.make(ledger, session)
    emit(ledger, "checkout.session.completed", session)
    return session


def pay_later(
    ledger: Ledger, session_id: str, *, succeeds: bool, after: float | None = None
) -> Body:
    """Let the customer order a payment that arrives, or bounces, so many seconds later.

    Without `after` it waits until `settle` is called.
    """
    session, intent, _ = _attempt(ledger, session_id, method=objects.BANK_DEBIT)
    ledger.change(intent, status="processing")
    emit(ledger, "payment_intent.processing", intent)
    _complete(ledger, session, payment_status="unpaid")
    emit(ledger, "checkout.session.completed", session)
    if after is not None:
        outcome = "succeed" if succeeds else "fail"
        ledger.schedule(intent["id"], at=now().timestamp() + after, outcome=outcome)
    return session


def settle(ledger: Ledger, intent_id: str, *, succeeds: bool) -> Body:
    """Let a payment that was ordered arrive or bounce."""
    intent = ledger.find(intent_id, "payment_intent")
    if intent is None or intent["status"] != "processing":
        raise ApiError("This payment is not processing.", code="payment_intent_unexpected_state")
    ledger.unschedule(intent_id)
    charge = ledger.one(intent["latest_charge"])
    session = session_of(ledger, intent_id)
    if succeeds:
        _collect(ledger, intent, charge)
        before = ledger.change(session, payment_status="paid")
        invoices.make(ledger, session)
        emit(ledger, "checkout.session.async_payment_succeeded", session, before)
    else:
        _bounce(ledger, intent, charge)
        emit(ledger, "checkout.session.async_payment_failed", session)
    return session


def apply_code(ledger: Ledger, session_id: str, code: str) -> Body:
    """Let the customer enter a promotion code."""
    session = _open(ledger, session_id, doing="changed")
    parts.apply_code(ledger, session, code)
    return session


def decline(ledger: Ledger, session_id: str) -> Body:
    """Let the customer's card be declined; the session stays open for another one."""
    session, intent, charge = _attempt(ledger, session_id, method=objects.CARD)
    _bounce(ledger, intent, charge)
    return session


def session_of(ledger: Ledger, intent_id: str) -> Body:
    """Return the session that a payment belongs to."""
    return next(s for s in ledger.every("checkout.session") if s["payment_intent"] == intent_id)


def _refuse_unoffered(params: Body) -> None:
    offers = [
        ("", params, _OFFERED),
        ("invoice_creation", params.get("invoice_creation", {}), _OFFERED_INVOICE),
        ("payment_intent_data", params.get("payment_intent_data", {}), _OFFERED_INTENT),
    ]
    for i, line in enumerate(params.get("line_items", [])):
        at = f"line_items[{i}]"
        offers.append((at, line, _OFFERED_LINE))
        offers.append((f"{at}[price_data]", line.get("price_data", {}), _OFFERED_PRICE))
    for path, given, offered in offers:
        for key in sorted(given.keys() - offered):
            raise _unoffered(f"{path}[{key}]" if path else key)


def _check(params: Body) -> None:
    for key in ("mode", "line_items", "success_url"):
        if not params.get(key):
            raise _required(key)
    for key, offered in (("mode", "payment"), ("ui_mode", "hosted_page")):
        if params.get(key, offered) != offered:
            raise _unoffered(key)
    rules.check_session(params)


def _unoffered(param: str) -> InvalidParams:
    return InvalidParams(f"Stripe supports {param}, but this stand-in doesn't.", param=param)


def _required(param: str) -> InvalidParams:
    message = f"Missing required param: {param}."
    return InvalidParams(message, code="parameter_missing", param=param)


def _line(asked: Body, *, at: str) -> Body:
    for key in ("price_data", "quantity"):
        if key not in asked:
            raise _required(f"{at}[{key}]")
    price = asked["price_data"]
    for key in ("unit_amount", "product_data"):
        if key not in price:
            raise _required(f"{at}[price_data][{key}]")
    currency = price["currency"].lower()
    rules.check_currency(currency, param=f"{at}[price_data][currency]")
    for key, value in (("quantity", asked["quantity"]), ("unit_amount", price["unit_amount"])):
        if value < 0 or (key == "quantity" and value == 0):
            message = "This value must be greater than or equal to 0."
            raise InvalidParams(message, code="parameter_invalid_integer", param=f"{at}[{key}]")
    rules.check_step(price["unit_amount"], currency, param=f"{at}[price_data][unit_amount]")
    amount = price["unit_amount"] * asked["quantity"]
    return objects.line_item(asked, amount=amount, currency=currency)


def _open(ledger: Ledger, session_id: str, *, doing: str) -> Body:
    session = ledger.find(session_id, "checkout.session")
    if session is None:
        raise missing("checkout.session", session_id, param="session")
    if session["status"] != "open":
        raise ApiError(
            f'Only Checkout Sessions with a status in ["open"] can be {doing}. '
            f"This Checkout Session has a status of {session['status']}.",
        )
    return session


def _attempt(ledger: Ledger, session_id: str, *, method: str) -> tuple[Body, Body, Body]:
    session = _open(ledger, session_id, doing="paid")
    if session["expires_at"] <= now().timestamp():
        raise ApiError("This checkout has expired.")
    if session["amount_total"] == 0:
        raise ApiError("There is nothing to pay.")
    if method not in session["payment_method_types"]:
        raise ApiError(f"This checkout does not accept {method}.")
    private = ledger.private(session_id)
    if session["payment_intent"] is None:
        intent = ledger.add(objects.payment_intent(session, private["intent"]))
        emit(ledger, "payment_intent.created", intent)
        ledger.change(session, payment_intent=intent["id"])
    intent = ledger.one(session["payment_intent"])
    email = session["customer_email"]
    charge = objects.charge(intent, method=method, email=email, origin=private["origin"])
    ledger.add(charge)
    ledger.change(intent, latest_charge=charge["id"], last_payment_error=None)
    return session, intent, charge


def _complete(ledger: Ledger, session: Body, *, payment_status: str) -> None:
    details = {
        "address": None,
        "business_name": None,
        "email": session["customer_email"],
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    ledger.unschedule(session["id"])
    ledger.change(
        session,
        status="complete",
        payment_status=payment_status,
        customer_details=details,
        url=None,
    )


def _collect(ledger: Ledger, intent: Body, charge: Body) -> None:
    ledger.change(
        charge,
        status="succeeded",
        paid=True,
        captured=True,
        amount_captured=charge["amount"],
        balance_transaction=balance.charged(ledger, charge),
        outcome={
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
    )
    emit(ledger, "charge.succeeded", charge)
    ledger.change(
        intent,
        status="succeeded",
        amount_received=intent["amount"],
        payment_method=charge["payment_method"],
    )
    emit(ledger, "payment_intent.succeeded", intent)


def _bounce(ledger: Ledger, intent: Body, charge: Body) -> None:
    message = "Your card was declined."
    if charge["payment_method_details"]["type"] != objects.CARD:
        message = "The customer's bank account did not have the money."
    ledger.change(charge, status="failed", failure_code="card_declined", failure_message=message)
    emit(ledger, "charge.failed", charge)
    error = {
        "charge": charge["id"],
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": message,
        "type": "card_error",
    }
    ledger.change(intent, status="requires_payment_method", last_payment_error=error)
    emit(ledger, "payment_intent.payment_failed", intent)
