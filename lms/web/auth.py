"""Signing in and out, registering, and a person's own profile."""

from typing import Any

from flask import (
    Blueprint,
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
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField, PasswordField
from wtforms.validators import InputRequired

from lms import accounts, enrollment
from lms.config import signing_keys
from lms.demo.logins import LOGINS
from lms.models.columns import LONGEST_EMAIL
from lms.queries.people import all_exist, emails_wanted, open_sign_ins
from lms.refusals import (
    AddressNotConfirmed,
    Invalid,
    RateLimited,
    Refusal,
    ResetNotPossible,
    VerificationNotPossible,
    WrongCredentials,
)
from lms.web import trace
from lms.web.addresses import caller, inside, mailed
from lms.web.devices import device
from lms.web.errors import answer
from lms.web.forms import NameForm, at_most, refuse, status_of, storable, trimmed
from lms.web.security import NOT_KEPT
from lms.web.session import (
    NotAuthenticated,
    begin,
    end,
    home,
    person,
    require_anybody,
    sign_in_page,
    sign_out,
)

bp = Blueprint("auth", __name__)
_REGISTERED = "registered"
"""In the session: the mark of the registration that this browser has sent, and the address."""


class LoginForm(FlaskForm):
    email = EmailField(
        "E-mail", filters=[trimmed], validators=[InputRequired("Enter your e-mail address.")]
    )
    password = PasswordField("Password", validators=[InputRequired("Enter your password.")])
    remember = BooleanField("Keep me signed in")


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


class ChangePasswordForm(FlaskForm):
    current_password = PasswordField(
        "Current password", validators=[InputRequired("Enter your current password.")]
    )
    password = PasswordField("New password", validators=[InputRequired("Choose a password.")])


class EmailsForm(FlaskForm):
    """Which e-mails to send; each role has its own kinds."""

    decisions = BooleanField("Decisions about my access")
    purchases = BooleanField("Payments: receipts, refunds and problems")
    requests = BooleanField("New access requests")


class ForgotForm(FlaskForm):
    email = EmailField(
        "E-mail", filters=[trimmed], validators=[InputRequired("Enter your e-mail address.")]
    )


class ResetForm(FlaskForm):
    password = PasswordField("New password", validators=[InputRequired("Choose a password.")])


@bp.route("/login", methods=["GET", "POST"])
def login() -> Response:
    """Sign in; wrong e-mails and wrong passwords get the same message."""
    target = inside(request.values.get("next"))
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(target or home(), 303)
    form = LoginForm()
    if form.is_submitted() and form.validate():
        try:
            email, password = str(form.email.data), str(form.password.data)
            remember = bool(form.remember.data)
            token = accounts.sign_in(
                email, password, limit=_limit(), device=_device(), remember=remember
            )
            begin(token, remember=remember)
        except (WrongCredentials, RateLimited) as refusal:
            return _login_page(form, target, refusal)
        except AddressNotConfirmed:
            token = accounts.resend_token(email, secret=_keys())
            return make_response(render_template("auth/unconfirmed.html", email=email, token=token))
        return redirect(target or home(), 303)
    return _login_page(form, target)


@bp.route("/register", methods=["GET", "POST"])
def register() -> Response:
    """Open a student's account, which gets nothing before the link sent to its address is opened.

    The answer is the same where the address has an account.
    """
    target = inside(request.values.get("next"))
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(target or home(), 303)
    rule = current_app.config["LMS_REGISTRATION"]
    if not accounts.is_registration_open(rule):
        return _registration_closed()
    form = RegisterForm()
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
                secret=_keys(),
            )
        except Invalid as refusal:
            refuse(form, refusal)
        else:
            session[_REGISTERED] = mark, str(email)
            return redirect(url_for("auth.registered"), 303)
    domains = accounts.admitted_domains(rule)
    return _page("auth/register.html", form, next=target, domains=domains)


@bp.get("/register/sent")
def registered() -> Response:
    """Say what to do now."""
    if current_user.is_authenticated:
        return redirect(home(), 303)
    if (sent := session.get(_REGISTERED)) is None:
        return redirect(url_for("auth.register"), 303)
    page = make_response(
        render_template(
            "auth/sent.html",
            email=sent[1],
            days=accounts.VALID_DAYS,
            is_printed=current_app.config["LMS_ENV"] == "development"
            and not current_app.config["MAIL_URL"],
        )
    )
    page.headers["Cache-Control"] = NOT_KEPT  # it shows an address
    return page


@bp.route("/verify/<token>", methods=["GET", "POST"])
def verify(token: str) -> Response:
    """Open an account by the link sent to its address.

    Somebody else may have registered with it: only the browser that did is let in by the link
    alone; any other chooses a password.
    """
    form = ResetForm()
    try:
        account = accounts.check_verification(token, secret=_keys())
        if account.fingerprint in session.get(_REGISTERED, ()):
            return _verified(token, None)
        if form.is_submitted() and form.validate():
            return _verified(token, str(form.password.data))
    except Invalid as refusal:
        refuse(form, refusal)
    except VerificationNotPossible as refusal:
        flash(refusal.detail, "warning")
        return redirect(url_for("auth.login"), 303)
    return _page("auth/verify.html", form, token=token, email=account.email)


@bp.post("/verify")
def resend() -> Response:
    """Send the link again, for whoever knows the account's password."""
    try:
        accounts.resend(request.form.get("token", ""), link=_verify_link, secret=_keys())
    except VerificationNotPossible as refusal:
        flash(refusal.detail, "warning")
    else:
        flash("We've sent the link. Look in your mailbox, and in the spam folder.", "info")
    return redirect(url_for("auth.login"), 303)


@bp.post("/logout")
def logout() -> Response:
    """End the sign-in on the server; a copy of the cookie is dead as well."""
    return sign_out()


@bp.route("/profile", methods=["GET", "POST"])
def profile() -> Response:
    """Show a person's own account, and change the name."""
    require_anybody()
    form = NameForm(data={"name": person().name})
    if form.is_submitted() and form.validate():
        try:
            enrollment.rename_user(person().id, str(form.name.data), by=person().id)
        except Invalid as refusal:
            refuse(form, refusal)
        else:
            flash("Name saved.", "success")
            return redirect(url_for("auth.profile"), 303)
    password_form = ChangePasswordForm(formdata=None)
    return _profile_page(form, password_form=password_form, emails_form=_emails_form())


@bp.post("/profile/password")
def change_password() -> Response:
    """Replace the password; every other browser is signed out."""
    require_anybody()
    form = ChangePasswordForm()
    wait = 0
    if form.validate():
        current, new = str(form.current_password.data), str(form.password.data)
        try:
            remember = session.permanent
            token = accounts.change_password(
                person().id,
                current=current,
                new=new,
                limit=_limit(),
                device=_device(),
                remember=remember,
            )
        except Invalid as refusal:
            refuse(form, refusal)
        except RateLimited as refusal:
            form.form_errors.append(refusal.detail)
            wait = refusal.retry_after
        else:
            begin(token, remember=remember)
            flash("Password changed. You're signed out everywhere else.", "success")
            return redirect(url_for("auth.profile"), 303)
    name_form = NameForm(formdata=None, data={"name": person().name})
    return _profile_page(form, wait=wait, name_form=name_form, emails_form=_emails_form())


@bp.post("/profile/emails")
def choose_emails() -> Response:
    """Choose which e-mails to get; those about passwords are always sent."""
    require_anybody()
    form = EmailsForm()
    if not form.validate():
        return _profile_page(
            form,
            name_form=NameForm(formdata=None, data={"name": person().name}),
            password_form=ChangePasswordForm(formdata=None),
            emails_form=form,
        )
    if person().role == "admin":
        enrollment.choose_emails(person().id, requests=form.requests.data)
    else:
        enrollment.choose_emails(
            person().id, decisions=form.decisions.data, purchases=form.purchases.data
        )
    flash("E-mail preferences saved.", "success")
    return redirect(url_for("auth.profile"), 303)


@bp.route("/forgot", methods=["GET", "POST"])
def forgot() -> Response:
    """Send a link for a new password; the answer is the same where there is no such account."""
    form = ForgotForm()
    if form.is_submitted() and form.validate():
        accounts.request_password_reset(str(form.email.data), link=_reset_link, secret=_keys())
        flash(
            "If an account has this e-mail, we've sent it a link that works for one hour.",
            "info",
        )
        return redirect(url_for("auth.login"), 303)
    return _page("auth/forgot.html", form)


@bp.route("/reset/<token>", methods=["GET", "POST"])
def reset(token: str) -> Response:
    """Choose a new password by a link from an e-mail; opening the link does not use it up."""
    form = ResetForm()
    try:
        accounts.check_reset(token, secret=_keys())
        if form.is_submitted() and form.validate():
            accounts.reset_password(token, str(form.password.data), secret=_keys())
            end()
            flash("Password changed. Sign in with your new password.", "success")
            return redirect(url_for("auth.login"), 303)
    except Invalid as refusal:
        refuse(form, refusal)
    except ResetNotPossible as refusal:
        flash(refusal.detail, "warning")
        return redirect(url_for("auth.forgot"), 303)
    return _page("auth/reset.html", form, token=token)


@bp.errorhandler(CSRFError)
def _expired(_error: CSRFError) -> Response:
    """Let the form come back with what was typed; it reports itself that its token is invalid."""
    trace.refused("csrf")
    is_signing_out = request.endpoint == "auth.logout" and current_user.is_authenticated
    if is_signing_out or request.endpoint == "auth.resend":  # no form that could come back
        return answer(400, "bad_request", "This page has expired. Reload it and try again.")
    view = current_app.view_functions[str(request.endpoint)]
    try:
        return make_response(view(**(request.view_args or {})))
    except NotAuthenticated:  # the token went with the session; Flask asks no second handler
        return sign_in_page()


def _registration_closed() -> Response:
    page = render_template(
        "error.html",
        status=403,
        title="Accounts are made by the school",
        detail="Ask the school for one, or sign in if you already have one.",
        ways_out=[("Sign in", url_for("auth.login"))],
    )
    return make_response(page, 403)


def _emails_form() -> EmailsForm:
    return EmailsForm(formdata=None, obj=emails_wanted(person().id))


def _login_page(form: LoginForm, target: str | None, refusal: Refusal | None = None) -> Response:
    if refusal is not None:
        form.form_errors.append(refusal.detail)
    wait = refusal.retry_after if isinstance(refusal, RateLimited) else 0
    return _page("auth/login.html", form, wait=wait, next=target, demo_logins=_demo_logins())


def _profile_page(form: FlaskForm, **context: Any) -> Response:
    return _page("auth/profile.html", form, sign_ins=open_sign_ins(person().id), **context)


def _page(template: str, form: FlaskForm, *, wait: int = 0, **context: object) -> Response:
    response = make_response(render_template(template, form=form, **context))
    if form.is_submitted():
        response.status_code = 429 if wait else status_of(form)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def _limit() -> accounts.SignInLimit:
    rule = current_app.config["LMS_LOGIN_LIMIT"]
    return accounts.SignInLimit(rule=rule, address=caller(), secret=_secret())


def _device() -> str:
    return device(request.user_agent.string)


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])


def _keys() -> list[str]:
    return signing_keys(current_app.config)


def _verified(token: str, password: str | None) -> Response:
    begin(accounts.verify(token, password, secret=_keys(), device=_device()), remember=False)
    flash("Welcome! Your address is confirmed, and your account is ready.", "success")
    return redirect(home(), 303)


def _reset_link(token: str) -> str:
    return mailed("auth.reset", token=token)


def _verify_link(token: str) -> str:
    return mailed("auth.verify", token=token)


def _demo_logins() -> tuple[tuple[str, str, str], ...]:
    if current_app.config["LMS_ENV"] != "development":
        return ()
    return LOGINS if all_exist(email for _role, email, _password in LOGINS) else ()
