"""The first page of a new school: whoever has its link becomes the first admin."""

from flask import flash, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from lms import accounts
from lms.models.columns import LONGEST_EMAIL
from lms.models.school import LONGEST_ADDRESS, LONGEST_SCHOOL, LONGEST_ZONE
from lms.refusals import Invalid, SchoolIsOpen, SetupNotPossible
from lms.school import is_overruled
from lms.times import zone_names
from lms.web.asking import device
from lms.web.auth.blueprint import bp, no_longer, page
from lms.web.auth.forms import AccountForm
from lms.web.forms import refuse, text_field
from lms.web.security import NOT_KEPT
from lms.web.session import begin, home
from lms.web.signing import keys

_ASKED = {
    "name": "school",
    "time_zone": "time_zone",
    "currency": "currency",
    "contact": "contact",
    "address": "address",
}
"""By which field of the form each setting is asked for."""


class SetupForm(AccountForm):
    """The first admin's account, and the school."""

    school = text_field("School's name", most=LONGEST_SCHOOL)
    time_zone = text_field("Time zone", most=LONGEST_ZONE)
    currency = text_field("Currency", most=3)
    contact = text_field("Contact e-mail", most=LONGEST_EMAIL)
    address = text_field("Seller's address", most=LONGEST_ADDRESS)

    def settings(self) -> dict[str, str]:
        """Return what was chosen for the school, of what the environment leaves open."""
        typed = {name: self[_ASKED[name]].data for name in _asked()}
        return {name: value for name, value in typed.items() if value}


@bp.route("/setup/<token>", methods=["GET", "POST"])
def setup(token: str) -> Response:
    """Make the first admin; opening the link does not use it up."""
    form = SetupForm()
    try:
        accounts.check_setup(token, secret=keys())
        if form.is_submitted() and form.validate():
            typed = {name: str(form[name].data) for name in ("email", "name", "password")}
            begin(
                accounts.open_school(
                    token, **typed, secret=keys(), device=device(), settings=form.settings()
                )
            )
            flash("Welcome! Your school is ready.", "success")
            return redirect(home(), 303)
    except Invalid as refusal:
        refuse(form, refusal)
    except SchoolIsOpen as refusal:
        if current_user.is_authenticated:
            return redirect(home(), 303)
        flash(refusal.for_visitors, "info")
        return redirect(url_for("auth.login"), 303)
    except SetupNotPossible as refusal:
        return no_longer("link", refusal, [("Sign in", url_for("auth.login"))])
    response = page("auth/setup.html", form, token=token, asked=_asked(), zones=zone_names())
    response.headers["Cache-Control"] = NOT_KEPT  # its address is a secret
    return response


def _asked() -> list[str]:
    """Return which settings the environment leaves open."""
    return [name for name in _ASKED if not is_overruled(name)]
