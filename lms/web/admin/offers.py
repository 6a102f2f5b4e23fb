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
def confirm_withdrawal(offer_id: int) -> str:
    """Show what withdrawing an offer means for its student."""
    return _page(offer_id, ReasonForm(formdata=None))


@bp.post("/offers/<int:offer_id>/withdraw")
def withdraw_offer(offer_id: int) -> Response | tuple[str, int]:
    """Withdraw an offer, with a reason for the student."""
    form = ReasonForm()
    if not form.validate():
        return _page(offer_id, form), status_of(form)
    try:
        student_id, _ = enrollment.withdraw_offer(
            offer_id, by=person().id, reason=form.reason.data or ""
        )
    except OfferNotFound as refusal:  # declined, paid or over meanwhile
        flash(refusal.detail, "warning")
        return redirect(url_for("admin.courses"), 303)
    flash("Offer withdrawn. The student has been told.", "success")
    return redirect(url_for("admin.student", student_id=student_id), 303)


def _page(offer_id: int, form: ReasonForm) -> str:
    return render_template(
        "admin/offer_withdraw.html", offer=offers.open_offer(offer_id), form=form
    )
