"""Invoices of what was paid at a checkout that asked for one.

https://docs.stripe.com/payments/checkout/post-payment-invoices: Stripe makes it, paid already, as
soon as the payment succeeds, and tells `invoice.paid`; until then `session.invoice` is null.
"""

import secrets

from lms.db import now
from lms.demo.stripe import objects
from lms.demo.stripe.events import emit
from lms.demo.stripe.store import Body, Ledger


def make(ledger: Ledger, session: Body) -> None:
    """Make the invoice of a session that was paid, if it was opened with one."""
    if not session["invoice_creation"]["enabled"]:
        return
    private = ledger.private(session["id"])
    made = ledger.add(_invoice(session, private["line_items"], origin=private["origin"]))
    ledger.change(session, invoice=made["id"])
    emit(ledger, "invoice.paid", made)


def _invoice(session: Body, items: list[Body], *, origin: str) -> Body:
    identifier = objects.new_id("in")
    created = int(now().timestamp())
    total, details = session["amount_total"], session["total_details"]
    is_taxed = session["automatic_tax"]["enabled"]
    tax = {
        "amount": details["amount_tax"],
        "tax_behavior": "exclusive",
        "tax_rate_details": None,
        "taxability_reason": "standard_rated",
        "taxable_amount": total - details["amount_tax"],
        "type": "tax_rate_details",
    }
    return {
        "id": identifier,
        "object": "invoice",
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": total,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": True,
        "auto_advance": False,
        "automatic_tax": session["automatic_tax"] | {"disabled_reason": None},
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "created": created,
        "currency": session["currency"],
        "customer": objects.new_id("cus"),
        "customer_email": session["customer_email"],
        "default_tax_rates": [],
        "discounts": [],
        "effective_at": created,
        "hosted_invoice_url": f"{origin}/invoices/{identifier}",
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "lines": {
            "object": "list",
            "data": [_line(item, identifier, created) for item in items],
            "has_more": False,
            "url": f"/v1/invoices/{identifier}/lines",
        },
        "livemode": False,
        "metadata": {},
        # https://docs.stripe.com/invoicing/customize#invoice-numbering-schemes: by default, each
        # customer's prefix and a number that rises with each invoice of theirs.
        "number": f"{secrets.token_hex(4).upper()}-0001",
        "payment_settings": {"payment_method_options": None, "payment_method_types": None},
        "period_end": created,
        "period_start": created,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": "paid",
        "status_transitions": {
            "finalized_at": created,
            "marked_uncollectible_at": None,
            "paid_at": created,
            "voided_at": None,
        },
        "subtotal": session["amount_subtotal"],
        "total": total,
        "total_taxes": [tax] if is_taxed else [],
    }


def _line(item: Body, invoice: str, created: int) -> Body:
    return {
        "id": objects.new_id("il"),
        "object": "line_item",
        "amount": item["amount_subtotal"],
        "currency": item["currency"],
        "description": item["description"],
        "discountable": True,
        "discounts": [],
        "invoice": invoice,
        "livemode": False,
        "metadata": {},
        "period": {"end": created, "start": created},
        "quantity": item["quantity"],
        "subtotal": item["amount_subtotal"],
    }
