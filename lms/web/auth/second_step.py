"""The second step of a sign-in, and signing in by a passkey alone."""

from typing import Any

from flask import flash, jsonify, redirect, request, session, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired

from lms import accounts
from lms.accounts.links import Account
from lms.accounts.passkeys import request_options
from lms.accounts.second_step import Shown, Typed
from lms.queries.people import factors, passkeys
from lms.refusals import (
    PasskeyRefused,
    RateLimited,
    Refusal,
    SecondFactorNeeded,
    WrongCode,
    WrongCredentials,
)
from lms.web.addresses import next_page, whole
from lms.web.asking import device, limit
from lms.web.auth.blueprint import bp, page
from lms.web.auth.challenges import PasskeyForm, answered, new_challenge, party
from lms.web.security import NOT_KEPT
from lms.web.session import begin, home
from lms.web.signing import keys

_HALFWAY = "second-step"
"""In the session: who has shown the password in this browser, and whether to keep them signed in.

Signed and short-lived; it opens nothing but the second step.
"""


class CodeForm(FlaskForm):
    code = StringField("Code", validators=[InputRequired("Enter a code.")])


def lead_to_second_step(
    needed: SecondFactorNeeded, *, target: str | None, remember: bool
) -> Response:
    """Ask whoever has shown the password for the second factor; nobody is signed in yet."""
    account = Account(needed.user_id, needed.email, "", needed.password_hash, is_proven=True)
    session[_HALFWAY] = accounts.second_step(account, keys=keys()), remember
    return redirect(url_for("auth.second_step", next=target), 303)


@bp.route("/login/second-step", methods=["GET", "POST"])
def second_step() -> Response:
    """Sign in by a code, after the password."""
    if (account := _halfway()) is None:
        return _from_the_start()
    form = CodeForm()
    if form.is_submitted() and form.validate():
        typed = Typed(str(form.code.data), keys(), whole("auth.profile"))
        return _step(account, typed, form)
    return _second_step_page(account, form)


@bp.post("/login/second-step/passkey")
def second_step_by_passkey() -> Response:
    """Sign in by a passkey, after the password."""
    if (account := _halfway()) is None:
        return _from_the_start()
    form = PasskeyForm()
    if form.validate():
        try:
            return _step(account, answered("second-step", form, account.id), form)
        except PasskeyRefused as refusal:
            return _second_step_page(account, form, refusal)
    return _second_step_page(account, form)


@bp.get("/login/second-step/passkey")
def second_step_options() -> Response:
    """Give the browser what it asks a passkey for."""
    if (account := _halfway()) is None:
        raise NotFound
    return options("second-step", account.id)


@bp.post("/login/passkey")
def sign_in_by_passkey() -> Response:
    """Sign in by a passkey alone."""
    target = next_page()
    form = PasskeyForm()
    if form.validate():
        try:
            token = accounts.sign_in_by_passkey(answered("sign-in", form), device=device())
        except PasskeyRefused as refusal:
            flash(refusal.detail, "warning")
        else:
            begin(token)
            return redirect(target or home(), 303)
    return redirect(url_for("auth.login", next=target), 303)


@bp.get("/login/passkey")
def sign_in_options() -> Response:
    """Give the browser what it asks a passkey for that signs in alone."""
    return options("sign-in")


def options(purpose: Any, user_id: int = 0) -> Response:
    """Return what a passkey is asked for, with a new challenge."""
    if (known := party()) is None:
        raise NotFound
    challenge, state = new_challenge(purpose, user_id)
    ids = passkeys(user_id) if user_id else []
    asked = request_options(known, challenge, known=ids, alone=not user_id)
    response = jsonify(options=asked, state=state)
    response.headers["Cache-Control"] = NOT_KEPT
    return response


def _step(account: Account, shown: Shown, form: FlaskForm) -> Response:
    _state, remember = session[_HALFWAY]
    try:
        token = accounts.take_second_step(
            account, shown, limit=limit(), device=device(), remember=bool(remember)
        )
    except (WrongCode, PasskeyRefused, RateLimited) as refusal:
        return _second_step_page(account, form, refusal)
    except WrongCredentials:  # the password has changed, or the account was closed, meanwhile
        return _from_the_start()
    target = next_page()
    begin(token, remember=bool(remember))
    return redirect(target or home(), 303)


def _second_step_page(
    account: Account, form: FlaskForm, refusal: Refusal | None = None
) -> Response:
    if isinstance(refusal, RateLimited) and refusal.is_long:
        way_out = "Or use a recovery code, or ask the school to remove your second factor."
        form.form_errors.append(way_out)
    kinds = {factor.kind for factor in factors(account.id)}
    if not kinds:  # an admin has removed them in this moment
        return _from_the_start()
    return page(
        "auth/second_step.html",
        form,
        refusal,
        code_form=form if isinstance(form, CodeForm) else CodeForm(formdata=None),
        next=next_page(),
        has_app="totp" in kinds,
        offers_passkey="passkey" in kinds and party() is not None,
    )


def _halfway() -> Account | None:
    state, _remember = session.get(_HALFWAY, ("", False))
    return accounts.halfway(str(state), keys=keys())


def _from_the_start() -> Response:
    target = next_page()
    if current_user.is_authenticated and request.method == "GET":  # in another tab, meanwhile
        return redirect(target or home(), 303)
    session.pop(_HALFWAY, None)
    flash("That took too long, or something has changed. Sign in again.", "warning")
    return redirect(url_for("auth.login", next=target), 303)
