"""Accepting an invitation: the page that its link opens."""

from flask import flash, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from lms import accounts
from lms.refusals import Invalid, InvitationAccepted, InvitationNotPossible, SecondFactorNeeded
from lms.web.asking import device
from lms.web.auth.blueprint import bp, no_longer, page
from lms.web.auth.forms import ResetForm
from lms.web.auth.second_step import lead_to_second_step
from lms.web.forms import refuse
from lms.web.session import begin, home
from lms.web.signing import keys


@bp.route("/invitation/<token>", methods=["GET", "POST"])
def invitation(token: str) -> Response:
    """Choose the first password of an account; opening the link does not use it up."""
    form = ResetForm()
    try:
        account = accounts.check_invitation(token, secret=keys())
        if form.is_submitted() and form.validate():
            password = str(form.password.data)
            begin(accounts.accept_invitation(token, password, secret=keys(), device=device()))
            flash("Welcome! Your account is ready.", "success")
            return redirect(home(), 303)
    except Invalid as refusal:
        refuse(form, refusal)
    except SecondFactorNeeded as needed:
        return lead_to_second_step(needed, target=None, remember=False)
    except InvitationAccepted as refusal:
        is_in = current_user.is_authenticated
        flash(refusal.for_signed_in if is_in else refusal.detail, "info")
        return redirect(home() if is_in else url_for("auth.login"), 303)
    except InvitationNotPossible as refusal:
        ways_out = [
            ("Send me a new link", url_for("auth.forgot")),
            ("Go to sign-in", url_for("auth.login")),
        ]
        return no_longer("invitation", refusal, ways_out)
    return page("auth/invitation.html", form, token=token, email=account.email)
