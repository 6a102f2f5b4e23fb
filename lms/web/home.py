"""The front door: leads to the home of whoever is signed in."""

from flask import Blueprint, redirect
from flask_login import current_user
from werkzeug.wrappers import Response

from lms.web.session import home, sign_in_page

bp = Blueprint("home", __name__)


@bp.get("/")
def index() -> Response:
    """Lead to the role's home, or to the sign-in page."""
    if not current_user.is_authenticated:
        return sign_in_page()
    return redirect(home(), 302)


@bp.get("/healthz")
def healthz() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "ok"}
