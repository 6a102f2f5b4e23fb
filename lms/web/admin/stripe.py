"""Stripe events: the inbox, applying one again, and reconciliation."""

from typing import Literal, get_args

from flask import current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lms import payments
from lms.queries import payments as queries
from lms.queries.payments import InboxRow
from lms.refusals import Refusal
from lms.web import stripe
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import addresses, listed
from lms.web.admin.spreadsheets import export
from lms.web.forms import way_back

_Status = Literal["done", "ignored", "failed"]


@bp.get("/payments/inbox")
@live("payments", "requests")
def stripe_inbox() -> str:
    """List Stripe's events, newest first."""
    status = _chosen()
    address = addresses("admin.stripe_inbox", status=status)
    found = listed(lambda page: queries.inbox(page=page, status=status), address)
    return render_template(
        "admin/payments_inbox.html",
        found=found,
        status=status,
        statuses=get_args(_Status),
        address=address,
        reconciled=queries.reconciled(),
    )


@bp.get("/payments/inbox.csv")
def stripe_inbox_csv() -> Response:
    """Export Stripe's events."""
    return export("stripe-events", InboxRow, lambda: queries.every_event(status=_chosen()))


@bp.post("/payments/inbox/<int:inbox_id>/replay")
def replay(inbox_id: int) -> Response:
    """Apply an event again."""
    try:
        outcome = payments.replay(inbox_id, stripe.gateway())
    except Refusal:
        raise
    except Exception:
        current_app.logger.exception("replaying event %d failed", inbox_id)
        flash("The event failed again; the list shows the error. Nothing was changed.", "danger")
    else:
        flash(f"Event processed again. Outcome: {outcome}.", "success")
    return redirect(way_back(url_for("admin.stripe_inbox")), 303)


@bp.post("/payments/reconcile")
def reconcile() -> Response:
    """Fetch from Stripe what its webhook did not deliver."""
    try:
        report = payments.reconcile(stripe.gateway())
    except Refusal as refusal:
        flash(refusal.detail, "warning")
    else:
        if report.is_complete:
            flash(f"Reconciled with Stripe. Changes: {report.changed}.", "success")
        else:
            flash(
                f"Reconciliation is incomplete: {report.failures[0].removesuffix('.')}.",
                "warning",
            )
    return redirect(way_back(url_for("admin.payments")), 303)


def _chosen() -> str:
    status = request.args.get("status", "")
    return status if status in get_args(_Status) else ""
