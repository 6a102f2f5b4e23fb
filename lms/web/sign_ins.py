"""A person's own sign-ins: ending one, or all but this."""

from flask import Blueprint, flash, redirect, url_for
from werkzeug.wrappers import Response

from lms import accounts
from lms.web.session import person, require_anybody, sign_out

bp = Blueprint("sign_ins", __name__, url_prefix="/profile/sign-ins")
bp.before_request(require_anybody)


@bp.post("/<int:sign_in_id>/end")
def end_one(sign_in_id: int) -> Response:
    """Sign out of one browser; of this one as by the button of every page."""
    if sign_in_id == person().sign_in_id:
        return sign_out()
    accounts.end_sign_in(person().id, sign_in_id)
    flash("Signed out of that browser.", "success")
    return redirect(url_for("auth.profile") + "#sign-ins-card", 303)


@bp.post("/end-others")
def end_others() -> Response:
    """Sign out of every other browser."""
    accounts.end_other_sign_ins(person().id, but=person().sign_in_id)
    flash("You're signed out everywhere else.", "success")
    return redirect(url_for("auth.profile") + "#sign-ins-card", 303)
