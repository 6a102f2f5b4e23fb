"""Payments: to Stripe and back, and the receipt."""

import contextlib

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lms import payments
from lms.payments.gateway import Busy, Declined
from lms.queries import payments as queries
from lms.queries.payments import Receipt
from lms.queries.seller import seller
from lms.refusals import PaymentNotFound, Refusal
from lms.web import stripe
from lms.web.live import live
from lms.web.session import person, require

bp = Blueprint("payments", __name__, url_prefix="/student/payments")
bp.before_request(require("student"))


@bp.get("/return")
def back() -> Response:
    """Redirect a student who returns from Stripe to the payment.

    The address only says which payment; its state comes from Stripe. This is
    the one GET that changes something, since it is how Stripe sends people back; it makes the
    portal independent of the webhook.
    """
    reference = request.args.get("reference", "")
    if not (reference.isascii() and reference.isprintable()):  # PostgreSQL cannot even look for NUL
        raise PaymentNotFound
    found = queries.receipt_by_reference(person().id, reference)
    _ask_stripe(found)
    return redirect(url_for(".payment", payment_id=found.id), 303)


@bp.get("/<int:payment_id>")
@live("catalogue")
def payment(payment_id: int) -> str:
    """Show one payment and its status."""
    return render_template("student/payment.html", payment=queries.receipt(person().id, payment_id))


@bp.post("/<int:payment_id>/check")
def check(payment_id: int) -> Response:
    """Ask Stripe whether the money has arrived."""
    found = queries.receipt(person().id, payment_id)
    if _ask_stripe(found):
        flash("Your payment was updated.", "success")
    elif found.is_waiting:  # else the webhook was faster, and the page says what came of it
        flash("The payment isn't confirmed yet.", "info")
    return redirect(url_for(".payment", payment_id=payment_id), 303)


@bp.get("/<int:payment_id>/receipt")
def receipt(payment_id: int) -> str | Response:
    """Show the receipt, to be printed or kept."""
    found = queries.receipt(person().id, payment_id)
    if found.paid_at is None:
        flash("A receipt is available once the payment is complete.", "info")
        return redirect(url_for(".payment", payment_id=payment_id), 303)
    sold_by = seller(found.paid_at)
    return render_template("student/receipt.html", payment=found, seller=sold_by)


def _ask_stripe(found: Receipt) -> bool:
    """Apply Stripe's state of a processing payment; True if that changed it.

    If Stripe can't be reached, the webhook or reconciliation applies it later.
    """
    gateway = stripe.gateway()
    if gateway is None or not found.is_waiting or found.session_id is None:
        return False
    with contextlib.suppress(Refusal, Declined, Busy):
        return payments.observe(gateway.without_retries.checkout(found.session_id).fact)
    return False
