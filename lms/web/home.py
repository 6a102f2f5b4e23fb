"""The front door: redirects to the signed-in person's home."""

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
    """Answer that the process is alive."""
    return {"status": "ok"}
