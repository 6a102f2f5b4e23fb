"""A forgotten password: a link by e-mail, and the page that it opens."""

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from lms import accounts
from lms.refusals import Invalid, RateLimited, ResetNotPossible
from lms.web.addresses import is_mail_sent, mailed_link
from lms.web.asking import limit
from lms.web.auth.blueprint import bp, page
from lms.web.auth.forms import EmailForm, ResetForm
from lms.web.forms import refuse
from lms.web.session import end
from lms.web.signing import keys


@bp.route("/forgot", methods=["GET", "POST"])
def forgot() -> Response:
    """Send a link for a new password; the answer is the same where there is no such account."""
    form = EmailForm()
    if form.is_submitted() and form.validate():
        try:
            email, link = str(form.email.data), mailed_link("auth.reset")
            accounts.request_password_reset(email, link=link, secret=keys(), place=limit().place)
        except RateLimited as refusal:
            return page("auth/forgot.html", form, refusal, is_mail_sent=is_mail_sent())
        flash(
            "If there is an account with this address, we've sent a link that works for one hour.",
            "info",
        )
        return redirect(url_for("auth.login"), 303)
    return page("auth/forgot.html", form, is_mail_sent=is_mail_sent())


@bp.route("/reset/<token>", methods=["GET", "POST"])
def reset(token: str) -> Response:
    """Choose a new password by a link from an e-mail; opening the link does not use it up."""
    form = ResetForm()
    try:
        accounts.check_reset(token, secret=keys())
        if form.is_submitted() and form.validate():
            accounts.reset_password(token, str(form.password.data), secret=keys())
            end()
            flash("Password changed. Sign in with your new password.", "success")
            return redirect(url_for("auth.login"), 303)
    except Invalid as refusal:
        refuse(form, refusal)
    except ResetNotPossible as refusal:
        flash(refusal.detail if is_mail_sent() else refusal.without_mail, "warning")
        return redirect(url_for("auth.forgot"), 303)
    return page("auth/reset.html", form, token=token)
