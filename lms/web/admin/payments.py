"""Payments: the list, reviews and refunds."""

from decimal import Decimal

from flask import flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField
from wtforms.validators import Optional, Regexp

from lms import payments as money_in
from lms.models.payment_status import STATUSES
from lms.models.payments import LONGEST_REFERENCE, STRIPE
from lms.money import money, plain
from lms.payments.refunds import LONGEST_REASON, new_refund_id
from lms.queries import payments as queries
from lms.queries.admin import payments as paid
from lms.queries.admin.payments import ExportedPayment
from lms.queries.payments import PaymentDetail
from lms.refusals import Invalid, KeyReused, NotAcceptable, RateLimited, Refusal
from lms.sync.explain import named, verdict
from lms.web import stripe
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import addresses, listed
from lms.web.admin.spreadsheets import export
from lms.web.errors import too_many
from lms.web.forms import (
    AmountField,
    a_number,
    in_minor_units,
    refuse,
    search_text,
    status_of,
    text_field,
)
from lms.web.keys import KEY
from lms.web.session import person, require_proof

_STATES = ("attention", *STATUSES)
_CALLED = {
    "user_email": "student",
    "course_title": "course",
    "stripe_session_id": "stripe_session",
    "stripe_payment_intent_id": "stripe_payment_intent",
    "subtotal_cents": "price",
    "invoice_number": "invoice",
}
"""Columns of the export that bookkeeping knows by other names than ours."""


class RefundForm(FlaskForm):
    """How much to refund, in the currency's own units, and why."""

    refund_id = HiddenField(
        "Refund",
        [Optional(), Regexp(rf"{KEY.pattern}\Z", message="Reload this page and try again.")],
    )
    """Made when the form is shown: pressed twice, it is the same refund."""
    amount = AmountField("Amount", [Optional(), a_number("Enter an amount, such as 49.00.")])
    reference = text_field("Reference", most=LONGEST_REFERENCE)
    """Of money that goes back by hand."""
    reason = text_field(
        "Reason", most=LONGEST_REASON, required="Enter a reason for the audit trail."
    )

    def amount_cents(self, currency: str) -> int | None:
        """Return the amount in minor units; None is everything that is left."""
        return None if self.amount.data is None else in_minor_units(self.amount, currency)


class AcceptanceForm(FlaskForm):
    """The reason for accepting the amount."""

    reason = text_field(
        "Reason", most=LONGEST_REASON, required="Enter a reason for the audit trail."
    )


@bp.get("/payments")
@live("payments", "people", "catalogue", "requests")
def payments() -> str:
    """List the payments, the latest first."""
    q, status = _chosen()
    address = addresses("admin.payments", q=q, status=status)
    found = listed(lambda page: paid.payments(page=page, q=q, status=status), address)
    return render_template(
        "admin/payments.html",
        found=found,
        counts=paid.statuses(),
        statuses=_STATES,
        q=q,
        status=status,
        address=address,
        failed_events=queries.failed_events(),
        reconciled=queries.reconciled(),
    )


@bp.get("/payments/<int:payment_id>")
@live("payments", "people", "catalogue", "requests", "access")
def payment(payment_id: int) -> str:
    """Show one payment with all its Stripe records."""
    found = queries.detail(payment_id)
    access = verdict(
        found.user_name,
        found.course_title,
        (each.kind for each in found.sources) if found.is_enrolled else None,
        is_active=found.is_active,
    )
    return render_template("admin/payment.html", payment=found, access=access)


@bp.get("/payments/<int:payment_id>/refund")
def confirm_refund(payment_id: int) -> str | Response:
    """Ask how much to refund, and why."""
    found = queries.detail(payment_id)
    if not found.refundable_cents:
        obstacle = money_in.obstacle(
            *(found.status, found.payment_intent, found.amount_cents), method=found.method
        )
        flash(obstacle.detail if obstacle else "This payment has nothing left to refund.", "info")
        return _to(payment_id)
    form = RefundForm()
    form.refund_id.data = new_refund_id()
    form.amount.data = Decimal(plain(found.refundable_cents, found.currency))
    return _refund_page(found, form)


@bp.post("/payments/<int:payment_id>/refund")
def refund(payment_id: int) -> Response | tuple[str, int]:
    """Request a refund from Stripe."""
    found = queries.detail(payment_id)
    form = RefundForm()
    if not form.validate():
        return _refund_page(found, form), status_of(form)
    require_proof()
    try:
        taken = money_in.request_refund(
            stripe.gateway(),
            payment_id,
            key=form.refund_id.data or None,
            amount_cents=form.amount_cents(found.currency),
            reference=form.reference.data or "",
            reason=form.reason.data or "",
            by=person().id,
        )
    except Invalid as refusal:
        field = "reference" if refusal.field == "reference" else "amount"
        refuse(form, Invalid(field, refusal.detail))
        return _refund_page(found, form), 422
    except KeyReused as refusal:
        flash(refusal.for_forms, "warning")
    except RateLimited as refusal:
        form.form_errors.append(refusal.detail)
        return too_many(_refund_page(found, form), refusal)
    except Refusal as refusal:
        flash(refusal.detail, "warning")
    else:
        sent = money(taken.amount_cents, taken.currency)
        flash(
            f"Refund of {sent} recorded."
            if found.method != STRIPE
            else f"Refund of {sent} requested. This page updates when Stripe confirms it.",
            "success",
        )
    return _to(payment_id)


@bp.get("/payments/<int:payment_id>/accept")
def confirm_acceptance(payment_id: int) -> str | Response:
    """Ask why what was paid is enough."""
    found = queries.detail(payment_id)
    if not found.is_acceptable:
        is_foreign = found.has_other_amount and found.access_ended_at is None
        flash(NotAcceptable.foreign if is_foreign else NotAcceptable.detail, "info")
        return _to(payment_id)
    return _acceptance_page(found, AcceptanceForm())


@bp.post("/payments/<int:payment_id>/accept")
def accept_payment(payment_id: int) -> Response | tuple[str, int]:
    """Accept what was paid instead of the price agreed."""
    found = queries.detail(payment_id)
    form = AcceptanceForm()
    if not form.validate():
        return _acceptance_page(found, form), status_of(form)
    require_proof()
    try:
        accepted = money_in.accept(payment_id, by=person().id, reason=form.reason.data or "")
    except Refusal as refusal:
        flash(refusal.detail, "warning")
    else:
        flash("Amount accepted." if accepted else "This amount was already accepted.", "success")
    return _to(payment_id)


@bp.post("/payments/<int:payment_id>/settle")
def settle(payment_id: int) -> Response:
    """Retry the enrollment of a paid student: a seat may be free now."""
    queries.detail(payment_id)
    changed = money_in.settle_payment(payment_id, by=person().id)
    flash(
        "Payment updated." if changed else "Nothing changed. This page shows the reason.",
        "success" if changed else "info",
    )
    return _to(payment_id)


@bp.post("/payments/<int:payment_id>/dismiss")
def dismiss_payment(payment_id: int) -> Response:
    """Mark a payment as reviewed."""
    if money_in.dismiss(payment_id, by=person().id):
        flash("Marked as reviewed. It will be listed again if anything else goes wrong.", "success")
    else:
        flash("Nothing to review: someone else may already have reviewed it.", "info")
    return _to(payment_id)


@bp.post("/payments/<int:payment_id>/reopen")
def reopen_payment(payment_id: int) -> Response:
    """Reopen the review of a payment."""
    if money_in.reopen(payment_id, by=person().id):
        flash("Reopened for review.", "success")
    return _to(payment_id)


@bp.get("/payments.csv")
def payments_csv() -> Response:
    """Export the payments, with the people who made them, for the books."""
    q, status = _chosen()
    return export(
        "payments",
        ExportedPayment,
        lambda: paid.every_payment(q=q, status=status),
        called=_CALLED,
    )


def _chosen() -> tuple[str, str]:
    status = request.args.get("status", "")
    return search_text(), status if status in _STATES else ""


def _refund_page(found: PaymentDetail, form: RefundForm) -> str:
    return render_template(
        "admin/payment_refund.html",
        payment=found,
        form=form,
        others=named(found.other_sources) if found.other_sources else "",
    )


def _acceptance_page(found: PaymentDetail, form: AcceptanceForm) -> str:
    return render_template("admin/payment_accept.html", payment=found, form=form)


def _to(payment_id: int) -> Response:
    return redirect(url_for("admin.payment", payment_id=payment_id), 303)
