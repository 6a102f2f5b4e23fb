"""Another address for one's own account: chosen in the profile, confirmed and undone by links."""

from flask import flash, redirect, session, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from lms import accounts
from lms.refusals import (
    AddressChangeNotPossible,
    AddressUndoNotPossible,
    EmailTaken,
    Invalid,
    RateLimited,
)
from lms.web.addresses import mailed, mailed_link
from lms.web.asking import device, limit
from lms.web.auth.blueprint import admission, bp, page
from lms.web.auth.forms import AddressForm
from lms.web.auth.profile import profile_page
from lms.web.forms import refuse
from lms.web.session import begin, end, person, require_anybody
from lms.web.signing import keys


@bp.post("/profile/address")
def choose_address() -> Response:
    """Send a link to the address that a person wants to have."""
    require_anybody()
    form = AddressForm()
    if form.validate():
        try:
            email = str(form.email.data)
            if person().role == "student":  # an admin may have one of another domain
                accounts.check_domain(admission(), email)
            accounts.choose_address(
                person().id,
                email=email,
                current=str(form.current_password.data),
                limit=limit(),
                link=mailed_link("auth.confirm_address"),
                sign_in_page=mailed("auth.login"),
                secret=keys(),
            )
        except Invalid as refusal:
            refuse(form, refusal)
        except RateLimited as refusal:
            return profile_page(form, refusal)
        else:
            return _sent()
    return profile_page(form)


@bp.post("/profile/address/again")
def resend_address() -> Response:
    """Send the link to the chosen address again."""
    require_anybody()
    try:
        accounts.ask_again(
            person().id,
            link=mailed_link("auth.confirm_address"),
            sign_in_page=mailed("auth.login"),
            secret=keys(),
        )
    except AddressChangeNotPossible as refusal:
        return _back(refusal.none_waits, "warning")
    return _sent()


@bp.post("/profile/address/cancel")
def cancel_address() -> Response:
    """Keep the present address."""
    require_anybody()
    accounts.cancel_address(person().id)
    return _back("Change canceled. Your address stays the same.", "success")


@bp.route("/profile/address/<token>", methods=["GET", "POST"])
def confirm_address(token: str) -> Response:
    """Confirm the chosen address by the link sent to it; opening it changes nothing yet."""
    require_anybody()
    form = FlaskForm()
    try:
        email = accounts.check_chosen(person().id, token, secret=keys())
        if form.validate_on_submit():
            remember = session.permanent
            sign_in = accounts.confirm_address(
                person().id,
                token,
                sign_in_id=person().sign_in_id,
                undo_link=mailed_link("auth.undo_address"),
                secret=keys(),
                device=device(),
                remember=remember,
            )
            begin(sign_in, remember=remember)
            return _back(f"Your address is now {email}. Sign in with it from now on.", "success")
    except EmailTaken:
        return _back("Another account now has this address. Choose a different one.", "warning")
    except AddressChangeNotPossible as refusal:
        return _back(refusal.detail, "warning")
    return page("auth/address_confirm.html", form, token=token, email=email)


@bp.route("/address/<token>", methods=["GET", "POST"])
def undo_address(token: str) -> Response:
    """Restore an old address by the link sent to it, whoever is signed in."""
    form = FlaskForm()
    try:
        former = accounts.check_undo(token)
        if form.validate_on_submit():
            is_own = current_user.is_authenticated and person().id == former.user_id
            former = accounts.undo_address(token, sign_in_page=mailed("auth.login"))
            if is_own:
                end()
            # Counted by the link, which works once: nobody else's tries can keep this mail back.
            email, link = former.email, mailed_link("auth.reset")
            accounts.request_password_reset(email, link=link, secret=keys(), place=token)
            next_step = "We've sent you a link to choose a new one."
            if not former.is_active:
                next_step = "The account is deactivated. Ask your school to reactivate it."
            flash(
                f"Your account has the address {email} again. Everyone was signed out, second"
                " factors added recently were removed, and the password no longer works, since"
                f" someone else may know it. {next_step}",
                "success",
            )
            return redirect(url_for("auth.login"), 303)
    except EmailTaken:
        refused = "Another account now has this address. Ask your school for help."
        flash(refused, "warning")
        return redirect(url_for("auth.login"), 303)
    except AddressUndoNotPossible as refusal:
        flash(refusal.detail, "warning")
        return redirect(url_for("auth.login"), 303)
    return page("auth/address_undo.html", form, token=token, former=former)


def _sent() -> Response:
    return _back(
        "We've sent a link to the new address. Open it in a browser where you're signed in.",
        "info",
    )


def _back(words: str, tone: str) -> Response:
    flash(words, tone)
    return redirect(url_for("auth.profile") + "#address-card", 303)
