"""Offers: taking back a seat that is held for a student."""

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.queries.admin import offers
from lms.refusals import OfferNotFound
from lms.web.admin.blueprint import bp
from lms.web.admin.forms import ReasonForm
from lms.web.forms import status_of
from lms.web.session import person


@bp.get("/offers/<int:offer_id>/withdraw")
def confirm_withdrawal(offer_id: int) -> Response | tuple[str, int]:
    """Show what withdrawing an offer means for its student."""
    return _page(offer_id, ReasonForm(formdata=None), 200)


@bp.post("/offers/<int:offer_id>/withdraw")
def withdraw_offer(offer_id: int) -> Response | tuple[str, int]:
    """Withdraw an offer, with a reason for the student."""
    form = ReasonForm()
    if not form.validate():
        return _page(offer_id, form, status_of(form))
    try:
        student_id, _ = enrollment.withdraw_offer(
            offer_id, by=person().id, reason=form.reason.data or ""
        )
    except OfferNotFound as refusal:
        return _is_over(refusal)
    flash("Offer withdrawn. The student was notified.", "success")
    return redirect(url_for("admin.student", student_id=student_id), 303)


def _page(offer_id: int, form: ReasonForm, status: int) -> Response | tuple[str, int]:
    try:
        offer = offers.open_offer(offer_id)
    except OfferNotFound as refusal:
        return _is_over(refusal)
    return render_template("admin/offer_withdraw.html", offer=offer, form=form), status


def _is_over(refusal: OfferNotFound) -> Response:
    """Say of an offer that it was declined, paid or over meanwhile."""
    flash(refusal.detail, "warning")
    return redirect(url_for("admin.courses"), 303)
