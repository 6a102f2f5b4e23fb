"""Signing in and out."""

from flask import current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField
from wtforms.validators import InputRequired

from lms import accounts
from lms.db import db
from lms.demo.logins import LOGINS
from lms.queries.people import all_exist, has_admin
from lms.refusals import RateLimited, Refusal, SecondFactorNeeded, WrongCredentials
from lms.web.addresses import next_page
from lms.web.asking import device, limit
from lms.web.auth.blueprint import bp, page
from lms.web.auth.challenges import party
from lms.web.auth.forms import EmailForm
from lms.web.auth.registration import has_registered, unconfirmed
from lms.web.auth.second_step import lead_to_second_step
from lms.web.session import begin, has_ended, home, sign_out


class LoginForm(EmailForm):
    password = PasswordField("Password", validators=[InputRequired("Enter your password.")])
    remember = BooleanField("Keep me signed in")


@bp.route("/login", methods=["GET", "POST"])
def login() -> Response:
    """Sign in; wrong e-mails and wrong passwords get the same message."""
    target = next_page()
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(target or home(), 303)
    form = LoginForm()
    if form.is_submitted() and form.validate():
        try:
            email, password = str(form.email.data), str(form.password.data)
            remember = bool(form.remember.data)
            token = accounts.sign_in(
                email, password, limit=limit(), device=device(), remember=remember
            )
            begin(token, remember=remember)
        except (WrongCredentials, RateLimited) as refusal:
            if isinstance(refusal, WrongCredentials) and has_registered(email):
                # Of a known address, too: else the difference would tell that it was known.
                return unconfirmed(email, target)
            return _login_page(form, target, refusal)
        except SecondFactorNeeded as needed:
            return lead_to_second_step(needed, target=target, remember=remember)
        return redirect(target or home(), 303)
    return _login_page(form, target)


@bp.post("/logout")
def logout() -> Response:
    """End the sign-in on the server; a copy of the cookie is dead as well."""
    return sign_out()


def _login_page(form: LoginForm, target: str | None, refusal: Refusal | None = None) -> Response:
    return page(
        "auth/login.html",
        form,
        refusal,
        next=target,
        is_wrong=isinstance(refusal, WrongCredentials),
        ended=_ended(target) if request.method == "GET" else "",
        demo_logins=_demo_logins(),
        is_new=not has_admin(db.session()),
        offers_passkey=party() is not None,
    )


def _ended(target: str | None) -> str:
    """Return what to say to whoever was led here since their sign-in has ended."""
    if target is None or not has_ended():
        return ""
    if target.startswith(url_for("resuming.show", key="")):
        return (
            "You were signed out, for example because you hadn't used the portal for a while."
            " Sign in, and you can send what you typed."
        )
    return "You've been signed out. Sign in to continue."


def _demo_logins() -> tuple[tuple[str, str, str], ...]:
    if current_app.config["LMS_ENV"] != "development":
        return ()
    return LOGINS if all_exist(email for _role, email, _password in LOGINS) else ()
