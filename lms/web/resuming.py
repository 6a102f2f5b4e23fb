"""Sending again, after signing in, what arrived when the sign-in had ended."""

from flask import Blueprint, flash, redirect, render_template
from werkzeug.wrappers import Response

from lms import accounts
from lms.refusals import FormNotKept
from lms.web.interrupted import labelled
from lms.web.session import home, person, require_anybody

bp = Blueprint("resuming", __name__, url_prefix="/resume")
bp.before_request(require_anybody)


@bp.get("/<key>")
def show(key: str) -> str | Response:
    """Show what was typed, and ask whether to send it."""
    try:
        form = accounts.kept_form(key, person().id)
    except FormNotKept as refusal:
        return _home(refusal)
    page = form.page or home()
    return render_template(
        "resume.html",
        key=key,
        fields=form.fields,
        shown=labelled(form.fields),
        page=page,
        is_page_known=bool(form.page),
    )


@bp.post("/<key>")
def send(key: str) -> Response:
    """Let the browser send the form once more to where it was sent at first."""
    try:
        form = accounts.kept_form(key, person().id)
    except FormNotKept as refusal:
        return _home(refusal)
    accounts.sending_form(key, person().id)
    return redirect(form.address, 307)  # the same method and fields


def _home(refusal: FormNotKept) -> Response:
    flash(refusal.detail, "info")
    return redirect(home(), 303)
