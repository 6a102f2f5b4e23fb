"""Registering, and proving the address by the link sent to it."""

from flask import (
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from lms import accounts
from lms.models.columns import LONGEST_EMAIL
from lms.refusals import Invalid, RateLimited, VerificationNotPossible
from lms.web.addresses import inside, mailed
from lms.web.auth.blueprint import admission, bp, device, keys, limit, limited, page
from lms.web.auth.forms import ResetForm
from lms.web.forms import NameForm, at_most, refuse, storable, trimmed
from lms.web.security import NOT_KEPT
from lms.web.session import begin, home

_REGISTERED = "registered"
"""In the session: the mark of the registration that this browser has sent, and the address."""


class RegisterForm(NameForm):
    email = EmailField(
        "E-mail",
        filters=[trimmed],
        validators=[
            InputRequired("Enter your e-mail address."),
            at_most(LONGEST_EMAIL),
            storable,
        ],
    )
    password = PasswordField("Password", validators=[InputRequired("Choose a password.")])


@bp.route("/register", methods=["GET", "POST"])
def register() -> Response:
    """Open a student's account, which gets nothing before the link sent to its address is opened.

    The answer is the same where the address has an account.
    """
    target = inside(request.values.get("next"))
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(target or home(), 303)
    rule = admission()
    if not accounts.is_registration_open(rule):
        return _registration_closed()
    form, domains = RegisterForm(), accounts.admitted_domains(rule)
    if form.is_submitted() and form.validate():
        name, email, password = form.name.data, form.email.data, form.password.data
        try:
            accounts.check_admitted(rule, str(email))
            mark = accounts.register(
                email=str(email),
                name=str(name),
                password=str(password),
                link=_verify_link,
                sign_in_page=mailed("auth.login"),
                secret=keys(),
                place=limit().place,
            )
        except Invalid as refusal:
            refuse(form, refusal)
        except RateLimited as refusal:
            return limited("auth/register.html", form, refusal, next=target, domains=domains)
        else:
            session[_REGISTERED] = mark, str(email)
            return redirect(url_for("auth.registered"), 303)
    return page("auth/register.html", form, next=target, domains=domains)


@bp.get("/register/sent")
def registered() -> Response:
    """Say what to do now."""
    if current_user.is_authenticated:
        return redirect(home(), 303)
    if (sent := session.get(_REGISTERED)) is None:
        return redirect(url_for("auth.register"), 303)
    response = make_response(
        render_template(
            "auth/sent.html",
            email=sent[1],
            days=accounts.VALID_DAYS,
            is_printed=current_app.config["LMS_ENV"] == "development"
            and not current_app.config["MAIL_URL"],
        )
    )
    response.headers["Cache-Control"] = NOT_KEPT  # it shows an address
    return response


@bp.route("/verify/<token>", methods=["GET", "POST"])
def verify(token: str) -> Response:
    """Open an account by the link sent to its address.

    Somebody else may have registered with it: only the browser that did is let in by the link
    alone; any other chooses a password.
    """
    form = ResetForm()
    try:
        account = accounts.check_verification(token, secret=keys())
        if account.fingerprint in session.get(_REGISTERED, ()):
            return _verified(token, None)
        if form.is_submitted() and form.validate():
            return _verified(token, str(form.password.data))
    except Invalid as refusal:
        refuse(form, refusal)
    except VerificationNotPossible as refusal:
        flash(refusal.detail, "warning")
        return redirect(url_for("auth.login"), 303)
    return page("auth/verify.html", form, token=token, email=account.email)


@bp.post("/verify")
def resend() -> Response:
    """Send the link again, for whoever knows the account's password."""
    try:
        token = request.form.get("token", "")
        accounts.resend(token, link=_verify_link, secret=keys(), place=limit().place)
    except VerificationNotPossible as refusal:
        flash(refusal.detail, "warning")
    else:
        flash("We've sent the link. Look in your mailbox, and in the spam folder.", "info")
    return redirect(url_for("auth.login"), 303)


def _registration_closed() -> Response:
    page = render_template(
        "error.html",
        status=403,
        title="Accounts are made by the school",
        detail="Ask the school for one, or sign in if you already have one.",
        ways_out=[("Sign in", url_for("auth.login"))],
    )
    return make_response(page, 403)


def _verified(token: str, password: str | None) -> Response:
    begin(accounts.verify(token, password, secret=keys(), device=device()), remember=False)
    flash("Welcome! Your address is confirmed, and your account is ready.", "success")
    return redirect(home(), 303)


def _verify_link(token: str) -> str:
    return mailed("auth.verify", token=token)
