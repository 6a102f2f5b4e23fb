"""What every page about one's own account shares."""

from flask import Blueprint, current_app, make_response, render_template, request
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response

from lms import accounts
from lms.config import signing_keys
from lms.refusals import RateLimited
from lms.web import browsers, devices, trace
from lms.web.addresses import caller
from lms.web.errors import expired, too_many
from lms.web.forms import status_of
from lms.web.pauses import slow_down
from lms.web.session import NotAuthenticated, sign_in_page

bp = Blueprint("auth", __name__)


def page(template: str, form: FlaskForm, *, wait: int = 0, **context: object) -> Response:
    """Return a page with its form; where it came back, with the status that says why."""
    response = make_response(render_template(template, form=form, **context))
    if form.is_submitted():
        response.status_code = 429 if wait else status_of(form)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def limited(template: str, form: FlaskForm, refusal: RateLimited, **context: object) -> Response:
    """Return a page whose form comes back since that was too often; what was typed is kept."""
    form.form_errors.append(refusal.detail)
    return too_many(render_template(template, form=form, **context), refusal)


def limit() -> accounts.SignInLimit:
    """Return the limit for tries of whoever asks."""
    rule = current_app.config["LMS_LOGIN_LIMIT"]
    return accounts.SignInLimit(
        rule=rule,
        address=caller(),
        secret=str(current_app.config["SECRET_KEY"]),
        marks=browsers.marks(),
        slow_down=slow_down,
    )


def admission() -> str:
    """Return who may have an account by themselves."""
    return str(current_app.config["LMS_REGISTRATION"])


def device() -> str:
    """Return how the list of sign-ins names this browser."""
    return devices.device(request.user_agent.string)


def keys() -> list[str]:
    """Return the keys that sign links."""
    return signing_keys(current_app.config)


_OWN_BUTTONS = {f"auth.{name}_address" for name in ("cancel", "confirm", "resend")} | {
    "auth.logout"
}
"""Forms of people signed in in which nothing is typed; the views look for no token themselves."""


@bp.errorhandler(CSRFError)
def _expired(_error: CSRFError) -> Response:
    """Let the form come back with what was typed; it reports itself that its token is invalid."""
    trace.refused("csrf")
    if request.endpoint in _OWN_BUTTONS and current_user.is_authenticated:  # no form to come back
        return expired()
    view = current_app.view_functions[str(request.endpoint)]
    try:
        return make_response(view(**(request.view_args or {})))
    except NotAuthenticated:  # the token went with the session; Flask asks no second handler
        return sign_in_page()
