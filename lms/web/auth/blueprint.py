"""What every page about one's own account shares."""

from flask import Blueprint, current_app, make_response, render_template, request
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from lms.refusals import RateLimited, Refusal
from lms.web import trace
from lms.web.errors import expired, too_many
from lms.web.forms import status_of
from lms.web.school import school

bp = Blueprint("auth", __name__)
_OWN_BUTTONS = {f"auth.{name}_address" for name in ("cancel", "confirm", "resend")} | {
    *("auth.logout", "auth.recovery_codes", "auth.remove_factor")
}
"""Forms of people signed in in which nothing is typed; the views look for no token themselves."""
_OPEN_BUTTONS = {"auth.second_step_by_passkey", "auth.sign_in_by_passkey"}
"""... and of anybody."""


def page(
    template: str, form: FlaskForm, refusal: Refusal | None = None, **context: object
) -> Response:
    """Return a page with its form; where it came back, with what was typed, why, and its status."""
    if refusal is not None:
        form.form_errors.insert(0, refusal.detail)  # before the ways out that a page adds
    shown = render_template(template, form=form, **context)
    if isinstance(refusal, RateLimited):
        return too_many(shown, refusal)
    return make_response(shown, status_of(form) if form.is_submitted() else 200)


def no_longer(what: str, refusal: Refusal, ways_out: list[tuple[str, str]]) -> Response:
    """Return the page of a link that can't be used any more, with the ways out (label, address)."""
    title = f"This {what} no longer works"
    shown = render_template(
        "error.html", status=410, title=title, detail=refusal.detail, ways_out=ways_out
    )
    return make_response(shown, 410)


def forms_of_page(came_back: FlaskForm, **forms: FlaskForm) -> dict[str, FlaskForm]:
    """Return the forms of a page, with the one that came back in the place of its like."""
    return {
        name: came_back if isinstance(came_back, type(form)) else form
        for name, form in forms.items()
    }


def admission() -> str:
    """Return who may have an account by themselves."""
    return school().registration


@bp.errorhandler(CSRFError)
def _expired(_error: CSRFError) -> Response:
    """Let the form come back with what was typed; it reports itself that its token is invalid."""
    trace.refused("csrf")
    is_own_button = request.endpoint in _OWN_BUTTONS and current_user.is_authenticated
    if is_own_button or request.endpoint in _OPEN_BUTTONS:
        return expired()
    view = current_app.view_functions[str(request.endpoint)]
    try:
        return make_response(view(**(request.view_args or {})))
    except NotFound:  # nor can the form come back: what it was about is gone
        return expired()
    except Exception as error:  # noqa: BLE001 - Flask asks no second handler by itself
        return make_response(current_app.handle_user_exception(error))
