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

from lms import accounts
from lms.accounts.verification import Chosen
from lms.refusals import (
    AddressConfirmed,
    Invalid,
    RateLimited,
    SecondFactorNeeded,
    VerificationNotPossible,
)
from lms.web.addresses import mailed, mailed_link, next_page
from lms.web.asking import device, limit
from lms.web.auth.blueprint import admission, bp, page
from lms.web.auth.forms import AccountForm, EmailForm, ResetForm
from lms.web.auth.second_step import lead_to_second_step
from lms.web.forms import NameForm, refuse
from lms.web.security import NOT_KEPT
from lms.web.session import begin, home
from lms.web.signing import keys

_REGISTRATION = "registration"
"""In the session: what this browser has sent; its mark, the address, and where it was going."""


class OpeningForm(NameForm, ResetForm):
    """What is entered where the browser that registered is another: those may not be its words."""


@bp.route("/register", methods=["GET", "POST"])
def register() -> Response:
    """Open a student's account, which gets nothing before the link sent to its address is opened.

    The answer is the same where the address has an account.
    """
    target = next_page()
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(target or home(), 303)
    rule = admission()
    if not accounts.is_registration_open(rule):
        return _registration_closed()
    sign_in_page = mailed("auth.login", next=target)  # refuses where no link could be sent
    form, domains = AccountForm(), accounts.admitted_domains(rule)
    if form.is_submitted() and form.validate():
        name, email, password = form.name.data, form.email.data, form.password.data
        try:
            accounts.check_admitted(rule, str(email))
            mark = accounts.register(
                email=str(email),
                name=str(name),
                password=str(password),
                link=mailed_link("auth.verify", next=target),
                sign_in_page=sign_in_page,
                secret=keys(),
                place=limit().place,
            )
        except Invalid as refusal:
            refuse(form, refusal)
        except RateLimited as refusal:
            return page("auth/register.html", form, refusal, next=target, domains=domains)
        else:
            sent = {"mark": mark, "email": str(email), "next": target}
            session[_REGISTRATION] = sent
            return redirect(url_for("auth.registered"), 303)
    return page("auth/register.html", form, next=target, domains=domains)


@bp.get("/register/sent")
def registered() -> Response:
    """Say what to do now."""
    if current_user.is_authenticated:
        return redirect(home(), 303)
    if (sent := session.get(_REGISTRATION)) is None:
        return redirect(url_for("auth.register"), 303)
    return _not_kept(
        render_template(
            "auth/sent.html",
            email=sent["email"],
            next=sent["next"],
            days=accounts.VALID_DAYS,
            is_printed=current_app.config["LMS_ENV"] == "development"
            and not current_app.config["MAIL_URL"],
        )
    )


@bp.route("/verify/<token>", methods=["GET", "POST"])
def verify(token: str) -> Response:
    """Open an account by the link sent to its address.

    Somebody else may have registered with it: only the browser that did is let in by the link
    alone; any other checks the name and chooses a password.
    """
    target = next_page()
    try:
        account = accounts.check_verification(token, secret=keys())
        # What is sent without a name says nothing about the one that is kept.
        known = {"name": account.name} if request.method == "GET" else None
        form = OpeningForm(data=known)
        if account.fingerprint == session.get(_REGISTRATION, {}).get("mark"):
            return _verified(token, None, target)
        if form.is_submitted() and form.validate():
            return _verified(token, Chosen(str(form.name.data), str(form.password.data)), target)
    except Invalid as refusal:
        refuse(form, refusal)
    except SecondFactorNeeded as needed:
        return lead_to_second_step(needed, target=target, remember=False)
    except AddressConfirmed as refusal:
        flash(refusal.detail, "info")
        return redirect(_home() or url_for("auth.login", next=target), 303)
    except VerificationNotPossible as refusal:
        home = _home()
        flash(refusal.for_signed_in if home else refusal.detail, "warning")
        return redirect(home or url_for("auth.resend", next=target), 303)
    return page("auth/verify.html", form, token=token, email=account.email, next=target)


@bp.route("/verify", methods=["GET", "POST"])
def resend() -> Response:
    """Send the link again; the answer is the same where nobody waits for it."""
    target = next_page()
    form = EmailForm()
    if form.is_submitted() and form.validate():
        try:
            email = str(form.email.data)
            accounts.resend(
                email,
                link=mailed_link("auth.verify", next=target),
                secret=keys(),
                place=limit().place,
            )
        except RateLimited as refusal:
            return page("auth/resend.html", form, refusal, next=target)
        is_open = accounts.is_registration_open(admission())
        flash(
            "If this address is waiting to be confirmed, we've sent the link again. Check your spam"
            " folder, too. We send it at most once every 5 minutes. If nothing arrives,"
            f" {'create your account again' if is_open else 'ask the school'}.",
            "info",
        )
        return redirect(url_for("auth.login", next=target), 303)
    mailed("auth.login")  # refuses where no link could be sent
    return page("auth/resend.html", form, next=target)


def has_registered(email: str) -> bool:
    """Return whether this browser has registered with the address, whoever else may have."""
    return str(session.get(_REGISTRATION, {}).get("email", "")).lower() == email.lower()


def unconfirmed(email: str, target: str | None) -> Response:
    """Say that the address has to be confirmed first, and offer the link again."""
    response = _not_kept(render_template("auth/unconfirmed.html", email=email, next=target))
    response.status_code = 422
    return response


def _registration_closed() -> Response:
    page = render_template(
        "error.html",
        status=403,
        title="Accounts are created by the school",
        detail="Ask the school for one, or sign in if you already have one.",
        ways_out=[("Sign in", url_for("auth.login"))],
    )
    return make_response(page, 403)


def _not_kept(page: str) -> Response:
    response = make_response(page)
    response.headers["Cache-Control"] = NOT_KEPT  # it shows an address
    return response


def _home() -> str | None:
    return home() if current_user.is_authenticated else None


def _verified(token: str, chosen: Chosen | None, target: str | None) -> Response:
    begin(accounts.verify(token, chosen, secret=keys(), device=device()), remember=False)
    flash("Welcome! Your address is confirmed, and your account is ready.", "success")
    return redirect(target or home(), 303)
