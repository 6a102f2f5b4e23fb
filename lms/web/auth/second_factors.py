"""A person's own second factors: setting one up, naming and removing them, recovery codes."""

from typing import Any

import segno
from flask import (
    Response as FlaskResponse,
)
from flask import (
    current_app,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    url_for,
)
from flask_wtf import FlaskForm
from itsdangerous import BadData
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired

from lms import accounts
from lms.accounts.codes import new_secret, provisioning_uri
from lms.accounts.factors import Here
from lms.accounts.passkeys import creation_options
from lms.models import LONGEST_FACTOR_NAME
from lms.queries.people import Factor, factors, passkeys, recovery_codes_left
from lms.refusals import FactorKnown, Invalid, LastFactor, NoFactor, PasskeyRefused
from lms.web.addresses import next_page, whole
from lms.web.asking import device
from lms.web.auth.blueprint import bp, page
from lms.web.auth.challenges import PasskeyForm, answered, named_address, new_challenge, party
from lms.web.forms import refuse, text_field
from lms.web.school import school
from lms.web.session import person, require_anybody, require_proof, require_signed_in
from lms.web.signing import keys, serializer

_SETUP = "second-factor-app"
_SETUP_SECONDS = 900
"""How long a shown secret can be confirmed."""


class AppForm(FlaskForm):
    """The code that shows that an app has the secret, which is in `setup`, signed."""

    name = text_field("Name", most=LONGEST_FACTOR_NAME, required="Enter a name.")
    code = StringField("Code", validators=[InputRequired("Enter the code that the app shows.")])
    setup = HiddenField()


class NewPasskeyForm(PasskeyForm):
    """A browser's answer, and what to call the passkey."""

    name = text_field("Name", most=LONGEST_FACTOR_NAME, required="Enter a name.")


class FactorForm(FlaskForm):
    """What a factor is called."""

    name = text_field("Name", most=LONGEST_FACTOR_NAME, required="Enter a name.")


@bp.get("/profile/second-factor")
def second_factor() -> Response:
    """Show a person's second factors; where one is missing that is required, nothing else."""
    require_signed_in()
    return make_response(
        render_template("auth/second_factor.html", next=next_page(), **shown(person().id))
    )


def shown(user_id: int) -> dict[str, Any]:
    """Return what pages show of a person's second factors."""
    return {
        "factors": factors(user_id),
        "codes_left": recovery_codes_left(user_id),
        "most_factors": accounts.MOST_FACTORS,
    }


@bp.route("/profile/second-factor/app", methods=["GET", "POST"])
def add_app() -> Response:
    """Set up an app that makes codes: it reads a secret, and shows by a code that it has it."""
    require_signed_in()
    require_proof()
    form = AppForm(data={"name": "Authenticator app"})
    secret = _confirmable(form)
    if form.is_submitted() and form.validate() and not form.form_errors:
        try:
            made = accounts.add_app(
                person().id,
                secret=secret,
                code=str(form.code.data),
                name=str(form.name.data),
                here=_here("auth.login"),
                keys=keys(),
            )
        except Invalid as refusal:
            refuse(form, refusal)
        except FactorKnown as refusal:
            return _known(refusal)
        else:
            return _added(made)
    form.setup.data = serializer(_SETUP).dumps([person().sign_in_id, secret])
    uri = provisioning_uri(secret, email=person().email, school=school().name)
    grouped = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return page("auth/add_app.html", form, next=next_page(), secret=grouped, qr=_qr(uri), uri=uri)


@bp.route("/profile/second-factor/passkey", methods=["GET", "POST"])
def add_passkey() -> Response:
    """Set up a passkey."""
    require_signed_in()
    require_proof()
    form = NewPasskeyForm(data={"name": device() or "Passkey"})
    if form.is_submitted() and form.validate():
        try:
            shown_by_browser = answered("add", form, person().id)
            made = accounts.add_passkey(
                person().id, shown_by_browser, name=str(form.name.data), here=_here("auth.login")
            )
        except Invalid as refusal:
            refuse(form, refusal)
        except PasskeyRefused as refusal:
            form.form_errors.append(refusal.detail)
        except FactorKnown as refusal:
            return _known(refusal)
        else:
            return _added(made)
    elsewhere = named_address(url_for("auth.add_passkey", next=next_page()))
    works_here = party() is not None
    return page(
        "auth/add_passkey.html", form, next=next_page(), works_here=works_here, elsewhere=elsewhere
    )


@bp.get("/profile/second-factor/passkey/options")
def passkey_options() -> FlaskResponse:
    """Give the browser what it makes a passkey of."""
    require_signed_in()
    if (known := party()) is None:
        raise NotFound
    me = person()
    challenge, state = new_challenge("add", me.id)
    asked = creation_options(
        known, challenge, user_id=me.id, email=me.email, name=me.name, known=passkeys(me.id)
    )
    return jsonify(options=asked, state=state)


@bp.route("/profile/second-factor/<int:factor_id>", methods=["GET", "POST"])
def factor(factor_id: int) -> Response:
    """Show one factor, and change its name."""
    require_anybody()
    found = _own(factor_id)
    form = FactorForm(data={"name": found.name})
    if form.is_submitted() and form.validate():
        accounts.rename_factor(person().id, factor_id, str(form.name.data))
        flash("Name saved.", "success")
        return _back()
    is_last = len(factors(person().id)) == 1
    return page("auth/factor.html", form, factor=found, is_last=is_last, is_required=_is_required())


@bp.post("/profile/second-factor/<int:factor_id>/remove")
def remove_factor(factor_id: int) -> Response:
    """Remove one factor."""
    require_anybody()
    require_proof()
    try:
        accounts.remove_factor(
            person().id, factor_id, here=_here("auth.profile"), is_required=_is_required()
        )
    except LastFactor as refusal:
        flash(refusal.detail, "warning")
    else:
        flash("Second factor removed. You're signed out everywhere else.", "success")
    return _back()


@bp.post("/profile/second-factor/codes")
def recovery_codes() -> Response:
    """Make new recovery codes, and show them this once."""
    require_anybody()
    require_proof()
    try:
        made = accounts.make_recovery_codes(person().id, here=_here("auth.login"))
    except NoFactor as refusal:
        flash(refusal.detail, "warning")
        return _back()
    return _codes_page(made, is_new=False)


def _is_required() -> bool:
    """Return whether this person may not be without a second factor."""
    rule = current_app.config["LMS_SECOND_FACTOR"]
    return rule == "all" or (rule == "admins" and person().role == "admin")


def _own(factor_id: int) -> Factor:
    for found in factors(person().id):
        if found.id == factor_id:
            return found
    raise NotFound("This second factor doesn't exist. It may have been removed.")


def _here(leads_to: str) -> Here:
    return Here(person().sign_in_id, whole(leads_to))


def _confirmable(form: AppForm) -> str:
    """Return the secret that the form was shown with, or a new one."""
    try:
        sign_in_id, secret = serializer(_SETUP).loads(form.setup.data or "", max_age=_SETUP_SECONDS)
    except (BadData, ValueError):
        pass
    else:
        if sign_in_id == person().sign_in_id:
            return str(secret)
    if form.is_submitted():
        form.form_errors.append("That took too long. Scan the new code, and try again.")
        form.code.data = ""
    return new_secret()


def _qr(uri: str) -> Markup:
    """Return a QR code as the page can hold it: the policy allows no images made on the fly."""
    drawn = segno.make(uri, error="m", micro=False)
    # Light on both themes: many scanners read no other.
    svg = drawn.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True)
    return Markup(svg)  # noqa: S704 - drawn by segno, of squares alone  # nosec B704


def _added(made: list[str]) -> Response:
    flash("Second factor added. You're signed out everywhere else.", "success")
    if made:
        return _codes_page(made, is_new=True)
    return redirect(next_page() or url_for("auth.profile") + "#second-factor-card", 303)


def _known(refusal: FactorKnown) -> Response:
    flash(refusal.detail, "info")
    return _back()


def _codes_page(codes: list[str], *, is_new: bool) -> Response:
    # Not after a redirect: they are kept nowhere from where they could be shown again.
    return make_response(
        render_template("auth/recovery_codes.html", codes=codes, is_new=is_new, next=next_page())
    )


def _back() -> Response:
    return redirect(url_for("auth.profile") + "#second-factor-card", 303)
