"""The first page of a new school: whoever has its link becomes the first admin."""

from flask import flash, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from lms import accounts
from lms.models.school import LONGEST_SCHOOL, LONGEST_ZONE
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


class SetupForm(AccountForm):
    """The first admin's account, and the school."""

    school = text_field("School's name", most=LONGEST_SCHOOL)
    time_zone = text_field("Time zone", most=LONGEST_ZONE)

    def settings(self) -> dict[str, str]:
        """Return what was chosen for the school, of what the environment leaves open."""
        typed = {"name": self.school.data, "time_zone": self.time_zone.data}
        return {name: value for name, value in typed.items() if value and not is_overruled(name)}


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
    asked = [name for name in ("name", "time_zone") if not is_overruled(name)]
    response = page("auth/setup.html", form, token=token, asked=asked, zones=zone_names())
    response.headers["Cache-Control"] = NOT_KEPT  # its address is a secret
    return response
